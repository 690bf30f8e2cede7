"""The events a server sends by itself when a run has ended (server-api.md 6); saves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.events import CANCELLED, FAILED, FINISHED, INVOKED, server_event
from inngest_asgi.dev.records import RunStatus
from inngest_asgi.wire.codec import Fragment, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inngest_asgi.dev.records import Function, Run, StoredEvent

MOST_ENDS = 4
"""Ends of runs that may lead to each other: each event holds the one before it, twice."""

_MORE = {RunStatus.FAILED: FAILED, RunStatus.CANCELLED: CANCELLED}
_ENDS = frozenset({FINISHED, FAILED, CANCELLED})


def ending_events(
    run: Run, slug: str, finished_id: str, other_id: str, now: float
) -> Iterator[StoredEvent]:
    """Yield the events of a run that ended: finished, and failed or cancelled when it was.

    Args:
        run: the run, ended.
        slug: the function's id as SDKs know it.
        finished_id: internal id for the first event.
        other_id: internal id for the second. The id of a failed event is that of the run.
        now: Unix seconds.
    """
    key = "error" if run.status in _MORE else "result"
    outcome = {key: Fragment(run.output or b"null")}
    data = _data(slug, run.id, run.events, outcome, run.status)
    yield server_event(FINISHED, data, internal_id=finished_id, now=now)
    if run.status is RunStatus.FAILED:
        yield server_event(FAILED, data, internal_id=other_id, event_id=run.id, now=now)
    elif run.status is RunStatus.CANCELLED:
        yield server_event(CANCELLED, data, internal_id=other_id, now=now)


def refused_event(
    event: StoredEvent, slug: str, error: dict[str, Any], internal_id: str, now: float
) -> StoredEvent:
    """Return the finished event of a run that was asked for and did not come to be.

    Args:
        event: what asked for it.
        slug: the function's id as it was asked for.
        error: why there is no run.
        internal_id: for the event.
        now: Unix seconds.
    """
    data = _data(slug, "", [event], {"error": error}, RunStatus.FAILED)
    return server_event(FINISHED, data, internal_id=internal_id, now=now)


def result_memo(run: Run) -> bytes:
    """Return what a run that ended leaves in the step that invoked it (steps.md 6)."""
    key = "data" if run.status is RunStatus.COMPLETED else "error"
    return dumps({key: Fragment(run.output or b"null")})


def leads_back(event: StoredEvent, function: Function) -> bool:
    """Tell whether a function must not start for an event, for it would go on for ever.

    It is so for the end of its own runs, also when it lies further back: it ended, another one
    listened to that and ended, too. What it invoked counts as its own. And it is so for any end
    that so many others have led to.
    """
    if event.name not in _ENDS:
        return False
    ended = list(_ended(loads(event.body)))
    return len(ended) > MOST_ENDS or function.slug in ended or function.id in ended


def correlation_id(event: StoredEvent) -> str | None:
    """Return what ties an event to the step that invoked a function with it; None: no step did."""
    if event.name != INVOKED:
        return None
    known: str | None = loads(event.body)["data"]["_inngest"].get("correlation_id")
    return known


def _ended(event: dict[str, Any]) -> Iterator[str]:
    """Yield the functions whose runs led to an event by their ends, the last one first."""
    while event["name"] in _ENDS:
        yield event["data"]["function_id"]
        event = event["data"]["event"]
    if event["name"] == INVOKED:
        yield event["data"]["_inngest"].get("source_fn_id", "")


def _data(
    slug: str,
    run_id: str,
    events: Sequence[StoredEvent],
    outcome: dict[str, Any],
    status: RunStatus,
) -> dict[str, Any]:
    correlation = correlation_id(events[0])
    return {
        "function_id": slug,
        "run_id": run_id,
        "event": Fragment(events[0].body),
        "events": [Fragment(event.body) for event in events],
        **outcome,
        **({} if correlation is None else {"correlation_id": correlation}),
        "_inngest": {"status": status.label},
    }
