"""Results by annotation: what becomes JSON, what comes back, what is refused."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import warnings
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import (
    Annotated,
    Any,
    Literal,
    Optional,
)
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, PydanticUserError

from inngest_asgi.engine import results
from inngest_asgi.engine.results import PLAIN, ResultType
from inngest_asgi.errors import OutputError
from inngest_asgi.wire.codec import dumps, loads
from tests.engine.result_types import (
    ID,
    NOON,
    ORDER,
    Aliased,
    Box,
    ByAlias,
    Colour,
    Infinite,
    Order,
    Pair,
    Point,
    Raising,
    Row,
    Size,
    T,
    Tree,
)

WHAT = "Step 'charge'"
_numbers = itertools.count()


def returning(annotation: Any) -> Callable[..., Any]:
    """Return a function with that return annotation, and with code of its own."""

    def body() -> Any: ...

    body.__code__ = body.__code__.replace(co_name=f"body_{next(_numbers)}")
    body.__annotations__["return"] = annotation
    return body


def back(kind: ResultType, value: Any) -> Any:
    """Return a value as it is after a trip over the wire."""
    return kind.load(loads(dumps(kind.dump(value, what=WHAT))), what=WHAT)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        pytest.param(Order, ORDER, id="model"),
        pytest.param(list[Order], [ORDER], id="list-of-models"),
        pytest.param(dict[UUID, Order], {ID: ORDER}, id="dict-by-uuid"),
        pytest.param(Box[Point], Box[Point](inside=Point(1, NOON)), id="generic-model"),
        pytest.param(Tree, Tree(children=[Tree()]), id="recursive-model"),
        pytest.param(Point, Point(1, NOON), id="dataclass"),
        pytest.param(Row, {"day": date(2026, 1, 2), "amount": Decimal(1)}, id="typed-dict"),
        pytest.param(Pair, Pair(1, timedelta(seconds=90)), id="named-tuple"),
        pytest.param(datetime, NOON, id="datetime"),
        pytest.param(UUID, ID, id="uuid"),
        pytest.param(Decimal, Decimal("1.10"), id="decimal"),
        pytest.param(dict[str, Decimal | None], {"a": Decimal(1), "b": None}, id="decimal-or-none"),
        pytest.param(Colour, Colour.RED, id="enum"),
        pytest.param(Size, Size.BIG, id="str-enum"),
        pytest.param(Literal["a", 1], 1, id="literal"),
        pytest.param(Order | Point, Point(1, NOON), id="union"),
        pytest.param(Optional[Order], None, id="optional-none"),  # noqa: UP045 - a form users write
        pytest.param(Optional[Order], ORDER, id="optional"),  # noqa: UP045
        pytest.param(tuple, (1, 2), id="bare-tuple"),
        pytest.param(tuple[int, datetime], (1, NOON), id="tuple"),
        pytest.param(tuple[int, ...], (1, 2, 3), id="long-tuple"),
        pytest.param(set[int], {1, 2}, id="set"),
        pytest.param(bytes, b"abc", id="bytes"),
        pytest.param(Annotated[int, Field(gt=0)], 5, id="annotated"),
        pytest.param(Annotated[Decimal, ["cents"]], Decimal(1), id="annotated-with-a-list"),
        pytest.param(Aliased, Aliased(userId=1), id="alias"),
        pytest.param(ByAlias, ByAlias(userId=1), id="dumped-by-alias"),
        pytest.param(T, {"a": 1}, id="type-variable"),
        pytest.param("Order", ORDER, id="forward-reference"),
        pytest.param("list['Order'] | None", [ORDER], id="forward-reference-inside"),
        pytest.param(Awaitable[Order], ORDER, id="awaitable-of"),
        pytest.param(None, None, id="none"),
        pytest.param(float, 1, id="int-for-float"),
        pytest.param(dict[str, list[int | None]], {"a": [1, None]}, id="json-native"),
    ],
)
def test_a_result_comes_back_as_its_annotation_says(annotation: Any, value: Any) -> None:
    rebuilt = back(ResultType.of(returning(annotation)), value)
    assert rebuilt == value
    assert type(rebuilt) is type(value)


@pytest.mark.parametrize(
    "annotation",
    [
        Any,
        None,
        str,
        int | None,
        Optional[str],  # noqa: UP045 - a form users write
        list[dict[str, float]],
        dict,
        "Missing[",
        "list.Missing",
        Iterator,
    ],
    ids=repr,
)
def test_what_is_json_or_cannot_be_resolved_costs_nothing(annotation: Any) -> None:
    assert ResultType.of(returning(annotation)) is PLAIN


class Service:
    def method(self) -> Order:
        return ORDER

    @classmethod
    def of_class(cls) -> Order:
        return ORDER

    @staticmethod
    def static() -> Order:
        return ORDER

    def __call__(self) -> Order:
        return ORDER


def make(_: int = 0) -> Order:
    return ORDER


def logged(function: Callable[..., T]) -> Callable[..., T]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


async def fetch() -> Order:
    return ORDER


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(make, id="function"),
        pytest.param(fetch, id="async-function"),
        pytest.param(Service().method, id="method"),
        pytest.param(Service.of_class, id="class-method"),
        pytest.param(Service.static, id="static-method"),
        pytest.param(Service(), id="callable-object"),
        pytest.param(functools.partial(functools.partial(make), 1), id="partial"),
        pytest.param(functools.partial(Service().method), id="partial-of-a-method"),
        pytest.param(logged(make), id="wrapped"),
    ],
)
def test_any_kind_of_callable_is_read(function: Any) -> None:
    assert back(ResultType.of(function), ORDER) == ORDER


@pytest.mark.parametrize("function", [len, dict, lambda: 1, functools.partial(len), object()])
def test_callables_without_annotation_give_plain_json(function: Any) -> None:
    assert ResultType.of(function) is PLAIN


def test_an_adapter_is_made_once() -> None:
    assert ResultType.of(make) is ResultType.of(make)


def test_closures_of_one_function_share_their_result_type() -> None:
    def closure(n: int) -> Callable[[], list[Order]]:
        return lambda: [ORDER] * n

    def annotated(n: int) -> Callable[[], list[Order]]:
        def body() -> list[Order]:
            return closure(n)()

        return body

    assert ResultType.of(annotated(1)) is ResultType.of(annotated(2))


def test_a_model_made_anew_for_each_call_is_rebuilt_as_the_newest() -> None:
    """A function's own class is another class each time the function is called."""

    def handler() -> tuple[type[BaseModel], Callable[[], Any]]:
        class Local(BaseModel):
            x: int = 1

        def body() -> Local:
            return Local()

        return Local, body

    for _ in range(2):
        local, body = handler()
        assert type(back(ResultType.of(body), body())) is local


