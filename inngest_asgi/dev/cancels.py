"""The jobs that end a run before its time (server-api.md 9); they are only made here, not done.

Whoever wants a run cancelled saves a job made here, `Changes(jobs=[cancel_job(...)])`; the
executor does the rest. A run that has ended meanwhile is left as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.cel.expressions import ExpressionError, compile_expression
from inngest_asgi.dev.failures import cancelled
from inngest_asgi.dev.moments import sleep_seconds
from inngest_asgi.dev.pauses import event_match
from inngest_asgi.dev.records import Job, JobKind
from inngest_asgi.wire.codec import dumps, loads
from inngest_asgi.wire.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inngest_asgi.dev.records import Function, Run

LONGEST_MATCHER = 365 * 86_400.0


def cancel_job(run_id: str, now: float, reason: str) -> Job:
    """Return the job that cancels a run at once.

    Args:
        run_id: the run.
        now: Unix seconds.
        reason: a sentence for the run's error, such as "The run was cancelled by the API."
    """
    return _cancel(f"{run_id}-cancel", run_id, now, reason)


def jobs_of_new_run(run: Run, function: Function, due: float) -> Iterator[Job]:
    """Yield what may cancel a run that is about to be saved: events, and starting too late.

    Args:
        run: the run.
        function: its function, with the options `cancel` and `timeouts`.
        due: when it is to start, in Unix seconds.
    """
    for number, matcher in enumerate(function.config.get("cancel") or ()):
        match = event_match(matcher["event"], matcher.get("if") or "", run.event)
        until = run.queued_at + _lifetime(matcher.get("timeout") or "", run)
        name = f"{run.id}-cancel-on-{number}"
        yield Job(name, run.id, JobKind.CANCEL, None, until, match=match)
    text = _timeouts(function).get("start")
    if text:
        reason = f"The run was cancelled because it did not start within {text}."
        yield _cancel(start_timeout(run.id), run.id, due + _seconds(text), reason)


def jobs_of_started_run(run: Run, function: Function, now: float) -> Iterator[Job]:
    """Yield what cancels a run that takes too long, from its start on."""
    text = _timeouts(function).get("finish")
    if text:
        reason = f"The run was cancelled because it did not finish within {text}."
        yield _cancel(finish_timeout(run.id), run.id, now + _seconds(text), reason)


def start_timeout(run_id: str) -> str:
    """Return the id of the job that cancels a run unless it has started."""
    return f"{run_id}-start-timeout"


def finish_timeout(run_id: str) -> str:
    """Return the id of the job that cancels a run unless it has ended."""
    return f"{run_id}-finish-timeout"


def _cancel(job_id: str, run_id: str, due: float, reason: str) -> Job:
    value = dumps(cancelled(reason))
    return Job(job_id, run_id, JobKind.CANCEL, None, due, value=value)


def _timeouts(function: Function) -> dict[str, Any]:
    timeouts: dict[str, Any] = function.config.get("timeouts") or {}
    return timeouts


def _seconds(text: str) -> float:
    return parse_duration(text).total_seconds()


def _lifetime(text: str, run: Run) -> float:
    """Return for how many seconds a matcher counts: a duration, a date, or what gives either."""
    try:
        seconds = sleep_seconds(text, run.queued_at) if text else LONGEST_MATCHER
    except ValueError:
        seconds = _computed(text, run)
    return min(seconds, LONGEST_MATCHER)


def _computed(text: str, run: Run) -> float:
    """Evaluate an expression; one without a usable result leaves the longest time."""
    now = run.queued_at
    try:
        value = compile_expression(text).value(loads(run.event.body), now=now)
        if isinstance(value, datetime):
            value = value.replace(tzinfo=value.tzinfo or UTC).isoformat()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return max(value / 1000 - now, 0.0)
        return sleep_seconds(value, now) if isinstance(value, str) and value else LONGEST_MATCHER
    except (ExpressionError, ValueError):
        return LONGEST_MATCHER
