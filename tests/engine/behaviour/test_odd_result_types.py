"""Results of classes that are called, and of annotations with names that nothing has."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from inngest_asgi.engine.results import PLAIN, ResultType
from inngest_asgi.errors import OutputError
from tests.engine.result_types import ORDER, Order
from tests.engine.test_results import WHAT, back, returning


def test_a_class_may_stand_below_the_function_that_returns_it() -> None:
    space: dict[str, Any] = {"BaseModel": BaseModel}
    exec("def body() -> 'Later': ...", space)  # noqa: S102
    kind = ResultType.of(space["body"])
    exec("class Later(BaseModel):\n    n: int", space)  # noqa: S102
    assert back(kind, space["Later"](n=1)) == space["Later"](n=1)


def test_a_name_that_nothing_has_makes_plain_json() -> None:
    kind = ResultType.of(returning("list[Missing]"))
    assert back(kind, [{"a": 1}]) == [{"a": 1}]


def test_a_result_whose_type_is_only_there_for_type_checkers_is_refused_with_a_sentence() -> None:
    kind = ResultType.of(returning("Missing"))
    with pytest.raises(OutputError) as refused:
        kind.dump(ORDER, what=WHAT)
    assert "'Missing' does not count" in str(refused.value)
    assert "not only for type checkers" in str(refused.value)


@pytest.mark.parametrize(
    "call", [Order, functools.partial(Order, note="x")], ids=["class", "partial"]
)
def test_a_class_is_what_calling_it_gives(call: Any) -> None:
    assert back(ResultType.of(call), ORDER) == ORDER


@pytest.mark.parametrize("kind", [str, dict, list, object, Iterator, memoryview], ids=repr)
def test_a_class_that_is_json_or_unknown_to_pydantic_is_plain(kind: Any) -> None:
    assert ResultType.of(kind) is PLAIN


def test_a_value_of_another_type_is_told_with_what_was_expected() -> None:
    kind = ResultType.of(returning(None), Order)
    with pytest.raises(OutputError, match=r"^Step 'charge' returned .*Expected `Order`.*=dict"):
        kind.dump({"id": 5}, what=WHAT)
