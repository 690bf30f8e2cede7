"""Memos: which are done, in which order they resolve, what is inside them."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.engine.ids import StepIds, hash_id
from inngest_asgi.engine.memos import MISSING, Memos, memo_result, recorded_error
from inngest_asgi.errors import StepError


def done(*ids: str) -> dict[str, Any]:
    return {id: {"data": id} for id in ids}


@pytest.mark.parametrize("memo", [None, {"data": 1}, {"error": {}}, {"name": "e", "data": {}}, []])
def test_anything_recorded_is_a_memo(memo: Any) -> None:
    assert Memos({"a": memo}, ["a"]).get("a") is memo


def test_an_input_override_is_not_a_memo() -> None:
    assert Memos({"a": {"input": [1]}}, []).get("a") is MISSING


@pytest.mark.parametrize(
    ("memo", "override"),
    [
        pytest.param({"input": [1, 2]}, [1, 2], id="arguments"),
        pytest.param({"input": []}, [], id="none-at-all"),
        pytest.param({"input": {"a": 1}}, None, id="not-a-list"),
        pytest.param({"data": [1]}, None, id="a-result"),
        pytest.param({"input": [1], "data": 2}, None, id="raw-data-with-that-key"),
    ],
)
def test_only_a_list_alone_under_input_overrides_arguments(memo: Any, override: Any) -> None:
    assert Memos({"a": memo}, []).input_override("a") == override


def test_a_step_without_memo_has_no_override() -> None:
    assert Memos({}, []).input_override("a") is None


def test_memos_are_taken_in_the_order_they_finished() -> None:
    memos = Memos(done("a", "b"), ["b", "a"])
    assert memos.take("a") is MISSING
    assert memos.take("b") == {"data": "b"}
    assert memos.take("a") == {"data": "a"}


@pytest.mark.parametrize(
    ("memo", "recalled"),
    [
        pytest.param({"data": 7}, 7, id="a-result"),
        pytest.param({"data": None}, None, id="nothing"),
        pytest.param({"data": 7, "id": "x"}, MISSING, id="a-result-and-more"),
        pytest.param({"error": {}}, MISSING, id="a-failure"),
        pytest.param({"input": [1]}, MISSING, id="an-override"),
        pytest.param([1], MISSING, id="bare-data"),
        pytest.param(None, MISSING, id="what-a-sleep-leaves"),
    ],
)
def test_only_a_memo_that_is_nothing_but_a_result_is_recalled(memo: Any, recalled: Any) -> None:
    ids = StepIds()
    memos = Memos({hash_id("a"): memo}, [hash_id("a")])
    assert memos.recall("a", ids) is recalled
    assert len(ids) == (recalled is not MISSING)


def test_a_step_is_recalled_in_its_order_and_once() -> None:
    ids, order = StepIds(), [hash_id("b"), hash_id("a")]
    memos = Memos({id: {"data": 1} for id in order}, order)
    asked = [memos.recall(one, ids) for one in ("a", "b", "b", "a", "a")]
    assert asked == [MISSING, 1, MISSING, 1, MISSING]


def test_a_step_that_was_announced_before_is_not_recalled() -> None:
    ids = StepIds()
    ids.claim("a")
    assert Memos({hash_id("a"): {"data": 1}}, [hash_id("a")]).recall("a", ids) is MISSING


def test_a_memo_is_taken_once() -> None:
    memos = Memos(done("a"), ["a"])
    memos.take("a")
    assert memos.take("a") is MISSING


def test_what_resolved_out_of_order_holds_up_nothing() -> None:
    memos = Memos(done("a", "b"), ["a", "b"])
    memos.resolve("b")
    assert memos.take("a") == {"data": "a"}
    memos.resolve("a")
    assert memos.take("b") is MISSING


def test_order_without_memos_holds_up_nothing() -> None:
    memos = Memos({**done("b"), "x": {"input": []}}, ["gone", "x", "b"])
    assert memos.take("b") == {"data": "b"}


def test_a_memo_that_the_order_leaves_out_is_never_next() -> None:
    assert Memos(done("a"), []).take("a") is MISSING


def test_ranks_follow_the_order_and_the_unlisted_come_last() -> None:
    memos = Memos(done("a", "b", "c"), ["b", "a"])
    assert [memos.rank(id) for id in ("b", "a", "c")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("memo", "result"),
    [
        pytest.param({"data": 1}, 1, id="wrapped"),
        pytest.param({"data": None}, None, id="wrapped-null"),
        pytest.param({"data": {"data": 1}}, {"data": 1}, id="wrapped-once"),
        pytest.param({"type": "data", "data": 2}, 2, id="with-type"),
        pytest.param({"data": 3, "error": None}, 3, id="null-error"),
        pytest.param({"data": 1, "name": "e"}, {"data": 1, "name": "e"}, id="an-event"),
        pytest.param({}, {}, id="empty-object"),
        pytest.param({"type": "x"}, {"type": "x"}, id="type-alone"),
        pytest.param({"error": None}, {"error": None}, id="null-error-alone"),
        pytest.param(None, None, id="null"),
        pytest.param([1], [1], id="raw-list"),
    ],
)
def test_a_result_is_taken_out_of_its_wrapper_and_only_of_that(memo: Any, result: Any) -> None:
    assert memo_result(memo, "a") == result


def test_a_recorded_error_is_raised_with_the_step_it_belongs_to() -> None:
    memo = {"error": {"name": "ValueError", "message": "no", "stack": "at x"}}
    with pytest.raises(StepError, match="no") as caught:
        memo_result(memo, "charge")
    assert (caught.value.name, caught.value.stack, caught.value.step_id) == (
        "ValueError",
        "at x",
        "charge",
    )


@pytest.mark.parametrize(
    ("error", "name", "message"),
    [
        pytest.param("broken", "StepError", "broken", id="text"),
        pytest.param({}, "StepError", "", id="nothing"),
        pytest.param({"name": "", "message": 5}, "StepError", "", id="wrong-types"),
        pytest.param({"error": "E: timed out"}, "StepError", "E: timed out", id="error-text"),
        pytest.param({"name": "E", "message": "m", "stack": 1}, "E", "m", id="odd-stack"),
    ],
)
def test_odd_recorded_errors_become_text(error: Any, name: str, message: str) -> None:
    rebuilt = recorded_error(error)
    assert (rebuilt.name, rebuilt.message, rebuilt.stack) == (name, message, None)


def test_recorded_causes_are_rebuilt_five_deep() -> None:
    error: dict[str, Any] = {"name": "E7", "message": "7"}
    for n in range(6, -1, -1):
        error = {"name": f"E{n}", "message": str(n), "cause": error}
    names = []
    rebuilt: StepError | None = recorded_error(error)
    while rebuilt is not None:
        names.append(rebuilt.name)
        assert rebuilt.__cause__ is rebuilt.cause
        rebuilt = rebuilt.cause
    assert names == ["E0", "E1", "E2", "E3", "E4", "E5"]


def test_memos_are_counted_without_the_inputs_of_steps_to_come() -> None:
    memos = Memos({"a": None, "b": {"input": [1]}, "c": {"data": 1}}, ["a", "c"])
    assert memos.count == memos.count == 2


@pytest.mark.parametrize(
    ("order", "newest"),
    [([], None), (["a", "b"], "b"), (["b", "a"], "a"), (["a", "gone"], "a"), (["gone"], None)],
    ids=["none", "last", "by order", "not recorded", "none recorded"],
)
def test_the_newest_memo_is_the_last_in_order(order: list[str], newest: str | None) -> None:
    assert Memos(done("a", "b"), order).newest == newest


def test_the_newest_memo_is_resolved_when_it_was_taken_in_order() -> None:
    memos = Memos(done("a", "b"), ["a", "b"])
    memos.take("a")
    assert not memos.newest_is_resolved
    memos.take("b")
    assert memos.newest_is_resolved


def test_the_newest_memo_may_be_resolved_out_of_order() -> None:
    memos = Memos(done("a", "b"), ["a", "b"])
    memos.resolve("b")
    assert memos.newest_is_resolved


def test_without_memos_there_is_nothing_left_to_resolve() -> None:
    assert Memos({}, []).newest_is_resolved