def test_code_made_at_run_time_does_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_MOST_CODE", 2)
    monkeypatch.setattr(results, "_by_code", {})
    for _ in range(5):
        assert back(ResultType.of(returning(Order)), ORDER) == ORDER
        assert len(results._by_code) <= 2


def test_one_code_in_two_modules_may_name_different_types() -> None:
    code = compile("def body() -> 'Out': ...", "module.py", "exec")
    spaces: list[dict[str, Any]] = [{"Out": Order}, {"Out": Tree}]
    for space in spaces:
        exec(code, space)  # noqa: S102
    order, tree = (ResultType.of(space["body"]) for space in spaces)
    assert back(order, ORDER) == ORDER
    assert back(tree, Tree()) == Tree()


def test_a_variable_that_is_not_yet_set_leaves_the_annotation_unresolved() -> None:
    def body() -> Later:
        return Later()

    assert back(ResultType.of(body), {"a": 1}) == {"a": 1}

    class Later(BaseModel): ...

    assert back(ResultType.of(body), Later()) == Later()


# What is false, and what cannot be JSON.


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        pytest.param(Order, {"id": 5}, id="dict-for-model"),
        pytest.param(Order, None, id="none-for-model"),
        pytest.param(datetime, "today", id="text-for-datetime"),
        pytest.param(tuple[int, int], [1], id="short-tuple"),
    ],
)
def test_a_false_annotation_is_one_warning_and_plain_json(annotation: Any, value: Any) -> None:
    kind = ResultType.of(returning(annotation))
    with pytest.warns(UserWarning, match=r"Step 'charge' returned something its type does not"):
        fragment = kind.dump(value, what=WHAT)
    assert kind.load(loads(dumps(fragment)), what=WHAT) == value
    assert dumps(kind.dump(value, what=WHAT)) == dumps(value)


