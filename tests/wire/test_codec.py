"""JSON in and out: what is refused, what is kept whole, what its canonical form is."""

from __future__ import annotations

import enum
import gc
import json
import math
import uuid
import warnings
from collections import OrderedDict, deque, namedtuple
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from inngest_asgi.errors import CodecError
from inngest_asgi.wire.codec import (
    Fragment,
    dump_text,
    dumps,
    embed,
    loads,
    refuse_non_finite,
)

NAN = math.nan
Pair = namedtuple("Pair", ["a", "b"])


class Colour(enum.Enum):
    RED = "red"
    NOTHING = NAN
    MANY = 2**70


class Size(enum.IntEnum):
    HUGE = 2**70


@dataclass
class Plain:
    x: Any = None
    y: Any = 1


@dataclass(slots=True)
class Slotted:
    x: Any = None
    y: Any = 1


@dataclass
class Odd:
    """Has all that is not an ordinary field."""

    x: Any = None
    once: InitVar[int] = 1
    shared: ClassVar[float] = NAN
    _private: float = field(default=NAN)

    def __post_init__(self, once: int) -> None:
        self.once_more = once


def nested(depth: int, leaf: Any = None) -> Any:
    for _ in range(depth):
        leaf = [leaf]
    return leaf


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "null", id="null"),
        pytest.param([True, 1, 1.5, "x"], '[true,1,1.5,"x"]', id="list"),
        pytest.param((1, 2), "[1,2]", id="tuple"),
        pytest.param({"b": 1, "a": 2}, '{"b":1,"a":2}', id="order kept"),
        pytest.param("é😀\u2028\0", '"é😀\u2028\\u0000"', id="unicode"),
        pytest.param({1: 1, None: 2, 1.5: 4}, '{"1":1,"null":2,"1.5":4}', id="odd keys"),
        pytest.param({Colour.RED: 1}, '{"red":1}', id="enum key"),
        pytest.param({uuid.UUID(int=1): 1}, f'{{"{uuid.UUID(int=1)}":1}}', id="uuid key"),
        pytest.param({date(2026, 1, 2): 1}, '{"2026-01-02":1}', id="date key"),
        pytest.param(Colour.RED, '"red"', id="enum"),
        pytest.param(Plain(), '{"x":null,"y":1}', id="dataclass"),
        pytest.param(Slotted(), '{"x":null,"y":1}', id="slotted dataclass"),
        pytest.param(Odd(), '{"x":null,"once_more":1}', id="odd dataclass"),
        pytest.param(datetime(2026, 1, 2, tzinfo=UTC), '"2026-01-02T00:00:00+00:00"', id="moment"),
        pytest.param(date(2026, 1, 2), '"2026-01-02"', id="date"),
        pytest.param(time(1, 2), '"01:02:00"', id="time"),
        pytest.param(uuid.UUID(int=1), f'"{uuid.UUID(int=1)}"', id="uuid"),
        pytest.param(OrderedDict(a=None), '{"a":null}', id="subclass of dict"),
        pytest.param({"a": "null"}, '{"a":"null"}', id="the word null"),
        pytest.param(2**64 - 1, "18446744073709551615", id="64 bits"),
        pytest.param(-(2**63), "-9223372036854775808", id="64 bits, negative"),
        pytest.param([None, Fragment(b'{"a":1}')], '[null,{"a":1}]', id="fragment"),
    ],
)
def test_values_are_written_compactly(value: Any, text: str) -> None:
    assert dumps(value) == text.encode()
    assert dump_text(value) == text


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({1}, id="set"),
        pytest.param(b"x", id="bytes"),
        pytest.param(Decimal(1), id="decimal"),
        pytest.param(timedelta(1), id="timedelta"),
        pytest.param(object(), id="object"),
        pytest.param(Pair(1, 2), id="named tuple"),
        pytest.param(deque([1]), id="deque"),
        pytest.param({(1, 2): 3}, id="tuple key"),
        pytest.param({b"x": 3}, id="bytes key"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param({"\udfff": 1}, id="lone surrogate as key"),
        pytest.param(["x" * 100, "a\udc80b"], id="surrogate of a file name"),
        pytest.param(nested(300), id="300 deep"),
        pytest.param(nested(100_000), id="endlessly deep"),
    ],
)
def test_what_json_cannot_carry_is_refused(value: Any) -> None:
    with pytest.raises(CodecError, match=r"^[A-Z].*\.$"):
        dumps(value)


def test_a_value_in_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(CodecError):
        dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(NAN, id="alone"),
        pytest.param(math.inf, id="infinity"),
        pytest.param([-math.inf], id="in a list"),
        pytest.param((1, NAN), id="in a tuple"),
        pytest.param({"a": {"b": NAN}}, id="in a dict"),
        pytest.param({NAN: 1}, id="as a key"),
        pytest.param({1: NAN}, id="beside an odd key"),
        pytest.param(OrderedDict(a=NAN), id="in a subclass"),
        pytest.param(Plain(NAN), id="in a dataclass"),
        pytest.param(Slotted(NAN), id="in a slotted dataclass"),
        pytest.param([Plain(Slotted(NAN))], id="in a dataclass in a dataclass"),
        pytest.param(Colour.NOTHING, id="in an enum"),
        pytest.param([None, NAN], id="after a null"),
        pytest.param(nested(253, NAN), id="very deep"),
    ],
)
def test_what_is_no_number_is_refused_not_written_as_null(value: Any) -> None:
    with pytest.raises(CodecError, match="a number that JSON does not have"):
        dumps(value)


