"""Data of events: what builds it, what it is rebuilt to, and errors that name the field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal  # noqa: TC003 - pydantic evaluates it
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, RootModel
from typing_extensions import TypedDict

from inngest_asgi.errors import ConfigError, EventValidationError, NonRetriableError
from inngest_asgi.functions.payloads import Payload, envelope_of
from inngest_asgi.wire.events import Event, event_record

AT = datetime(2026, 1, 2, tzinfo=UTC)
KEY = UUID("6d0b1d6e-5b9c-4f10-9c9d-1f8b1f0c2a11")


class Colour(Enum):
    RED = "red"


class Order(BaseModel):
    id: int
    note: str | None = None


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    at: datetime
    key: UUID
    colour: Colour


class Renamed(BaseModel):
    order_id: int = Field(alias="orderId")


@dataclass
class Point:
    x: int


class Shown(TypedDict):
    price: Annotated[Decimal, PlainSerializer(lambda value: f"{value} EUR", when_used="json")]


class Priced(TypedDict):
    price: Annotated[int, PlainSerializer(lambda value: value * 100, when_used="json")]


def payload(data: Any) -> Payload:
    return Payload(data, field="the type")


def built(kind: Any, data: Any, **fields: Any) -> Event[Any]:
    return payload(kind).build(data, "The event is not valid", name="a/b", **fields)


def rebuilt(kind: Any, data: Any) -> Any:
    event = payload(kind).rebuild(Event(name="a/b", id="x", ts=5), data, "It is refused")
    assert (event.name, event.id, event.ts) == ("a/b", "x", 5)
    return event.data


@pytest.mark.parametrize(
    ("kind", "data", "sent"),
    [
        pytest.param(Order, Order(id=1), {"id": 1, "note": None}, id="model"),
        pytest.param(Order, {"id": 1}, {"id": 1, "note": None}, id="dictionary"),
        pytest.param(Point, Point(1), {"x": 1}, id="dataclass"),
        pytest.param(Point, {"x": 1}, {"x": 1}, id="dataclass-from-dictionary"),
        pytest.param(Renamed, Renamed(orderId=5), {"orderId": 5}, id="alias"),
        pytest.param(Renamed, {"order_id": 5}, {"orderId": 5}, id="name-of-an-aliased-field"),
        pytest.param(Priced, {"price": 5}, {"price": 500}, id="own-serializer"),
        pytest.param(Order | Point, Point(1), {"x": 1}, id="union"),
        pytest.param(dict[str, Any], {"at": AT}, {"at": "2026-01-02T00:00:00Z"}, id="anything"),
        pytest.param(dict[str, Any], None, {}, id="nothing"),
        pytest.param(RootModel[dict[str, int]], {"x": 1}, {"x": 1}, id="root-model"),
        pytest.param(
            Strict,
            Strict(at=AT, key=KEY, colour=Colour.RED),
            {"at": "2026-01-02T00:00:00Z", "key": str(KEY), "colour": "red"},
            id="strict-model",
        ),
    ],
)
def test_what_is_built_is_sent_by_its_type(kind: Any, data: Any, sent: dict[str, Any]) -> None:
    assert event_record(built(kind, data), 5)["data"] == sent


@pytest.mark.parametrize(
    "data",
    [Order(id=1), Point(1), Strict(at=AT, key=KEY, colour=Colour.RED), Renamed(orderId=5)],
    ids=lambda data: type(data).__name__,
)
def test_what_was_sent_is_rebuilt(data: Any) -> None:
    sent = event_record(built(type(data), data), 5)["data"]
    assert rebuilt(type(data), sent) == data


def test_the_given_instance_is_the_data() -> None:
    order = Order(id=1)
    assert built(Order, order).data is order


def test_null_is_an_empty_object() -> None:
    assert rebuilt(dict[str, Any], None) == {}


def test_a_received_event_is_sent_on_by_its_type() -> None:
    event = payload(Priced).rebuild(Event(name="a/b"), {"price": 5}, "It is refused")
    assert event_record(event, 5)["data"] == {"price": 500}


def test_all_fields_are_kept() -> None:
    fields: dict[str, Any] = {
        "id": "x",
        "ts": 5,
        "v": "2",
        "user": {"n": 1},
        "meta": {"sessions": {"chat": "7"}},
    }
    record = event_record(built(Order, {"id": 1}, **fields), 9)
    assert {key: record[key] for key in fields} == fields


@pytest.mark.parametrize(
    ("kind", "data", "fields"),
    [
        pytest.param(Order, {"id": "x"}, ["data.id"], id="field"),
        pytest.param(Order, {}, ["data.id"], id="missing"),
        pytest.param(Order, None, ["data.id"], id="nothing"),
        pytest.param(Order, Point(1), ["data"], id="another-type"),
        pytest.param(Order, [1], ["data"], id="list"),
        pytest.param(Point, Point("x"), ["data.x"], id="unchecked-dataclass"),  # type: ignore[arg-type]
        pytest.param(Order, Order.model_construct(id="x"), ["data.id"], id="unchecked-model"),
        pytest.param(Shown, {"price": 5}, ["data.price"], id="no-way-back"),
        pytest.param(list[int], [1], ["data"], id="no-object"),
        pytest.param(dict[str, Any], {"x": object()}, ["data"], id="no-json"),
    ],
)
def test_wrong_data_is_refused_when_an_event_is_built(
    kind: Any, data: Any, fields: list[str]
) -> None:
    with pytest.raises(EventValidationError, match="The event is not valid: data") as raised:
        built(kind, data)
    assert raised.value.fields == fields


def test_a_wrong_field_beside_the_data_is_named() -> None:
    with pytest.raises(EventValidationError, match=r"not valid: ts: .*integer") as raised:
        built(Order, {"id": 1}, ts="soon")
    assert raised.value.fields == ["ts"]


def test_wrong_sessions_are_named() -> None:
    with pytest.raises(EventValidationError, match=r"meta: .*meta\.sessions has 6 entries"):
        built(Order, {"id": 1}, meta={"sessions": {str(n): "x" for n in range(6)}})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(
            {"id": "x"}, r"^It is refused: data\.id: Input should be .*integer", id="field"
        ),
        pytest.param([], r"^It is refused: data: it must be a JSON object\.$", id="list"),
        pytest.param(None, r"^It is refused: data\.id: Field required\.$", id="null"),
    ],
)
def test_wrong_data_is_refused_when_an_event_is_read(data: Any, said: str) -> None:
    with pytest.raises(EventValidationError, match=said):
        rebuilt(Order, data)


def test_no_more_than_three_fields_are_told() -> None:
    class Wide(BaseModel):
        a: int
        b: int
        c: int
        d: int
        e: int

    with pytest.raises(EventValidationError, match=r"c: Field required; and 2 more\.$") as raised:
        rebuilt(Wide, {})
    assert len(raised.value.fields) == 5


def test_values_are_not_told() -> None:
    with pytest.raises(EventValidationError) as raised:
        rebuilt(Order, {"id": "hunter2"})
    assert "hunter2" not in str(raised.value)


def test_wrong_data_is_never_tried_again() -> None:
    with pytest.raises(NonRetriableError):
        rebuilt(Order, {})


@pytest.mark.parametrize("kind", [5, object(), Payload], ids=["number", "object", "class"])
@pytest.mark.filterwarnings("ignore::UserWarning")  # newer pydantic also warns of the instance
def test_what_is_no_type_is_refused(kind: Any) -> None:
    with pytest.raises(ConfigError, match=r"^the type is .* pydantic can make nothing: "):
        payload(kind)


def test_the_envelope_has_no_data() -> None:
    envelope = envelope_of({"name": "a/b", "data": {"x": 1}, "v": "2"}, "It is refused")
    assert (envelope.data, envelope.v) == ({}, "2")


def test_what_is_no_event_names_the_field() -> None:
    with pytest.raises(EventValidationError, match=r"^It is refused: it is not an event: ts: "):
        envelope_of({"name": "a/b", "ts": "soon"}, "It is refused")
