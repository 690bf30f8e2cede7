"""Serializers of the user's: where they act, what they are given, and what their errors mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel

from inngest_asgi.engine.results import UNSET
from inngest_asgi.engine.serializers import (
    PydanticSerializer,
    SerializedType,
    Serializer,
    checked_serializer,
    result_type,
)
from inngest_asgi.errors import (
    ConfigError,
    NonRetriableError,
    OutputError,
    RetryAfterError,
    StepError,
)
from inngest_asgi.wire.codec import dumps, loads
from tests.engine.calls import Request, Shell, Tools, shown, wire_ops
from tests.engine.result_types import NOON, ORDER, Aliased, Order, Point

WHAT = "Step 'charge'"


@dataclass
class Money:
    cents: int


@dataclass
class Noting:
    """Writes money as text, and notes for which types it was asked."""

    types: list[Any] = field(default_factory=list)

    def serialize(self, obj: Any, typ: Any) -> Any:
        self.types.append(typ)
        return f"{obj.cents} ct"

    def deserialize(self, obj: Any, typ: Any) -> Any:
        self.types.append(typ)
        return Money(int(obj.removesuffix(" ct")))


@dataclass
class Raising:
    error: BaseException

    def serialize(self, obj: Any, typ: Any) -> Any:
        raise self.error

    def deserialize(self, obj: Any, typ: Any) -> Any:
        raise self.error


def annotated() -> Order:
    return ORDER


@pytest.mark.parametrize(
    ("typ", "value"),
    [
        pytest.param(Order, ORDER, id="model"),
        pytest.param(list[Order], [ORDER], id="list-of-models"),
        pytest.param(Point, Point(1, NOON), id="dataclass"),
        pytest.param(Aliased, Aliased(userId=1), id="aliases"),
        pytest.param(int | None, None, id="none"),
    ],
)
def test_pydantic_writes_and_rebuilds_what_it_knows(typ: Any, value: Any) -> None:
    kind = SerializedType(PydanticSerializer(), typ)
    assert kind.load(loads(dumps(kind.dump(value, what=WHAT))), what=WHAT) == value


@pytest.mark.parametrize("value", [{"id": 5}, "text", None], ids=repr)
def test_what_is_not_of_the_type_is_refused(value: Any) -> None:
    kind = SerializedType(PydanticSerializer(), Order)
    with pytest.raises(OutputError, match=r"^Step 'charge' returned something its type"):
        kind.dump(value, what=WHAT)


def test_a_memo_that_is_not_of_the_type_is_refused_with_its_field() -> None:
    kind = SerializedType(PydanticSerializer(), list[Order])
    message = r"^Step 'charge' was recorded with a result its type does not allow: 0\.total: "
    with pytest.raises(OutputError, match=message):
        kind.load([{"id": str(ORDER.id), "total": "much"}], what=WHAT)


def test_a_serializer_acts_on_explicit_types_only() -> None:
    noting = Noting()
    assert not isinstance(result_type(annotated, UNSET, noting), SerializedType)
    assert not isinstance(result_type(annotated, Order, None), SerializedType)
    assert isinstance(result_type(annotated, Order, noting), SerializedType)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("no money\nat all"), "ValueError: no money"),
        (KeyError("cents"), "KeyError: 'cents'"),
        (ValueError(), "ValueError: "),
    ],
    ids=["value", "key", "silent"],
)
def test_what_a_serializer_raises_fails_the_step_for_good(error: Exception, said: str) -> None:
    kind = SerializedType(Raising(error), Money)
    with pytest.raises(OutputError) as dumped:
        kind.dump(Money(1), what=WHAT)
    with pytest.raises(OutputError) as loaded:
        kind.load("1 ct", what=WHAT)
    for refused in (dumped.value, loaded.value):
        assert str(refused).startswith(WHAT)
        assert str(refused).endswith(said)
        assert refused.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [RetryAfterError("later", 1000), NonRetriableError("never"), KeyboardInterrupt()],
    ids=repr,
)
def test_a_serializer_may_say_itself_what_is_next(error: BaseException) -> None:
    with pytest.raises(type(error)):
        SerializedType(Raising(error), Money).dump(Money(1), what=WHAT)


def test_what_a_serializer_gives_must_be_json() -> None:
    class Lazy(Noting):
        def serialize(self, obj: Any, typ: Any) -> Any:
            return obj.__class__

    with pytest.raises(OutputError, match="its serializer gave a value that cannot be recorded"):
        SerializedType(Lazy(), Money).dump(Money(1), what=WHAT)


class Async(Noting):
    async def serialize(self, obj: Any, typ: Any) -> Any: ...


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (PydanticSerializer, "pass an object with the methods"),
        (object(), "pass an object with the methods"),
        (Async(), "`async def`; make them `def`"),
    ],
    ids=["class", "other", "async"],
)
def test_what_is_no_serializer_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=f"^Inngest: .*{said}"):
        checked_serializer(given)


def test_a_client_may_do_without() -> None:
    assert checked_serializer(None) is None


def test_both_are_serializers() -> None:
    listed: list[Serializer] = [PydanticSerializer(), Noting()]
    assert [checked_serializer(one) for one in listed] == listed


# In steps, of either colour.


async def paying(tools: Tools) -> Any:
    paid = await tools.step.run("pay", tools.body("pay", Money(500)), output_type=Money)
    return ["paid", paid]


async def telling(tools: Tools) -> Any:
    return await tools.step.run("tell", tools.body("tell", {"a": 1}))


def test_a_step_is_recorded_as_the_serializer_writes_it(shell: Shell, tools: Tools) -> None:
    noting = tools.serializer = Noting()
    (op,) = wire_ops(shell(paying, Request(), tools))
    assert (op["op"], op["data"], noting.types) == ("StepRun", "500 ct", [Money])


def test_a_memo_is_rebuilt_by_the_serializer(shell: Shell, tools: Tools) -> None:
    noting = tools.serializer = Noting()
    outcome = shell(paying, Request(memos={"pay": {"data": "500 ct"}}), tools)
    assert shown(outcome) == {"returned": ["paid", Money(500)]}
    assert noting.types == [Money]


def test_a_step_without_a_type_is_not_its_affair(shell: Shell, tools: Tools) -> None:
    tools.serializer = Raising(ValueError())
    assert shown(shell(telling, Request(), tools)) == ['StepRun tell = {"a":1}']


def test_a_result_it_cannot_write_fails_the_step_for_good(shell: Shell, tools: Tools) -> None:
    tools.serializer = Raising(ValueError("no"))
    (op,) = wire_ops(shell(paying, Request(), tools))
    assert (op["op"], op["error"]["name"]) == ("StepFailed", "OutputError")
    assert op["error"]["message"].startswith("Step 'pay'")


def test_a_step_that_failed_is_no_affair_of_it(shell: Shell, tools: Tools) -> None:
    async def catching(tools: Tools) -> Any:
        try:
            return await paying(tools)
        except StepError as error:
            return str(error)

    tools.serializer = Raising(ValueError("no"))
    memos = {"pay": {"error": {"name": "Declined", "message": "no card"}}}
    assert shown(shell(catching, Request(memos=memos), tools)) == {"returned": "no card"}


def test_the_type_may_be_one_that_pydantic_does_not_know(shell: Shell, tools: Tools) -> None:
    class Odd:
        cents = 7

    async def odd(tools: Tools) -> Any:
        return await tools.step.run("odd", tools.body("odd", Odd()), output_type=Odd)

    tools.serializer = Noting()
    assert shown(shell(odd, Request(), tools)) == ['StepRun odd = "7 ct"']


class Receipt(BaseModel):
    total: int


def test_the_default_is_as_strict_as_pydantics_serializer(shell: Shell, tools: Tools) -> None:
    async def false(tools: Tools) -> Any:
        return await tools.step.run("a", tools.body("a", {"total": "x"}), output_type=Receipt)

    outcomes = []
    for serializer in (None, PydanticSerializer()):
        tools.serializer = serializer
        (op,) = wire_ops(shell(false, Request(), tools))
        outcomes.append((op["op"], op["error"]["name"]))
    assert outcomes == [("StepFailed", "OutputError")] * 2
