"""Spans: what a run's timeline is made of; records only, they know of no run."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inngest_asgi.wire.codec import Fragment


class SpanKind(StrEnum):
    """What a span stands for."""

    RUN = "run"
    QUEUE = "queue"
    STEP = "step"
    ATTEMPT = "attempt"
    DELAY = "delay"
    USERLAND = "userland"


class SpanStatus(StrEnum):
    """Where the thing that a span stands for is at, or how it ended."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


@dataclass(slots=True)
class Span:
    """A stretch of time in the life of a run.

    Args:
        id: unique within the run, and the same whenever it is asked for.
        kind: what it stands for.
        name: for people: the function, the step as its author called it.
        start: Unix seconds.
        end: Unix seconds; None as long as it goes on.
        op: the opcode of a step, as reported (steps.md 2).
        step_id: the hashed id of the step it belongs to.
        attempt: counted from 0.
        until: when a sleep, a wait or a pause before an attempt is over at the latest.
        input: the arguments of a step, or what it waits for.
        output: what came of it, as it is written into JSON.
        error: why it failed, with the stack if there is one.
        child_run_id: the run that a step invoked.
        metadata: what was noted about it, by kind.
        attributes: those of a span that user code reported.
    """

    id: str
    kind: SpanKind
    name: str
    start: float
    status: SpanStatus = SpanStatus.RUNNING
    end: float | None = None
    op: str = ""
    step_id: str | None = None
    attempt: int | None = None
    until: float | None = None
    input: Any = None
    output: Fragment | Any = None
    error: dict[str, Any] | None = None
    child_run_id: str | None = None
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    children: list[Span] = field(default_factory=list)

    def finish(self, at: float, status: SpanStatus) -> None:
        """Note how and when it ended, unless it had ended before."""
        if self.end is None:
            self.end, self.status = max(at, self.start), status
