"""Events as records, and the seed that makes their ids repeatable."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inngest_asgi.errors import CodecError, ConfigError
from inngest_asgi.wire.events import Event, event_record, make_seed, seeded_id

SEEDS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "event_ids.json").read_text(encoding="utf-8")
)["seeds"]
NOW = 1735689600000


class Order(BaseModel):
    id: int
    note: str | None


class Floating(BaseModel):
    value: float


class Renamed(BaseModel):
    order_id: int = Field(alias="orderId")


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: float | None


def nested(depth: int) -> Any:
    value: Any = None
    for _ in range(depth):
        value = [value]
    return value


def test_only_the_set_fields_are_sent_and_a_time() -> None:
    assert event_record(Event(name="a/b"), NOW) == {"name": "a/b", "data": {}, "ts": NOW}


def test_all_fields_are_sent() -> None:
    fields: dict[str, Any] = {
        "name": "a/b",
        "data": {"x": 1},
        "id": "dedupe",
        "ts": 5,
        "v": "1",
        "user": {"id": 1},
        "meta": {"sessions": {"chat": None}},
    }
    assert event_record(Event(**fields), NOW) == fields


def test_the_first_moment_of_time_is_a_time() -> None:
    assert event_record(Event(name="a/b", ts=0), NOW)["ts"] == 0


def test_data_is_never_null() -> None:
    event = Event(name="a/b", data=None)
    assert event_record(event, NOW)["data"] == {}


def test_each_event_has_data_of_its_own() -> None:
    assert Event(name="a/b").data is not Event(name="a/b").data


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        pytest.param(None, None, id="null"),
        pytest.param({"a": {"b": None}}, {"a": {"b": None}}, id="nested null"),
        pytest.param(Order(id=1, note=None), {"id": 1, "note": None}, id="model"),
        pytest.param(Point(None), {"x": None}, id="dataclass"),
        pytest.param(datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z", id="moment"),
        pytest.param(Decimal("1.10"), "1.10", id="decimal"),
        pytest.param(Colour.RED, "red", id="enum"),
        pytest.param((1, 2), [1, 2], id="tuple"),
        pytest.param({1}, [1], id="set"),
        pytest.param(b"text", "text", id="bytes"),
        pytest.param(2**70, 2**70, id="large integer"),
    ],
)
def test_data_becomes_json_with_its_nulls(value: Any, sent: Any) -> None:
    assert event_record(Event(name="a/b", data={"x": value}), NOW)["data"] == {"x": sent}


def test_a_model_s_nulls_are_sent_because_it_may_demand_them() -> None:
    record = event_record(Event[Order](name="a/b", data=Order(id=1, note=None)), NOW)
    assert record["data"] == {"id": 1, "note": None}
    assert Event[Order].from_raw(record).data.note is None


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        pytest.param(Order(id=1, note=None), {"id": 1, "note": None}, id="model"),
        pytest.param(Point(1.5), {"x": 1.5}, id="dataclass"),
        pytest.param(Renamed(orderId=5), {"orderId": 5}, id="model-with-alias"),
    ],
)
def test_a_plain_event_takes_a_record_as_its_data(data: Any, sent: dict[str, Any]) -> None:
    event = Event(name="a/b", data=data)
    assert event.data is data
    assert event_record(event, NOW)["data"] == sent


def test_a_plain_event_with_a_record_can_be_dumped() -> None:
    event = Event(name="a/b", data=Renamed(orderId=5))
    assert event.model_dump()["data"] == {"order_id": 5}
    assert json.loads(event.model_dump_json(by_alias=True))["data"] == {"orderId": 5}


def test_a_record_with_nan_names_the_event() -> None:
    with pytest.raises(CodecError, match="'a/b'"):
        event_record(Event(name="a/b", data=Floating(value=float("nan"))), NOW)


def test_a_typed_event_refuses_the_record_of_another_type() -> None:
    with pytest.raises(ValidationError, match="Order"):
        Event[Order](name="a/b", data=Floating(value=1.0))  # type: ignore[arg-type]


def test_sessions_are_checked_when_an_event_is_built() -> None:
    with pytest.raises(ValidationError, match="6 entries"):
        Event(name="a/b", meta={"sessions": {str(n): "x" for n in range(6)}})


def test_sessions_are_strings_once_an_event_is_built() -> None:
    assert Event(name="a/b", meta={"sessions": {"chat": 5}}).meta == {"sessions": {"chat": "5"}}


def test_sessions_spoilt_later_are_refused() -> None:
    event = Event(name="a/b", meta={"sessions": {}})
    event.meta = {"sessions": {"chat": []}}
    with pytest.raises(ConfigError, match="chat"):
        event_record(event, NOW)


def test_sessions_from_a_server_are_taken_as_they_come() -> None:
    meta = {"sessions": {str(n): n for n in range(6)}}
    assert Event.from_raw({"name": "a/b", "meta": meta}).meta == meta


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(float("nan"), id="NaN"),
        pytest.param([{"x": float("inf")}], id="infinity"),
        pytest.param(Floating(value=float("nan")), id="NaN in a model"),
        pytest.param(Point(float("-inf")), id="infinity in a dataclass"),
        pytest.param({float("nan")}, id="NaN in a set"),
        pytest.param(object(), id="object"),
        pytest.param(b"\xff", id="bytes that are no text"),
        pytest.param(nested(300), id="300 deep"),
        pytest.param(nested(100_000), id="endlessly deep"),
    ],
)
def test_data_that_cannot_be_json_names_the_event(value: Any) -> None:
    with pytest.raises(CodecError, match=r"^Event 'a/b' cannot be sent: .*\.$"):
        event_record(Event(name="a/b", data={"x": value}), NOW)


def test_data_in_itself_names_the_event() -> None:
    data: dict[str, Any] = {}
    data["again"] = data
    with pytest.raises(CodecError, match="'a/b'"):
        event_record(Event(name="a/b", data=data), NOW)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param(" \n", "is empty", id="blank"),
        pytest.param("inngest/function.failed", "belong to the server", id="reserved"),
    ],
)
def test_a_name_that_cannot_be_sent(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        event_record(Event(name=name), NOW)


@pytest.mark.parametrize("name", [None, 5], ids=repr)
def test_a_name_spoilt_later_is_refused(name: Any) -> None:
    event = Event(name="a/b")
    event.name = name
    with pytest.raises(ConfigError, match="is empty"):
        event_record(event, NOW)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_data_spoilt_later_is_refused() -> None:
    event = Event(name="a/b")
    event.data = 5  # type: ignore[assignment]
    with pytest.raises(ConfigError, match="must be a JSON object"):
        event_record(event, NOW)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="no name"),
        pytest.param({"name": 5}, id="name"),
        pytest.param({"name": "a", "data": [1]}, id="data"),
        pytest.param({"name": "a", "data": {1: 2}}, id="key"),
        pytest.param({"name": "a", "ts": 1.5}, id="time"),
        pytest.param({"name": "a", "id": 5}, id="id"),
        pytest.param({"name": "a", "user": "x"}, id="user"),
    ],
)
def test_wrong_fields_are_refused_when_an_event_is_made(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Event(**fields)


def test_data_is_validated_by_its_type() -> None:
    with pytest.raises(ValidationError, match=r"data\.id"):
        Event[Order](name="a/b", data={"id": "x", "note": None})  # type: ignore[arg-type]


def test_an_event_can_be_changed() -> None:
    event = Event(name="a/b", data={"x": 1})
    event.data["x"] = 2
    event.v = "2"
    assert event_record(event, NOW) == {"name": "a/b", "data": {"x": 2}, "v": "2", "ts": NOW}


@pytest.mark.parametrize(
    ("raw", "event"),
    [
        pytest.param({"name": "a"}, Event(name="a"), id="name only"),
        pytest.param({"name": "a", "data": None, "user": {}}, Event(name="a", user={}), id="null"),
        pytest.param({"name": "a", "new": 1}, Event(name="a"), id="unknown field"),
        pytest.param(
            {"name": "inngest/x", "ts": 5.0}, Event(name="inngest/x", ts=5), id="from a server"
        ),
    ],
)
def test_an_event_is_read(raw: dict[str, Any], event: Event) -> None:
    assert Event.from_raw(raw) == event


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        pytest.param({}, "not an event: name: ", id="no name"),
        pytest.param({"name": "a", "data": 5}, "not an event: data: ", id="data"),
        pytest.param({"name": "a", "ts": "x"}, "not an event: ts: ", id="time"),
        pytest.param({"name": "a", "meta": []}, "not an event: meta: ", id="meta"),
        pytest.param(None, "not an event: Input", id="null"),
        pytest.param([], "not an event: Input", id="list"),
        pytest.param("a", "not an event: Input", id="text"),
    ],
)
def test_what_is_no_event_names_the_field(raw: Any, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        Event.from_raw(raw)


def test_a_nested_field_is_named_with_its_path() -> None:
    with pytest.raises(ValueError, match=r"^not an event: data: id: "):
        Event[Order].from_raw({"name": "a", "data": {"id": "x", "note": None}})


@pytest.mark.parametrize("vector", SEEDS, ids=lambda vector: vector["seed"])
def test_ids_of_the_vectors(vector: dict[str, Any]) -> None:
    ids = [seeded_id(vector["seed"], index) for index in range(1, len(vector["ids"]) + 1)]
    assert ids == vector["ids"]


def test_a_made_seed_is_that_of_the_vector() -> None:
    seed = make_seed(1735689600000, bytes(range(10)))
    assert seed == SEEDS[0]["seed"]
    assert seeded_id(seed, 1) == SEEDS[0]["ids"][0]


@pytest.mark.parametrize(
    ("seed", "index", "made"),
    [
        pytest.param("0,AAAAAAAAAAAAAA==", 0, "0" * 26, id="all zero"),
        pytest.param("1735689600000,/////////////w==", 1, "01JGFJJZ00ZZZZZZZZZW000000", id="wraps"),
        pytest.param(
            "281474976710655,AAAAAAAAAAAAAA==", 0, "7ZZZZZZZZZ" + "0" * 16, id="last time"
        ),
    ],
)
def test_ids_at_the_edges(seed: str, index: int, made: str) -> None:
    assert seeded_id(seed, index) == made


@pytest.mark.parametrize(
    "seed",
    [
        "",
        ",",
        "1735689600000",
        "1735689600000,",
        ",AAECAwQFBgcICQ==",
        "now,AAECAwQFBgcICQ==",
        "-1,AAECAwQFBgcICQ==",
        "+1,AAECAwQFBgcICQ==",
        " 1,AAECAwQFBgcICQ==",
        "1 ,AAECAwQFBgcICQ==",
        "1.5,AAECAwQFBgcICQ==",
        "\u0661,AAECAwQFBgcICQ==",
        "\u00b2,AAECAwQFBgcICQ==",
        "281474976710656,AAECAwQFBgcICQ==",
        "9" * 5000 + ",AAECAwQFBgcICQ==",
        "1735689600000,AAECAwQFBgcICQ",
        "1735689600000,AAECAwQFBgcI",
        "1735689600000,AAECAwQFBgcICQoL",
        "1735689600000, AAECAwQFBgcICQ==",
        "1735689600000,AAECAwQFBgcICQ==,",
        "1735689600000,AAECAwQFBgcICQ==\n",
        "1735689600000,AAECAwQFBg-_CQ==",
        "1735689600000,\u00e9",
        "1735689600000,\ud800",
    ],
    ids=lambda seed: ascii(seed[:40]),
)
def test_an_invalid_seed_is_ignored(seed: str) -> None:
    assert seeded_id(seed, 1) is None


# Fields that are not known.


@pytest.mark.parametrize("kind", [Event, Event[Order]], ids=["plain", "typed"])
def test_a_keyword_that_is_no_field_is_refused(kind: Any) -> None:
    with pytest.raises(ConfigError, match=r"^Event has no field 'payload'; it takes name, data, "):
        kind(name="a/b", payload={"id": 1})


@pytest.mark.parametrize(
    "read",
    [
        Event.from_raw,
        Event.model_validate,
        lambda raw: Event.model_validate_json(json.dumps(raw)),
        lambda raw: Event.model_construct(**raw),
    ],
    ids=["from_raw", "model_validate", "model_validate_json", "model_construct"],
)
def test_a_field_that_a_server_adds_is_read_past(read: Any) -> None:
    event = read({"name": "a/b", "data": {}, "received_at": 5})
    assert event_record(event, NOW) == {"name": "a/b", "data": {}, "ts": NOW}


def test_a_copied_event_is_the_same() -> None:
    event = Event(name="a/b", data={"x": [1]})
    copies = [copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event))]  # noqa: S301
    assert copies == [event] * 3


class Strict(Event[Any]):
    """An event class of a user's own, which says itself what it takes."""

    model_config = ConfigDict(extra="forbid")
    tenant: str = "none"


def test_an_event_class_of_a_users_own_takes_its_fields() -> None:
    assert Strict(name="a/b", tenant="t1").tenant == "t1"
    with pytest.raises(ValidationError):
        Strict(name="a/b", tenants="t1")  # type: ignore[call-arg]


class Ordered(Event[Any]):
    """An event class of a user's own, with arguments of its own."""

    def __init__(self, order: int, /, **more: Any) -> None:
        super().__init__(name="shop/ordered", data={"order": order, **more})


def test_an_event_class_of_a_users_own_may_have_arguments_of_its_own() -> None:
    assert Ordered(7, note="soon").data == {"order": 7, "note": "soon"}
