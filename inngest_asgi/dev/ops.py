"""What each op that an app may report does to its run: one table, and a function per row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inngest_asgi.dev.answers import Failed, Op, Reported, Returned
from inngest_asgi.dev.defers import abort_defer, add_defer
from inngest_asgi.dev.failures import not_ready, op_failure, timeout_too_long
from inngest_asgi.dev.moments import sleep_seconds
from inngest_asgi.dev.ops_remote import request_remote
from inngest_asgi.dev.ops_waits import (
    MAX_WAIT,
    event_unclear,
    invoke,
    invoke_unclear,
    signal_unclear,
    wait_for_event,
    wait_for_signal,
)
from inngest_asgi.dev.records import Happening, Job, JobKind, Memo
from inngest_asgi.wire.codec import Fragment, dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.dev.turn import Turn


@dataclass(frozen=True, slots=True)
class OpRule:
    """How an op is handled.

    Args:
        apply: what it does to a run.
        check: returns a sentence when the op makes no sense; then nothing of its response counts.
        first: it is handled before the others of its response.
        lazy: it opens no step, so it does not count when one asks whether several are open.
    """

    apply: Callable[[Turn, Op, Reported], None]
    check: Callable[[Op, float], str | None] = lambda _op, _now: None
    first: bool = False
    lazy: bool = False


def apply_ops(turn: Turn, reported: Reported) -> None:
    """Do all that an app reported in one response (steps.md 8)."""
    refused = _refused(reported, turn.now)
    if refused is not None:
        turn.failed(refused)
        return
    if turn.run.request_version < 0 and reported.version is not None:
        turn.run.request_version = reported.version
    steps = [op for op in reported.ops if not _rule(op).lazy]
    turn.open_set([op.id for op in steps if op.id])
    if len(steps) > 1:
        turn.run.force_plan = True
    for op in sorted(reported.ops, key=lambda op: not _rule(op).first):
        _rule(op).apply(turn, op, reported)
    turn.done()


def finished(op: Op) -> Memo:
    """Return what a step that ran leaves: `StepRun` wraps it, `Step` does not (steps.md 2)."""
    value = op.data if op.kind.lower() == "step" else dumps({"data": Fragment(op.data)})
    return Memo(op.id, op.name, op.kind, value)


def _refused(reported: Reported, now: float) -> Failed | None:
    """Return what is wrong with a response: it fails the attempt, whatever it is (steps.md 2)."""
    for op in reported.ops:
        rule = OPS.get(op.kind.lower())
        unknown = f"The app reported an op that this server does not know: {op.kind!r}."
        wrong = unknown if rule is None else rule.check(op, now)
        if wrong is not None:
            return Failed(not_ready("unknown", wrong), retry_after=reported.retry_after)
    return None


def _rule(op: Op) -> OpRule:
    return OPS[op.kind.lower()]


def _none(turn: Turn, op: Op, reported: Reported) -> None:
    """Nothing to report on this branch."""


def _step_run(turn: Turn, op: Op, reported: Reported) -> None:
    turn.step_reported(op, finished(op))


def _step_failed(turn: Turn, op: Op, reported: Reported) -> None:
    error = op_failure(op.error or {})
    memo = Memo(op.id, op.name, "StepFailed", dumps({"error": error}))
    turn.step_reported(op, memo, Happening.STEP_FAILED, error=error, retry_at=None)


def _step_error(turn: Turn, op: Op, reported: Reported) -> None:
    if reported.no_retry or not turn.attempts_left:
        _step_failed(turn, op, reported)
    else:
        turn.retry_step(op, reported.retry_after, alone=len(reported.ops) == 1)


def _step_planned(turn: Turn, op: Op, reported: Reported) -> None:
    run = turn.run
    job = Job(f"{run.id}-{op.id}-plan", run.id, JobKind.CALL, op.id, turn.now, name=op.name)
    if turn.add(job):
        turn.tell_step(Happening.STEP_PLANNED, op)


def _sleep(turn: Turn, op: Op, reported: Reported) -> None:
    run, text = turn.run, _sleep_text(op)
    seconds = sleep_seconds(text, turn.now)
    if seconds > MAX_WAIT:
        turn.fail_run(timeout_too_long(text))
        return
    due = turn.now + seconds
    job = Job(f"{run.id}-{op.id}", run.id, JobKind.SLEEP, op.id, due, race=op.race, name=op.name)
    if turn.add(job):
        turn.tell_step(Happening.STEP_SLEEPING, op, until=due)


def _run_complete(turn: Turn, op: Op, reported: Reported) -> None:
    turn.returned(Returned(op.data))


def _discovery_request(turn: Turn, op: Op, reported: Reported) -> None:
    turn.discover()


def _error_missing(op: Op, now: float) -> str | None:
    return None if op.error is not None else f"Step {op.name!r} failed without an error."


def _sleep_unreadable(op: Op, now: float) -> str | None:
    try:
        sleep_seconds(_sleep_text(op), now)
    except ValueError as error:
        return f"Step {op.name!r} sleeps for no readable time: {error}."
    return None


def _sleep_text(op: Op) -> str:
    given = op.opts.get("duration")
    return given if isinstance(given, str) else op.wire_name


OPS: dict[str, OpRule] = {
    "none": OpRule(_none, lazy=True),
    "step": OpRule(_step_run),
    "steprun": OpRule(_step_run),
    "steperror": OpRule(_step_error, check=_error_missing),
    "stepfailed": OpRule(_step_failed, check=_error_missing),
    "stepplanned": OpRule(_step_planned),
    "sleep": OpRule(_sleep, check=_sleep_unreadable),
    "waitforevent": OpRule(wait_for_event, check=event_unclear, first=True),
    "waitforsignal": OpRule(wait_for_signal, check=signal_unclear),
    "invokefunction": OpRule(invoke, check=invoke_unclear),
    "gateway": OpRule(request_remote),
    "aigateway": OpRule(request_remote),
    "deferadd": OpRule(add_defer, first=True, lazy=True),
    "deferabort": OpRule(abort_defer, first=True, lazy=True),
    "runcomplete": OpRule(_run_complete, lazy=True),
    "discoveryrequest": OpRule(_discovery_request, lazy=True),
}
"""Opcodes in lower case, because servers match them in any case (steps.md 2)."""
