"""What hooks are given: memos that can be changed, and results."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.middleware.records import (
    NO_OUTPUT,
    MemoError,
    StepInfo,
    StepMemo,
    StepMemos,
    TransformOutputResult,
)
from inngest_asgi.wire.names import Opcode

EVENT = {"name": "shop/paid", "data": {"total": 7}}
ERROR = {"name": "ValueError", "message": "no", "stack": "...", "cause": {"message": "why"}}


@pytest.mark.parametrize(
    ("raw", "memo"),
    [
        pytest.param({"data": 7}, StepMemo("a", 7), id="result"),
        pytest.param({"type": "data", "data": None}, StepMemo("a", None), id="null-result"),
        pytest.param(
            {"error": ERROR},
            StepMemo("a", None, MemoError("no", "ValueError", "...")),
            id="error",
        ),
        pytest.param({"error": {}}, StepMemo("a", None, MemoError("", "")), id="empty-error"),
        pytest.param({"error": "no"}, StepMemo("a", None, MemoError("no", "")), id="text-error"),
        pytest.param({"error": None, "data": 7}, StepMemo("a", 7), id="no-error"),
        pytest.param(EVENT, StepMemo("a", EVENT), id="event-of-a-wait"),
        pytest.param(None, StepMemo("a", None), id="sleep"),
        pytest.param({}, StepMemo("a", {}), id="bare-object"),
    ],
)
def test_a_memo_is_shown_without_its_wrapper(raw: Any, memo: StepMemo) -> None:
    assert list(StepMemos({"a": raw}).values()) == [memo]


def test_the_input_of_a_step_to_come_is_no_memo() -> None:
    assert StepMemos({"a": {"input": [1]}, "b": {"data": 2}}).size == 1


@pytest.mark.parametrize(
    "raw", [{"data": 7}, EVENT, None, {}, {"error": ERROR}], ids=lambda raw: str(raw)[:12]
)
def test_a_memo_that_was_only_looked_at_is_written_as_it_was(raw: Any) -> None:
    steps = {"a": raw}
    memos = StepMemos(steps)
    assert memos.size == 1
    memos.write_back()
    assert steps == {"a": raw}


def test_memos_are_the_same_each_time_they_are_looked_at() -> None:
    memos = StepMemos({"a": {"data": 7}})
    (first,), (second,) = memos.values(), memos.values()
    assert first is second


def test_memos_that_nobody_looked_at_are_not_touched() -> None:
    raw = {"data": 7}
    steps = {"a": raw}
    StepMemos(steps).write_back()
    assert steps["a"] is raw


@pytest.mark.parametrize(
    ("raw", "changed"),
    [({"data": 7}, {"data": "new"}), (EVENT, "new"), ({"error": ERROR}, {"data": "new"})],
    ids=["result", "event", "error"],
)
def test_data_that_was_assigned_is_what_the_step_gives(raw: Any, changed: Any) -> None:
    steps = {"a": raw}
    memos = StepMemos(steps)
    for memo in memos.values():
        memo.data, memo.error = "new", None
    memos.write_back()
    assert steps == {"a": changed}


def test_an_error_that_was_changed_keeps_its_cause() -> None:
    steps = {"a": {"error": ERROR}}
    memos = StepMemos(steps)
    (memo,) = memos.values()
    assert memo.error is not None
    memo.error.message = "yes"
    memos.write_back()
    assert steps == {"a": {"error": ERROR | {"message": "yes"}}}


@pytest.mark.parametrize("raw", [{"data": 7}, None], ids=["result", "sleep"])
def test_an_error_may_stand_in_for_a_result(raw: Any) -> None:
    steps: dict[str, Any] = {"a": raw}
    memos = StepMemos(steps)
    for memo in memos.values():
        memo.error = MemoError("no", "ValueError")
    memos.write_back()
    assert steps == {"a": {"error": {"message": "no", "name": "ValueError", "stack": None}}}


@pytest.mark.parametrize(
    ("output", "has_output"), [(None, True), (7, True), (NO_OUTPUT, False)], ids=repr
)
def test_none_is_an_output(output: Any, has_output: bool) -> None:  # noqa: FBT001
    assert TransformOutputResult(None, output).has_output() is has_output


def test_a_step_that_is_logged_does_not_show_the_key_of_an_ai_provider() -> None:
    step = StepInfo("ask", Opcode.AI_GATEWAY, {"auth_key": "sk-hidden"})
    assert "ask" in repr(step)
    assert "sk-hidden" not in repr(step)