def test_an_attribute_added_to_a_dataclass_is_looked_at() -> None:
    value = Plain()
    value.late = NAN  # type: ignore[attr-defined]
    with pytest.raises(CodecError):
        dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({NAN}, id="set"),
        pytest.param(frozenset([NAN]), id="frozen set"),
        pytest.param(deque([NAN]), id="deque"),
    ],
)
def test_containers_of_other_writers_are_looked_into(value: Any) -> None:
    with pytest.raises(CodecError):
        refuse_non_finite(value)


@pytest.mark.parametrize(
    "value",
    [Plain, 1.5, "nan", None, object()],
    ids=["class", "number", "text", "none", "object"],
)
def test_nothing_is_found_where_nothing_is(value: Any) -> None:
    refuse_non_finite(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(2**64, "18446744073709551616", id="alone"),
        pytest.param(-(2**63) - 1, "-9223372036854775809", id="negative"),
        pytest.param({1: 2**70}, '{"1":1180591620717411303424}', id="beside an odd key"),
        pytest.param({2**70: 1}, '{"1180591620717411303424":1}', id="as a key"),
        pytest.param(Size.HUGE, "1180591620717411303424", id="as an enum of ints"),
        pytest.param(Colour.MANY, "1180591620717411303424", id="as an enum"),
        pytest.param([2**70, None, "é"], '[1180591620717411303424,null,"é"]', id="beside others"),
        pytest.param(Plain(2**70), '{"x":1180591620717411303424,"y":1}', id="in a dataclass"),
        pytest.param(Slotted(2**70), '{"x":1180591620717411303424,"y":1}', id="in slots"),
        pytest.param(
            [2**70, date(2026, 1, 2)], '[1180591620717411303424,"2026-01-02"]', id="beside a date"
        ),
        pytest.param([2**70, Fragment(b"1")], "[1180591620717411303424,1]", id="beside a fragment"),
    ],
)
def test_huge_integers_are_written_whole_with_a_warning(value: Any, text: str) -> None:
    with pytest.warns(UserWarning, match="servers round"):
        assert dumps(value) == text.encode()


@pytest.mark.filterwarnings("ignore:A JSON document holds an integer")
@pytest.mark.parametrize(
    "value",
    [
        pytest.param([2**70, NAN], id="NaN"),
        pytest.param([2**70, Plain(NAN)], id="NaN in a dataclass"),
        pytest.param([2**70, Colour.NOTHING], id="NaN in an enum"),
        pytest.param({2**70: 1, NAN: 2}, id="NaN as a key"),
        pytest.param([2**70, {1}], id="set"),
        pytest.param([2**70, "\ud800"], id="surrogate"),
        pytest.param({2**70: 1, (1, 2): 2}, id="tuple key"),
        pytest.param([10**5000], id="more digits than Python writes"),
    ],
)
def test_beside_huge_integers_nothing_else_slips_through(value: Any) -> None:
    with pytest.raises(CodecError):
        dumps(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(2**53, "9007199254740992", id="2^53"),
        pytest.param([-(2**53)], "[-9007199254740992]", id="negative"),
        pytest.param({1: 2**60}, '{"1":1152921504606846976}', id="beside an odd key"),
        pytest.param(
            [2**53, 2**70], "[9007199254740992,1180591620717411303424]", id="and a huge one"
        ),
    ],
)
def test_a_user_s_large_integers_warn_because_servers_round_them(value: Any, text: str) -> None:
    with pytest.warns(UserWarning, match="2\\^53"):
        fragment = embed(value)
    assert dumps(fragment) == text.encode()


def test_our_own_documents_may_hold_nanoseconds() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dumps({"a": 1735689600000000001}) == b'{"a":1735689600000000001}'


def test_integers_that_doubles_hold_do_not_warn() -> None:
    assert dumps(embed([2**53 - 1])) == b"[9007199254740991]"


def test_what_is_embedded_is_not_written_again() -> None:
    assert dumps({"data": embed({"a": [1, None]})}) == b'{"data":{"a":[1,null]}}'


def test_embedding_refuses_what_writing_refuses() -> None:
    with pytest.raises(CodecError):
        embed([NAN])


@pytest.mark.filterwarnings("ignore:A JSON document holds an integer")
def test_a_nan_beside_a_large_integer_is_refused() -> None:
    with pytest.raises(CodecError):
        embed({1: 2**53, 2: NAN})


def test_writing_and_reading_are_each_other_s_opposite() -> None:
    document = {"a": [1, 2.5, None, True, {"é": "\u2028"}], "": []}
    assert loads(dumps(document)) == document == json.loads(dumps(document))


LARGE = b'["' + b"x" * 100_000 + b'"]'


@pytest.mark.parametrize("collecting", [True, False], ids=["collecting", "not collecting"])
@pytest.mark.parametrize("text", [LARGE, LARGE[:-1]], ids=["good", "broken"])
def test_a_large_document_leaves_the_garbage_collector_as_it_was(
    text: bytes, *, collecting: bool
) -> None:
    was = gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    try:
        with suppress(CodecError):
            assert loads(text) == ["x" * 100_000]
        assert gc.isenabled() is collecting
    finally:
        (gc.enable if was else gc.disable)()


def test_a_large_document_is_parsed_without_collecting() -> None:
    collections = sum(one["collections"] for one in gc.get_stats())
    document = loads(b"[" + b",".join([b"[]"] * 50_000) + b"]")
    assert sum(one["collections"] for one in gc.get_stats()) - collections <= 1
    assert len(document) == 50_000
