"""A run's timeline as a tree of spans, made from what was recorded of it; pure, it reads nothing.

The root is the run. Below it stand its steps and those calls of the function as a whole that
failed or ended it; below a step, its wait in the queue, its attempts and the pauses before the
next attempt. A span without an end goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.metadata import Update, annotate
from inngest_asgi.dev.records import Happening, RunStatus
from inngest_asgi.dev.spans import Span, SpanKind, SpanStatus
from inngest_asgi.wire.codec import Fragment, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from inngest_asgi.dev.records import Memo, Record, RunRow

_SECONDS_OF_DUST = 0.001
"""A wait in the queue that is shorter is not worth a span."""


def trace(
    run: RunRow, name: str, history: Iterable[Record], memos: Mapping[str, Memo] | None = None
) -> Span:
    """Return the timeline of a run.

    Args:
        run: the run as it stands.
        name: of its function.
        history: what happened to it, in order.
        memos: what its steps left, by hashed step id. Without them, or without their values, no
            step has an output.
    """
    timeline = _Timeline(run, name)
    for record in history:
        timeline.add(record)
    timeline.close()
    for step_id, memo in (memos or {}).items():
        if step_id not in timeline.steps:
            timeline.add_copied(memo)
        if memo.value:
            _add_outcome(timeline.steps[step_id], memo)
    return timeline.root


def steps_of(root: Span) -> list[Span]:
    """Return the steps of a run in the order in which they were found."""
    return [span for span in root.children if span.kind is SpanKind.STEP]


class _Timeline:
    """The spans of a run so far. What does not concern it, or is not understood, is left out."""

    def __init__(self, run: RunRow, name: str) -> None:
        self.root = Span(run.id, SpanKind.RUN, name, run.queued_at, SpanStatus.QUEUED)
        self.steps: dict[str, Span] = {}
        self._run = run
        self._seq = 0
        self._open: dict[str | None, Span] = {}
        """Attempts in progress by step id; None: a call of the function as a whole."""
        self._answered: Span | None = None
        """The attempt whose call is over, until a record tells what came of it."""
        self._call: tuple[float, float] = (0.0, 0.0)
        """When the call that is being told of began and ended."""
        self._queue = self._child(self.root, SpanKind.QUEUE, "Queued", run.queued_at)
        self._queue.status = SpanStatus.QUEUED

    def add(self, record: Record) -> None:
        self._seq = record.seq
        known = _HANDLERS.get(record.kind)
        if known is not None:
            known(self, record)
        elif "id" in record.details:
            self._step_pauses(record)

    def add_copied(self, memo: Memo) -> None:
        """Add a step that another run did, of which this one is a rerun."""
        at = self._run.queued_at
        span = Span(memo.step_id, SpanKind.STEP, memo.name, at, SpanStatus.COMPLETED, at)
        span.step_id, span.op = memo.step_id, memo.op
        self.steps[memo.step_id] = span
        self.root.children.insert(0, span)

    def close(self) -> None:
        """Give the root its outcome, and an end to what ended with the run."""
        self._settle()
        run, root = self._run, self.root
        if run.output is not None:
            failed = run.status in (RunStatus.FAILED, RunStatus.CANCELLED)
            root.error = _error_of(loads(run.output)) if failed else None
            root.output = None if failed else Fragment(run.output)
        if run.ended_at is not None:
            for step in self.steps.values():
                _end_within(step, run.ended_at, SpanStatus.CANCELLED)
            _end_within(root, run.ended_at, _STATUSES.get(run.status, SpanStatus.SKIPPED))
        elif run.started_at is not None:
            root.status = SpanStatus.RUNNING
        _drop_dust(root)

    def run_queued(self, record: Record) -> None:
        self._queue.until = record.details.get("due")

    def run_started(self, record: Record) -> None:
        self._queue.finish(record.at, SpanStatus.COMPLETED)

    def call_started(self, record: Record) -> None:
        self._settle()
        self._begin(record, record.at)

    def call_ended(self, record: Record) -> None:
        self._settle()
        step_id = record.details.get("step_id")
        if step_id not in self._open:
            self._begin(record, record.at - (record.details.get("duration") or 0.0))
        self._answered = self._open.pop(step_id)
        self._call = (self._answered.start, record.at)

    def step_planned(self, record: Record) -> None:
        step = self._step(record, record.at, SpanStatus.QUEUED)
        self._child(step, SpanKind.QUEUE, "Queued", record.at).status = SpanStatus.QUEUED
        self._settle()

    def step_recorded(self, record: Record) -> None:
        began = self._began(record)
        step = self._step(record, began)
        if step.until is None:
            self._attempt_of(step, record, began).finish(record.at, SpanStatus.COMPLETED)
        step.child_run_id = record.details.get("child_run_id") or step.child_run_id
        self._annotate(step, record)
        _end_within(step, record.at, SpanStatus.COMPLETED)

    def step_failed(self, record: Record) -> None:
        began = self._began(record)
        step = self._step(record, began)
        attempt = self._attempt_of(step, record, began)
        self._annotate(step, record)
        self._fail(step, attempt, record)
        if record.details.get("retry_at") is None:
            step.error = attempt.error
            _end_within(step, record.at, SpanStatus.FAILED)

    def attempt_failed(self, record: Record) -> None:
        """A call failed outside any step, or the app was not reached."""
        step_id = record.details.get("step_id")
        attempt = self._taken(step_id)
        if attempt is None:
            attempt = self._new_attempt(step_id, record, record.at)
        self._fail(self.steps.get(step_id or "", self.root), attempt, record)

    def deferred(self, record: Record) -> None:
        """A function was to be started at the end of the run, or is not any more."""
        step = self._step(record, record.at)
        failed = record.kind is Happening.DEFER_REFUSED
        step.error = _error_of(record.details.get("error")) if failed else None
        step.finish(record.at, SpanStatus.FAILED if failed else SpanStatus.COMPLETED)
        if record.kind is Happening.DEFER_ABORTED:
            step.status = SpanStatus.CANCELLED

    def run_ended(self, record: Record) -> None:
        """A call of the function that nothing else was told of is the one that ended the run."""
        last = self._taken(None)
        if last is not None:
            status = _LABELS.get(record.details.get("status", ""), SpanStatus.CANCELLED)
            if status is SpanStatus.FAILED:
                last.error = _error_of(record.details.get("output"))
            last.finish(record.at, status)

    def _step_pauses(self, record: Record) -> None:
        """The step waits: for time to pass, for an event, for another run."""
        step = self._step(record, record.at, SpanStatus.WAITING)
        step.until = record.details.get("until", step.until)
        step.child_run_id = record.details.get("child_run_id") or step.child_run_id
        self._settle()

    def _step(self, record: Record, start: float, status: SpanStatus = SpanStatus.RUNNING) -> Span:
        details, step_id = record.details, record.details["id"]
        step = self.steps.get(step_id)
        if step is None:
            step = self._child(self.root, SpanKind.STEP, details.get("name") or step_id, start)
            step.id, step.step_id, step.status = step_id, step_id, status
            self.steps[step_id] = step
        step.op = details.get("op") or step.op
        step.input = details.get("input", step.input)
        return step

    def _annotate(self, step: Span, record: Record) -> None:
        """Show what was reported together with a step, on what it is about (steps.md 3)."""
        for item in record.details.get("metadata") or ():
            span = step
            if item["scope"] == "run":
                span = self.root
            elif item["scope"] == "step_attempt" and step.children:
                span = step.children[-1]
            annotate(span, Update(item["kind"], item["op"], item["values"]))

    def _begin(self, record: Record, at: float) -> None:
        """Open an attempt; one that was open until now was lost when a server stopped."""
        step_id = record.details.get("step_id")
        lost = self._open.pop(step_id, None)
        if lost is not None:
            lost.finish(at, SpanStatus.CANCELLED)
        self._open[step_id] = self._new_attempt(step_id, record, at)

    def _new_attempt(self, step_id: str | None, record: Record, at: float) -> Span:
        """Add an attempt below its step, which is no longer waiting for it."""
        parent = self.steps.get(step_id or "", self.root)
        for child in parent.children:
            if child.kind in _PAUSES:
                child.finish(at, SpanStatus.COMPLETED)
        if parent.end is None:
            parent.status = SpanStatus.RUNNING
        name = record.details.get("name") or parent.name
        attempt = self._child(parent, SpanKind.ATTEMPT, name, at)
        attempt.attempt, attempt.step_id = record.details.get("attempt", 0), step_id
        return attempt

    def _attempt_of(self, step: Span, record: Record, began: float) -> Span:
        """Return the attempt of a step that just ended: in a call of its own, or in another's."""
        attempt = self._taken(step.step_id)
        self._settle()
        return attempt or self._new_attempt(step.step_id, record, began)

    def _taken(self, step_id: str | None) -> Span | None:
        """Return the attempt that a record is about, which is told of once."""
        answered = self._answered
        if answered is not None and answered.step_id == step_id:
            self._answered = None
            return answered
        return self._open.pop(step_id, None) if step_id is not None else None

    def _settle(self) -> None:
        """Forget a call that did nothing but report steps, or nothing at all."""
        if self._answered is not None:
            parent = self.steps.get(self._answered.step_id or "", self.root)
            parent.children = [child for child in parent.children if child is not self._answered]
            self._answered = None

    def _fail(self, parent: Span, attempt: Span, record: Record) -> None:
        attempt.error = record.details.get("error")
        attempt.finish(record.at, SpanStatus.FAILED)
        retry_at = record.details.get("retry_at")
        if retry_at is not None:
            delay = self._child(parent, SpanKind.DELAY, "Waits for the next attempt", record.at)
            delay.status, delay.until = SpanStatus.WAITING, retry_at
            parent.status = SpanStatus.WAITING

    def _began(self, record: Record) -> float:
        """Return when a step began that ended now: with its call, unless the app measured it."""
        duration = record.details.get("duration")
        if duration is not None:
            return float(record.at - duration)
        began, ended = self._call
        return began if ended == record.at else record.at

    def _child(self, parent: Span, kind: SpanKind, name: str, start: float) -> Span:
        child = Span(f"{kind}-{self._seq}", kind, name, start)
        parent.children.append(child)
        return child


