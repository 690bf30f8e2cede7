"""Functions that a run defers until it has ended (steps.md 4.8): noted, dropped, and started.

Whatever is wrong with one of them, the run goes on: it is logged, and told of.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.events import DEFERRED, server_event
from inngest_asgi.dev.records import Defer, DeferState, Happening
from inngest_asgi.wire.codec import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from inngest_asgi.dev.answers import Op, Reported
    from inngest_asgi.dev.records import Function, Run, StoredEvent
    from inngest_asgi.dev.turn import Turn

MAX_DEFERS = 20
MAX_INPUTS = 4 * 1024 * 1024
MAX_META = 32 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deferred:
    """What came of one op: what to keep of it, if anything, and what to tell."""

    defer: Defer | None
    kind: Happening
    more: dict[str, Any]


def add_defer(turn: Turn, op: Op, reported: Reported) -> None:
    """Note a function to start when the run has ended."""
    _apply(turn, op)


def abort_defer(turn: Turn, op: Op, reported: Reported) -> None:
    """Drop a function that was noted."""
    _apply(turn, op)


def defer(run: Run, op: Op) -> Deferred | None:
    """Change what a run defers, as an op says; None when that is done already.

    Args:
        run: it is changed in place.
        op: a DeferAdd or a DeferAbort.
    """
    change = _aborted(run, op) if op.kind.lower() == "deferabort" else _added(run, op)
    if change is not None and change.defer is not None:
        run.defers[change.defer.step_id] = change.defer
    if change is not None and change.kind is Happening.DEFER_REFUSED:
        _log.warning("Run %s goes on without a deferred function: %s", run.id, change.more["error"])
    return change


def deferred_events(
    run: Run, function: Function, new_id: Callable[[], str], now: float
) -> Iterator[StoredEvent]:
    """Yield the events that start what a run deferred, now that it has ended (server-api.md 6).

    Args:
        run: the run, ended.
        function: what it was a run of.
        new_id: makes internal ids.
        now: Unix seconds.
    """
    for one in run.defers.values():
        if one.state is DeferState.ADDED:
            about = {
                "fn_slug": one.slug,
                "parent_fn_slug": function.slug,
                "parent_fn_id": function.id,
                "parent_app_id": function.app_id,
                "parent_run_id": run.id,
                "hashed_id": one.step_id,
            }
            yield server_event(
                DEFERRED,
                loads(one.input) | {"_inngest": about},
                internal_id=new_id(),
                event_id=f"{run.id}-{one.step_id}",
                now=now,
            )


def _apply(turn: Turn, op: Op) -> None:
    change = defer(turn.run, op)
    if change is not None:
        if change.defer is not None:
            turn.defers.append(change.defer)
        turn.tell_step(change.kind, op, **change.more)


def _added(run: Run, op: Op) -> Deferred | None:
    if op.id in run.defers:
        return None
    slug, given = op.opts.get("fn_slug"), dumps(op.opts.get("input"))
    if not isinstance(slug, str) or not slug:
        return _refused("its fn_slug is missing")
    if not isinstance(op.opts.get("input"), dict):
        return _refused(f"the input of {slug!r} is no JSON object")
    if not _is_small_object(op.opts.get("meta")):
        return _refused(f"the meta of {slug!r} is no JSON object of at most {MAX_META >> 10} kB")
    if len(run.defers) >= MAX_DEFERS:
        return _refused(f"a run defers at most {MAX_DEFERS} functions")
    if len(given) + sum(len(one.input) for one in run.defers.values()) > MAX_INPUTS:
        message = f"what a run gives its deferred functions is at most {MAX_INPUTS >> 20} MB"
        return _refused(message, Defer(op.id, slug, b"", DeferState.REFUSED))
    return Deferred(Defer(op.id, slug, given), Happening.DEFER_ADDED, {"function": slug})


def _aborted(run: Run, op: Op) -> Deferred | None:
    known = run.defers.get(str(op.opts.get("target_hashed_id")))
    if known is None:
        return _refused("there is none to abort")
    if known.state is not DeferState.ADDED:
        return None
    gone = replace(known, input=b"", state=DeferState.ABORTED)
    return Deferred(gone, Happening.DEFER_ABORTED, {"function": known.slug})


def _refused(what: str, kept: Defer | None = None) -> Deferred:
    return Deferred(kept, Happening.DEFER_REFUSED, {"error": f"{what}."})


def _is_small_object(meta: Any) -> bool:
    return meta is None or (isinstance(meta, dict) and len(dumps(meta)) <= MAX_META)
