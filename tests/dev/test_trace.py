"""Timelines: what was recorded of a run, as a tree of spans."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.records import Happening, Memo, Record, RunRow, RunStatus
from inngest_asgi.dev.spans import Span, SpanKind, SpanStatus
from inngest_asgi.dev.trace import steps_of, trace
from inngest_asgi.wire.codec import dumps

BOOM = {"name": "Error", "message": "boom", "stack": "here"}

Told = tuple[float, str, dict[str, Any]]


def run(status: RunStatus = RunStatus.RUNNING, ended: float | None = None, out: Any = 0) -> RunRow:
    output = None if ended is None else dumps(out)
    started = None if status is RunStatus.SCHEDULED else 1.0
    return RunRow("RUN", "fn", "EVENT", status, 0.0, started, ended, output)


def timeline(row: RunRow, *told: Told, memos: dict[str, Memo] | None = None) -> Span:
    records = [
        Record(seq, at, "RUN", "EVENT", Happening(kind), details)
        for seq, (at, kind, details) in enumerate(told, start=1)
    ]
    return trace(row, "Pay", records, memos)


def queued(due: float = 0.0) -> Told:
    return (0.0, "run_queued", {"function": "shop-pay", "event": "shop/paid", "due": due})


def began(at: float = 1.0) -> Told:
    return (at, "run_started", {})


def called(at: float, step: str | None = None, attempt: int = 0) -> Told:
    return (at, "call_started", {"step_id": step, "name": step or "", "attempt": attempt})


def answered(at: float, step: str | None = None, attempt: int = 0, duration: float = 0.0) -> Told:
    about = {"step_id": step, "name": step or "", "attempt": attempt}
    return (at, "call_ended", {**about, "status": 206, "duration": duration})


def step(at: float, kind: str, name: str, op: str = "StepRun", **more: Any) -> Told:
    return (at, kind, {"id": name, "name": name, "op": op, "attempt": 0, **more})


def ended(at: float, status: str = "Completed", output: Any = 0) -> Told:
    return (at, "run_ended", {"status": status, "output": output})


def drawn(span: Span) -> list[Any]:
    """Return a span as [kind, start, end, status, [children]]."""
    here = [span.kind.value, span.start, span.end, span.status.value]
    return [*here, [drawn(child) for child in span.children]]


def test_a_function_without_steps_is_one_attempt() -> None:
    root = timeline(
        run(RunStatus.COMPLETED, 3.0, {"ok": True}),
        *(queued(), began(), called(1.0), answered(3.0), ended(3.0)),
    )
    assert drawn(root) == [
        *("run", 0.0, 3.0, "completed"),
        [["queue", 0.0, 1.0, "completed", []], ["attempt", 1.0, 3.0, "completed", []]],
    ]
    assert (root.id, root.name) == ("RUN", "Pay")
    assert dumps(root.output) == b'{"ok":true}'


def test_a_wait_in_the_queue_of_no_length_is_left_out() -> None:
    root = timeline(run(), queued(), (0.0, "run_started", {}), called(0.0))
    assert [child.kind for child in root.children] == [SpanKind.ATTEMPT]


def test_a_run_that_is_not_due_yet_is_queued_until_then() -> None:
    root = timeline(run(RunStatus.SCHEDULED), queued(60.0))
    assert drawn(root) == ["run", 0.0, None, "queued", [["queue", 0.0, None, "queued", []]]]
    assert root.children[0].until == 60.0


def test_steps_run_in_place_begin_with_their_call() -> None:
    root = timeline(
        run(),
        *(queued(), began(), called(1.0), answered(3.0), step(3.0, "step_recorded", "a")),
        *(called(3.0), answered(5.0), step(5.0, "step_recorded", "b")),
    )
    assert [drawn(one) for one in steps_of(root)] == [
        ["step", 1.0, 3.0, "completed", [["attempt", 1.0, 3.0, "completed", []]]],
        ["step", 3.0, 5.0, "completed", [["attempt", 3.0, 5.0, "completed", []]]],
    ]
    assert root.status is SpanStatus.RUNNING


def test_a_step_that_was_measured_begins_when_the_app_says() -> None:
    root = timeline(
        run(),
        *(queued(), began(), called(1.0), answered(5.0)),
        step(5.0, "step_recorded", "a", duration=1.5),
    )
    assert steps_of(root)[0].start == 3.5


def test_a_step_recorded_in_the_midst_of_a_call_leaves_the_call_open() -> None:
    root = timeline(
        run(RunStatus.COMPLETED, 9.0),
        *(queued(), began(), called(1.0), step(3.0, "step_recorded", "a", duration=2.0)),
        *(answered(9.0), ended(9.0)),
    )
    assert [drawn(child) for child in root.children[1:]] == [
        ["attempt", 1.0, 9.0, "completed", []],
        ["step", 1.0, 3.0, "completed", [["attempt", 1.0, 3.0, "completed", []]]],
    ]


def test_planned_steps_wait_in_the_queue_and_then_have_calls_of_their_own() -> None:
    root = timeline(
        run(),
        *(queued(), began(), called(1.0), answered(2.0)),
        *(step(2.0, "step_planned", "a"), step(2.0, "step_planned", "b")),
        *(called(4.0, "a"), answered(6.0, "a"), step(6.0, "step_recorded", "a")),
        *(called(5.0, "b"),),
    )
    assert [drawn(one) for one in steps_of(root)] == [
        [
            *("step", 2.0, 6.0, "completed"),
            [["queue", 2.0, 4.0, "completed", []], ["attempt", 4.0, 6.0, "completed", []]],
        ],
        [
            *("step", 2.0, None, "running"),
            [["queue", 2.0, 5.0, "completed", []], ["attempt", 5.0, None, "running", []]],
        ],
    ]
    assert all(child.kind is not SpanKind.ATTEMPT for child in root.children)


def test_a_planned_step_is_queued_before_its_call() -> None:
    root = timeline(run(), queued(), began(), called(1.0), answered(2.0), planned())
    assert drawn(steps_of(root)[0]) == [
        *("step", 2.0, None, "queued"),
        [["queue", 2.0, None, "queued", []]],
    ]


def planned() -> Told:
    return step(2.0, "step_planned", "a")


def test_attempts_of_a_step_stand_beside_the_pauses_between_them() -> None:
    root = timeline(
        run(),
        *(queued(), began(), called(1.0), answered(2.0)),
        step(2.0, "step_failed", "a", error=BOOM, retry_at=32.0),
        *(called(33.0), answered(34.0)),
        step(34.0, "step_failed", "a", error=BOOM, retry_at=None, attempt=1),
    )
    (span,) = steps_of(root)
    assert drawn(span) == [
        *("step", 1.0, 34.0, "failed"),
        [
            ["attempt", 1.0, 2.0, "failed", []],
            ["delay", 2.0, 33.0, "completed", []],
            ["attempt", 33.0, 34.0, "failed", []],
        ],
    ]
    assert [child.attempt for child in span.children] == [0, None, 1]
    assert span.error == span.children[0].error == BOOM
    assert span.children[1].until == 32.0


def test_a_step_that_ended_is_not_opened_by_a_late_call() -> None:
    root = timeline(
        run(),
        *(queued(), began(), called(1.0), answered(2.0), planned()),
        *(step(3.0, "step_recorded", "a"), called(4.0, "a")),
    )
    (span,) = steps_of(root)
    assert (span.status, span.end) == (SpanStatus.COMPLETED, 3.0)
    assert span.children[-1].status is SpanStatus.RUNNING


def test_a_step_between_two_attempts_is_waiting() -> None:
    root = timeline(
        run(),
        *(queued(), began(), called(1.0), answered(2.0)),
        step(2.0, "step_failed", "a", error=BOOM, retry_at=32.0),
    )
    (span,) = steps_of(root)
    assert (span.status, span.children[-1].status) == (SpanStatus.WAITING, SpanStatus.WAITING)


def test_a_function_that_fails_outside_its_steps_shows_its_attempts() -> None:
    about = {"step_id": None, "attempt": 0, "error": BOOM, "retry_at": 31.0}
    root = timeline(
        run(RunStatus.FAILED, 33.0, BOOM),
        *(queued(), began(), called(1.0), answered(2.0), (2.0, "attempt_failed", about)),
        *(called(31.0, attempt=1), answered(33.0, attempt=1), ended(33.0, "Failed", BOOM)),
    )
    assert [drawn(child) for child in root.children[1:]] == [
        ["attempt", 1.0, 2.0, "failed", []],
        ["delay", 2.0, 31.0, "completed", []],
        ["attempt", 31.0, 33.0, "failed", []],
    ]
    assert root.error == root.children[-1].error == BOOM
    assert root.output is None


def test_an_app_that_cannot_be_reached_is_an_attempt_of_the_targeted_step() -> None:
    about = {"step_id": "a", "attempt": 0, "error": BOOM, "retry_at": 31.0}
    root = timeline(
        run(),
        *(queued(), began(), called(1.0), answered(2.0), planned()),
        *(called(2.0, "a"), answered(3.0, "a"), (3.0, "attempt_failed", about)),
    )
    assert [child.kind.value for child in steps_of(root)[0].children] == ["attempt", "delay"]


def test_an_attempt_that_nobody_told_of_before_is_shown_all_the_same() -> None:
    about = {"step_id": None, "attempt": 3, "error": BOOM, "retry_at": None}
    root = timeline(run(), queued(), began(), (2.0, "attempt_failed", about))
    assert drawn(root.children[-1]) == ["attempt", 2.0, 2.0, "failed", []]
    assert root.children[-1].attempt == 3


def test_a_call_of_an_older_file_begins_as_long_before_its_end_as_it_took() -> None:
    root = timeline(
        run(RunStatus.COMPLETED, 3.0), queued(), began(), answered(3.0, duration=1.5), ended(3.0)
    )
    assert drawn(root.children[-1]) == ["attempt", 1.5, 3.0, "completed", []]


def test_a_call_that_was_lost_with_its_server_is_cancelled() -> None:
    root = timeline(run(), queued(), began(), called(1.0), called(7.0))
    assert [drawn(child) for child in root.children[1:]] == [
        ["attempt", 1.0, 7.0, "cancelled", []],
        ["attempt", 7.0, None, "running", []],
    ]


def test_a_call_that_reports_nothing_is_left_out() -> None:
    root = timeline(run(), queued(), began(), called(1.0), answered(2.0), called(2.0))
    assert [child.start for child in root.children if child.kind is SpanKind.ATTEMPT] == [2.0]


def test_a_sleep_waits_until_it_is_over() -> None:
    told = [
        *(queued(), began(), called(1.0), answered(2.0)),
        step(2.0, "step_sleeping", "nap", "Sleep", until=62.0),
    ]
    (nap,) = steps_of(timeline(run(), *told))
    assert (nap.status, nap.until, nap.end, nap.op) == (SpanStatus.WAITING, 62.0, None, "Sleep")
    (nap,) = steps_of(timeline(run(), *told, step(62.0, "step_recorded", "nap", "Sleep")))
    assert drawn(nap) == ["step", 2.0, 62.0, "completed", []]


def test_deferred_functions_take_no_time() -> None:
    root = timeline(
        run(),
        *(queued(), began(), called(1.0), answered(2.0)),
        *(step(2.0, "defer_added", "a", "DeferAdd"), step(2.0, "defer_added", "b", "DeferAdd")),
        *(
            step(3.0, "defer_aborted", "b", "DeferAbort"),
            step(3.0, "defer_refused", "c", error="too many"),
        ),
    )
    added, aborted, refused = steps_of(root)
    assert (added.status, added.start, added.end) == (SpanStatus.COMPLETED, 2.0, 2.0)
    assert aborted.status is SpanStatus.CANCELLED
    assert (refused.status, refused.error) == (SpanStatus.FAILED, {"message": "too many"})


def test_what_goes_on_when_a_run_ends_ends_with_it() -> None:
    root = timeline(
        run(RunStatus.CANCELLED, 9.0, BOOM),
        *(queued(), began(), called(1.0), answered(2.0)),
        *(planned(), step(2.0, "step_sleeping", "nap", "Sleep", until=62.0)),
        *(called(3.0, "a"), ended(9.0, "Cancelled", BOOM)),
    )
    assert [(one.end, one.status.value) for one in steps_of(root)] == [(9.0, "cancelled")] * 2
    assert (root.status, root.error) == (SpanStatus.CANCELLED, BOOM)


def test_a_run_that_never_began_ends_in_the_queue() -> None:
    root = timeline(run(RunStatus.SKIPPED, 2.0, None), queued(60.0))
    assert drawn(root) == ["run", 0.0, 2.0, "skipped", [["queue", 0.0, 2.0, "skipped", []]]]


@pytest.mark.parametrize(
    ("value", "output", "error"),
    [
        ({"data": {"x": 1}}, {"x": 1}, None),
        ({"data": None}, None, None),
        ({"error": BOOM}, None, BOOM),
        ({"error": "no"}, None, {"message": "no"}),
        ({"name": "a/b", "data": {}, "ts": 1}, {"name": "a/b", "data": {}, "ts": 1}, None),
        (7, 7, None),
    ],
    ids=["data", "null", "error", "text", "event", "raw"],
)
def test_what_a_step_left_is_shown_without_its_wrapping(
    value: Any, output: Any, error: Any
) -> None:
    memo = Memo("a", "a", "StepRun", dumps(value))
    told = (queued(), began(), called(1.0), answered(2.0), step(2.0, "step_recorded", "a"))
    (span,) = steps_of(timeline(run(), *told, memos={"a": memo}))
    assert (span.output, span.error) == (output, error)


def test_steps_of_the_run_that_is_run_again_are_done_from_the_start() -> None:
    memo = Memo("a", "first", "StepRun", b'{"data":1}')
    root = timeline(run(), queued(), began(), called(1.0), memos={"a": memo})
    (span,) = steps_of(root)
    assert drawn(span) == ["step", 0.0, 0.0, "completed", []]
    assert (span.name, span.output, span.step_id) == ("first", 1, "a")


def test_inputs_and_invoked_runs_are_told() -> None:
    root = timeline(
        run(),
        *(queued(), began(), called(1.0), answered(2.0)),
        step(2.0, "step_sleeping", "child", "InvokeFunction", until=9.0, input={"n": 1}),
        step(5.0, "step_recorded", "child", "InvokeFunction", child_run_id="CHILD"),
    )
    (span,) = steps_of(root)
    assert (span.input, span.child_run_id, span.end) == ({"n": 1}, "CHILD", 5.0)


def noted(scope: str, op: str = "merge", **values: Any) -> dict[str, Any]:
    return {"scope": scope, "kind": "userland.x", "op": op, "values": values}


def test_metadata_reported_with_a_step_stands_where_it_belongs() -> None:
    notes = [noted("run", n=1), noted("step", n=2), noted("step_attempt", n=3)]
    again = [noted("run", "add", n=10), noted("extended_trace", n=4)]
    root = timeline(
        run(),
        *(queued(), began(), called(1.0), answered(2.0)),
        step(2.0, "step_failed", "a", error=BOOM, retry_at=3.0, metadata=again),
        *(called(3.0), answered(4.0), step(4.0, "step_recorded", "a", metadata=notes)),
    )
    (span,) = steps_of(root)
    shown = [one.metadata["userland.x"] for one in (root, span, span.children[-1])]
    assert shown == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert span.children[0].metadata == {}


def test_metadata_of_an_attempt_without_one_is_that_of_the_step() -> None:
    root = timeline(
        run(),
        *(queued(), began(), called(1.0), answered(2.0)),
        step(2.0, "step_sleeping", "nap", "Sleep", until=3.0),
        step(3.0, "step_recorded", "nap", "Sleep", metadata=[noted("step_attempt", n=1)]),
    )
    assert steps_of(root)[0].metadata == {"userland.x": {"n": 1}}


def test_every_span_has_an_id_of_its_own() -> None:
    root = timeline(
        run(RunStatus.COMPLETED, 9.0),
        *(queued(), began(), called(1.0), answered(2.0), planned()),
        *(called(4.0, "a"), answered(6.0, "a"), step(6.0, "step_recorded", "a")),
        *(called(6.0), answered(9.0), ended(9.0)),
    )
    spans = [root, *root.children, *steps_of(root)[0].children]
    assert len({span.id for span in spans}) == len(spans) == 6


def test_records_that_tell_nothing_of_a_step_are_passed_over() -> None:
    root = timeline(run(), queued(), began(), step(1.0, "step_sleeping", "a"))
    records = [Record(9, 9.0, "RUN", "EVENT", Happening.STEP_SLEEPING, {})]
    assert trace(run(), "Pay", records).children[0].kind is SpanKind.QUEUE
    assert steps_of(root)[0].status is SpanStatus.WAITING