_PAUSES = (SpanKind.QUEUE, SpanKind.DELAY)
_HANDLERS: dict[Happening, Callable[[_Timeline, Record], None]] = {
    Happening.RUN_QUEUED: _Timeline.run_queued,
    Happening.RUN_STARTED: _Timeline.run_started,
    Happening.CALL_STARTED: _Timeline.call_started,
    Happening.CALL_ENDED: _Timeline.call_ended,
    Happening.STEP_PLANNED: _Timeline.step_planned,
    Happening.STEP_RECORDED: _Timeline.step_recorded,
    Happening.STEP_FAILED: _Timeline.step_failed,
    Happening.ATTEMPT_FAILED: _Timeline.attempt_failed,
    Happening.DEFER_ADDED: _Timeline.deferred,
    Happening.DEFER_ABORTED: _Timeline.deferred,
    Happening.DEFER_REFUSED: _Timeline.deferred,
    Happening.RUN_ENDED: _Timeline.run_ended,
}
_STATUSES = {
    RunStatus.COMPLETED: SpanStatus.COMPLETED,
    RunStatus.FAILED: SpanStatus.FAILED,
    RunStatus.CANCELLED: SpanStatus.CANCELLED,
}
_LABELS = {status.label: span for status, span in _STATUSES.items()}


def _end_within(span: Span, at: float, status: SpanStatus) -> None:
    for child in span.children:
        child.finish(at, status)
    span.finish(at, status)


def _drop_dust(span: Span) -> None:
    for child in span.children:
        _drop_dust(child)
    span.children = [child for child in span.children if not _is_dust(child)]


def _is_dust(span: Span) -> bool:
    if span.kind is not SpanKind.QUEUE or span.end is None:
        return False
    return span.end - span.start < _SECONDS_OF_DUST


def _add_outcome(step: Span, memo: Memo) -> None:
    """Show what a step left, without what it is wrapped into (steps.md 6)."""
    value = loads(memo.value)
    if isinstance(value, dict) and value.keys() == {"data"}:
        step.output = value["data"]
    elif isinstance(value, dict) and value.keys() == {"error"}:
        step.error = _error_of(value["error"])
    else:
        step.output = value


def _error_of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"message": str(value)}