def test_one_false_result_does_not_spoil_the_true_ones() -> None:
    kind = ResultType.of(returning(Order | Row))
    with pytest.warns(UserWarning, match="treated as plain JSON"):
        kind.dump("neither", what=WHAT)
    assert back(kind, ORDER) == ORDER


def test_a_memo_of_another_shape_is_one_warning_and_plain_json() -> None:
    kind = ResultType.of(returning(Order | None))
    with pytest.warns(UserWarning, match="was recorded with a result its type does not allow"):
        assert kind.load({"old": 1}, what=WHAT) == {"old": 1}


def test_a_validator_that_refuses_what_was_returned_is_a_mismatch() -> None:
    kind = ResultType.of(returning(Raising))
    with (
        pytest.warns(UserWarning, match="x: Value error, seven is refused"),
        pytest.raises(OutputError, match="Step 'charge' returned a value that cannot be recorded"),
    ):
        kind.dump(Raising.model_construct(x=7), what=WHAT)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        pytest.param(dict[str, float | date], {"a": math.nan}, id="nan-to-null"),
        pytest.param(Infinite, Infinite(ratio=math.inf), id="constants"),
    ],
)
def test_nan_is_refused_under_an_annotation_too(annotation: Any, value: Any) -> None:
    with (
        pytest.warns(UserWarning, match="a number that JSON does not have"),
        pytest.raises(OutputError),
    ):
        ResultType.of(returning(annotation)).dump(value, what=WHAT)


@pytest.mark.parametrize(
    ("output_type", "value", "message"),
    [
        pytest.param(Order, {"id": 5}, "", id="another-shape"),
        pytest.param(int, "5", "", id="text-for-int"),
        pytest.param(float | date, math.nan, "a number that JSON does not have", id="nan"),
        pytest.param(str, "\ud83d", "surrogates", id="half-a-surrogate-pair"),
    ],
)
def test_an_explicit_type_is_strict(output_type: Any, value: Any, message: str) -> None:
    kind = ResultType.of(make, output_type)
    with pytest.raises(OutputError, match=f"Step 'charge' returned something.*{message}"):
        kind.dump(value, what=WHAT)


def test_an_explicit_type_is_strict_on_replay() -> None:
    kind = ResultType.of(make, Order)
    with pytest.raises(OutputError, match=r"was recorded with a result .*: id: Field required"):
        kind.load({"total": "1"}, what=WHAT)


def test_an_explicit_type_wins_over_the_annotation() -> None:
    assert back(ResultType.of(make, Point), Point(1, NOON)) == Point(1, NOON)


def test_none_is_an_explicit_type() -> None:
    with pytest.raises(OutputError):
        ResultType.of(make, None).dump(1, what=WHAT)


def test_an_explicit_type_that_cannot_be_a_key_works() -> None:
    assert back(ResultType.of(make, Annotated[Decimal, ["cents"]]), Decimal(1)) == Decimal(1)


def test_a_class_pydantic_does_not_know_is_refused() -> None:
    with pytest.raises(PydanticUserError):
        ResultType.of(make, Service)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def ring() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({1, 2}, id="set"),
        pytest.param(object(), id="object"),
        pytest.param(ORDER, id="model"),
        pytest.param(b"abc", id="bytes"),
        pytest.param({"a": math.nan}, id="nan"),
        pytest.param(-math.inf, id="infinity"),
        pytest.param("\ud83d", id="half-a-surrogate-pair"),
        pytest.param(ring(), id="cycle"),
        pytest.param(nested(300), id="deep-nesting"),
    ],
)
@pytest.mark.parametrize("annotation", [Any, list[Any] | Point], ids=["plain", "annotated"])
@pytest.mark.filterwarnings("ignore:Step 'charge' returned something")
def test_what_json_cannot_carry_is_refused_with_the_name_of_the_step(
    annotation: Any, value: Any
) -> None:
    with pytest.raises(OutputError, match="Step 'charge' returned a value that cannot be recorded"):
        ResultType.of(returning(annotation)).dump(value, what=WHAT)


def test_a_large_integer_survives_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="servers round such numbers"):
        assert back(PLAIN, 2**70) == 2**70


def test_plain_json_has_other_keys_than_text() -> None:
    assert back(PLAIN, {1: ["a", None, True, 1.5]}) == {"1": ["a", None, True, 1.5]}


def test_a_true_annotation_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert back(ResultType.of(returning(Point)), dataclasses.replace(Point(1, NOON)))
