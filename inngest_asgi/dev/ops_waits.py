"""Ops that pause a run until something happens: an event, a signal, the end of another run.

They add jobs to a turn, as all ops do (ops.py); what ends a pause is found in pauses.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.cel.expressions import ExpressionError
from inngest_asgi.dev.failures import failure, invoke_timed_out, signal_taken, timeout_too_long
from inngest_asgi.dev.moments import sleep_seconds
from inngest_asgi.dev.pauses import event_match
from inngest_asgi.dev.records import Happening, Job, JobKind, Match, MatchKind
from inngest_asgi.dev.turn import Invoke
from inngest_asgi.wire.codec import dumps

if TYPE_CHECKING:
    from inngest_asgi.dev.answers import Op, Reported
    from inngest_asgi.dev.turn import Turn

MAX_WAIT = 366 * 86_400
"""Seconds that a step may wait at most; a run that wants more fails."""

_YEAR = "8760h"
_FAIL, _REPLACE = "fail", "replace"


def wait_for_event(turn: Turn, op: Op, reported: Reported) -> None:
    """Pause until an event comes that the expression allows (steps.md 4.3)."""
    name, expression = _event_name(op), _text(op, "if")
    if _is_moot(turn, op):
        return
    due = _due(turn, _text(op, "timeout"))
    try:
        match = event_match(name, expression, turn.run.event)
    except ExpressionError as error:
        turn.fail_run(failure("Error", str(error)))
        return
    about = {"event": name, "if": expression} if expression else {"event": name}
    if due is not None:
        turn.add(_job(turn, op, due, match))
        turn.tell_step(Happening.STEP_WAITING, op, until=due, input=about)


def wait_for_signal(turn: Turn, op: Op, reported: Reported) -> None:
    """Pause until somebody sends a signal, for which one wait can be at a time (steps.md 4.4)."""
    if _is_moot(turn, op):
        return
    name, due = _text(op, "signal"), _due(turn, _text(op, "timeout") or _YEAR)
    if due is None:
        return
    match = Match(MatchKind.SIGNAL, name)
    other = next((job for job in turn.added if job.match == match), turn.waiting_for(name))
    if other is not None and _text(op, "conflict") != _REPLACE:
        turn.fail_run(signal_taken())
    else:
        turn.add(_job(turn, op, due, match))
        turn.tell_step(Happening.STEP_WAITING, op, until=due, input={"signal": name})
        turn.replaced += [] if other is None else [other]


def invoke(turn: Turn, op: Op, reported: Reported) -> None:
    """Have another function run, and pause until it ends (steps.md 4.5)."""
    if _is_moot(turn, op):
        return
    function, due = _text(op, "function_id"), _due(turn, _text(op, "timeout") or _YEAR)
    if due is None:
        return
    match = Match(MatchKind.INVOKE, f"{turn.run.id}.{op.id}")
    job = _job(turn, op, due, match)
    job.value = dumps({"error": invoke_timed_out()})
    turn.add(job)
    turn.invoked.append(Invoke(job, function, op.opts["payload"]))


def event_unclear(op: Op, now: float) -> str | None:
    """Say what is wrong with a wait for an event."""
    if not _event_name(op):
        return f"Step {op.name!r} waits for an event without a name."
    return _not_text(op, "if", "timeout") or _timeout_unreadable(op, now)


def signal_unclear(op: Op, now: float) -> str | None:
    """Say what is wrong with a wait for a signal."""
    if not _text(op, "signal"):
        return f"Step {op.name!r} waits for a signal without a name."
    if _text(op, "conflict") not in ("", _FAIL, _REPLACE):
        return f"Step {op.name!r} resolves conflicts neither by {_FAIL!r} nor by {_REPLACE!r}."
    return _not_text(op, "timeout", "conflict") or _timeout_unreadable(op, now)


def invoke_unclear(op: Op, now: float) -> str | None:
    """Say what is wrong with a step that invokes a function."""
    if not _text(op, "function_id"):
        return f"Step {op.name!r} invokes a function without an id."
    payload = op.opts.get("payload")
    if not isinstance(payload, dict):
        return f"Step {op.name!r} invokes a function with a payload that is no object."
    for key in ("data", "user", "meta"):
        if not isinstance(payload.get(key), dict | None):
            return f"Step {op.name!r} invokes a function with {key!r} that is no object."
    return _not_text(op, "timeout") or _timeout_unreadable(op, now)


def _is_moot(turn: Turn, op: Op) -> bool:
    """Whether the step was reported before, or the run has ended: then it is not looked at."""
    run = turn.run
    return _job_id(turn, op) in run.jobs or op.id in run.memos or run.status.ended


def _job_id(turn: Turn, op: Op) -> str:
    return f"{turn.run.id}-{op.id}"


def _job(turn: Turn, op: Op, due: float, match: Match) -> Job:
    job = Job(_job_id(turn, op), turn.run.id, JobKind.WAIT, op.id, due)
    job.race, job.name, job.match = op.race, op.name, match
    return job


def _due(turn: Turn, timeout: str) -> float | None:
    """Return when a wait times out; None when that is too late, which fails the run."""
    seconds = sleep_seconds(timeout, turn.now)
    if seconds > MAX_WAIT:
        turn.fail_run(timeout_too_long(timeout))
        return None
    return turn.now + seconds


def _event_name(op: Op) -> str:
    return _text(op, "event") or op.wire_name


def _text(op: Op, key: str) -> str:
    value: Any = op.opts.get(key)
    return value if isinstance(value, str) else ""


def _not_text(op: Op, *keys: str) -> str | None:
    wrong = [key for key in keys if not isinstance(op.opts.get(key), str | None)]
    return f"The option {wrong[0]!r} of step {op.name!r} is no text." if wrong else None


def _timeout_unreadable(op: Op, now: float) -> str | None:
    try:
        sleep_seconds(_text(op, "timeout"), now)
    except ValueError as error:
        return f"Step {op.name!r} waits for no readable time: {error}."
    return None
