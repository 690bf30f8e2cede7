"""The machine of one call, told and asked by hand."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.engine.ids import hash_id
from inngest_asgi.engine.memos import MISSING
from inngest_asgi.engine.ops import Op, run_op, sleep_op
from inngest_asgi.engine.outcomes import Raised, Report, Returned, TargetMissing
from inngest_asgi.engine.results import UNSET
from inngest_asgi.engine.run import STALL_GRACE, Execute, Machine, Resolve, Wait
from inngest_asgi.errors import NonRetriableError
from inngest_asgi.wire.codec import embed
from tests.engine.calls import Request, data, shown


def machine(*, blocking: bool = False, **request: Any) -> Machine:
    return Machine(Request(**request).call(), blocking=blocking)


def announce(machine: Machine, step_id: str, *, race: bool = False, sleep: bool = False) -> Op:
    """Announce a step as a shell does, and park it."""
    op = sleep_op(step_id, "1s") if sleep else run_op(step_id, lambda: None, (), {}, UNSET)
    op.race = race
    op.id, op.index = machine.claim(step_id, race=race)
    machine.park(op)
    return op


def reported(action: Any) -> Any:
    assert isinstance(action, Report), action
    return shown(action)


def test_nothing_announced_is_a_reason_to_wait() -> None:
    assert machine().next_action() == Wait(None)


def test_one_new_step_is_executed() -> None:
    one = machine()
    assert one.next_action() == Wait(None)
    op = announce(one, "a")
    assert one.parked
    assert one.next_action() == Execute(op)


def test_one_new_sleep_is_reported() -> None:
    one = machine()
    announce(one, "nap", sleep=True)
    assert reported(one.next_action()) == ["Sleep nap"]


def test_a_step_beside_a_sleep_is_planned() -> None:
    one = machine()
    announce(one, "nap", sleep=True)
    announce(one, "a")
    assert reported(one.next_action()) == ["Sleep nap", "StepPlanned a"]


def test_a_step_in_race_mode_is_planned() -> None:
    one = machine()
    announce(one, "a", race=True)
    assert reported(one.next_action()) == ["StepPlanned a race"]


def test_a_remembered_step_in_race_mode_forbids_running_in_place() -> None:
    one = machine(memos=data(a=1))
    one.claim("a", race=True)
    announce(one, "b")
    assert reported(one.next_action()) == ["StepPlanned b"]


def test_an_abandoned_step_forbids_running_in_place_and_is_not_reported() -> None:
    one = machine()
    one.abandon(announce(one, "a"))
    assert not one.parked
    announce(one, "b")
    assert reported(one.next_action()) == ["StepPlanned b"]


def test_memos_resolve_in_the_order_they_finished() -> None:
    one = machine(memos=data(b=2, a=1))
    first, second = announce(one, "a"), announce(one, "b")
    assert one.next_action() == Resolve(second, {"data": 2})
    assert one.next_action() == Resolve(first, {"data": 1})
    assert not one.parked


def test_memos_outside_of_the_order_resolve_as_announced() -> None:
    one = machine(memos=data(a=1, b=2), order=[])
    first, second = announce(one, "b"), announce(one, "a")
    assert one.next_action() == Resolve(first, {"data": 2})
    assert one.next_action() == Resolve(second, {"data": 1})


def test_an_abandoned_memo_is_passed_over() -> None:
    one = machine(memos=data(a=1, b=2, c=3))
    gone, kept = announce(one, "a"), announce(one, "b")
    one.abandon(gone)
    assert one.next_action() == Resolve(kept, {"data": 2})
    assert one.take(one.claim("c", race=False)[0]) == {"data": 3}


def test_abandoning_what_already_resolved_changes_nothing() -> None:
    one = machine(memos=data(a=1, b=2))
    op = announce(one, "a")
    one.next_action()
    one.abandon(op)
    assert one.take(one.claim("b", race=False)[0]) == {"data": 2}


def test_memos_come_before_new_steps() -> None:
    one = machine(memos=data(a=1))
    announce(one, "new")
    known = announce(one, "a")
    assert one.next_action() == Resolve(known, {"data": 1})


def test_a_memo_is_taken_at_once_when_it_is_next() -> None:
    one = machine(memos=data(a=1, b=2))
    assert one.take(one.claim("b", race=False)[0]) is MISSING
    assert one.take(one.claim("a", race=False)[0]) == {"data": 1}


def test_no_memo_is_taken_once_the_target_was_announced() -> None:
    one = machine(memos=data(a=1), target="t")
    announce(one, "t")
    assert one.take(one.claim("a", race=False)[0]) is MISSING


def test_the_target_comes_before_memos_errors_and_others() -> None:
    one = machine(memos=data(a=1), target="t", plan_only=True)
    announce(one, "a")
    announce(one, "b")
    op = announce(one, "t")
    one.abandon(op)
    one.raised(ValueError())
    assert one.next_action() == Execute(op)


def test_a_targeted_sleep_is_reported() -> None:
    one = machine(target="nap")
    announce(one, "nap", sleep=True)
    assert reported(one.next_action()) == ["Sleep nap"]


def test_an_error_beats_parked_steps() -> None:
    one, error = machine(), ValueError()
    announce(one, "a")
    one.raised(error)
    assert one.next_action() == Raised(error)


def test_parked_steps_beat_a_return() -> None:
    one = machine()
    op = announce(one, "a")
    one.returned(1)
    assert one.next_action() == Execute(op)


def test_a_return_with_nothing_parked_ends_the_call() -> None:
    one = machine()
    one.returned(1)
    assert one.next_action() == Returned(1)


@pytest.mark.parametrize("found", [False, True], ids=["none-announced", "another-announced"])
def test_a_blocking_call_does_not_wait_for_its_target(*, found: bool) -> None:
    one = machine(blocking=True, target="t")
    ids = [announce(one, "a").id] if found else []
    assert one.next_action() == TargetMissing(hash_id("t"), ids)


def test_a_call_that_works_waits_for_its_target_without_limit() -> None:
    assert machine(target="t").next_action() == Wait(None)


@pytest.mark.parametrize("returned", [False, True], ids=["working", "returned"])
def test_a_call_with_parked_steps_waits_for_its_target_for_a_while(*, returned: bool) -> None:
    one = machine(target="t")
    op = announce(one, "a")
    if returned:
        one.returned(None)
    assert one.next_action() == Wait(STALL_GRACE)
    assert one.stalled() == TargetMissing(hash_id("t"), [op.id])


def test_a_function_that_returned_without_its_target_has_stalled() -> None:
    one = machine(target="t")
    one.returned(None)
    assert one.next_action() == TargetMissing(hash_id("t"), [])


def test_a_recorded_target_leaves_nothing_to_do() -> None:
    one = machine(memos=data(t=1), target="t")
    assert one.next_action() == Wait(None)
    announce(one, "a")
    assert reported(one.next_action()) == []


@pytest.mark.parametrize(
    ("error", "request_", "report", "no_retry"),
    [
        pytest.param(None, {}, ["StepRun a = 7"], False, id="ran"),
        pytest.param(ValueError(), {}, ["StepError a ! ValueError"], False, id="to-retry"),
        pytest.param(
            ValueError(), {"max_attempts": 1}, ["StepFailed a ! ValueError"], True, id="last"
        ),
        pytest.param(
            NonRetriableError(), {}, ["StepFailed a ! NonRetriableError"], True, id="final"
        ),
    ],
)
def test_a_body_that_ended_is_reported(
    error: Exception | None, request_: dict[str, Any], report: list[str], *, no_retry: bool
) -> None:
    one = machine(**request_)
    outcome = one.performed(announce(one, "a"), embed(7), error, started=1, ended=2)
    assert reported(outcome) == report
    assert isinstance(outcome, Report)
    assert (outcome.no_retry, outcome.error) == (no_retry, error)


@pytest.mark.parametrize("error", [None, ValueError()], ids=["swallowed", "raised"])
def test_a_body_that_used_a_step_failed_for_good(error: Exception | None) -> None:
    one = machine()
    op = announce(one, "a")
    op.nested = True
    outcome = one.performed(op, embed(7), error, started=1, ended=2)
    assert reported(outcome) == ["StepFailed a ! NestedStepError"]


@pytest.mark.parametrize("blocking", [False, True], ids=["async", "blocking"])
def test_nothing_replays_without_memos(blocking: bool) -> None:  # noqa: FBT001
    one = machine(blocking=blocking)
    assert not one.replaying
    announce(one, "a")
    assert not one.replaying


def test_async_code_replays_until_its_last_memo_resolves() -> None:
    one = machine(memos=data(a=1, b=2))
    announce(one, "b")
    announce(one, "a")
    assert one.replaying
    one.next_action()
    assert one.replaying
    one.next_action()
    assert not one.replaying


def test_async_code_has_replayed_with_the_newest_memo() -> None:
    one = machine(memos=data(removed=1, a=2))
    assert one.replaying
    announce(one, "a")
    one.next_action()
    assert not one.replaying


def test_async_code_replays_when_the_newest_memo_was_of_no_use() -> None:
    one = machine(memos=data(lost=1))
    one.abandon(announce(one, "lost"))
    assert one.replaying


def test_blocking_code_replays_until_all_memos_are_used() -> None:
    one = machine(memos=data(a=1, b=2), blocking=True)
    one.claim("b", race=False)
    assert one.replaying
    one.claim("a", race=False)
    assert not one.replaying
