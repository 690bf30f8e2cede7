"""What expressions are seen to read, and that what they do not read makes no difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inngest_asgi.dev.cel.expressions import compile_expression, view
from inngest_asgi.dev.cel.reads import Equality, comparable, field_of, part_of, reads

NOW = 1_780_000_000.0
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "expressions.json").read_text())
WHOLE: dict[str, Any] = VECTORS["event"]
ACCEPTED = [case["expression"] for case in VECTORS["cases"] if isinstance(case["result"], bool)]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("event.data.id == async.data.id", {("data", "id")}),
        (".event.data.id == 1", {("data", "id")}),
        ("event.data['a b'] == 'x' && event.ts > 1", {("data", "a b"), ("ts",)}),
        ("has(event.data.id)", {("data", "id")}),
        ("event.name.startsWith('shop/')", {("name",)}),
        ("event.data.items.exists(x, x == async.data.id)", {("data", "items")}),
        ("event.data.items[event.data.n] == 1", {("data", "items"), ("data", "n")}),
        ("lowercase(event.data.id) == 'x'", {("data", "id")}),
        ("event == async", {()}),
        ("async.data.id == 'x'", set()),
        ("'event.data.id' == async.data.id", set()),
        ("true ? event.data.a == 1 : event.data.b == 2", {("data", "a"), ("data", "b")}),
    ],
)
def test_which_fields_of_the_own_event_are_read(text: str, paths: set[Any]) -> None:
    compile_expression(text)
    assert reads(text).own == paths


ID = ("data", "id")


@pytest.mark.parametrize(
    ("text", "equality"),
    [
        ("event.data.id == async.data.id", Equality(ID, own=ID)),
        ("async.data.id == event.data.id", Equality(ID, own=ID)),
        ("async.data['id'] == 'x'", Equality(ID, value="x")),
        ("'x' == async.data.id", Equality(ID, value="x")),
        ("event.data.n > 1.0 && async.data.id == 'x'", Equality(ID, value="x")),
        ("(async.data.id == 'x' && true) && event.data.n > 1.0", Equality(ID, value="x")),
        ("async.data.id == 'x' || true", None),
        ("!(async.data.id == 'x')", None),
        ("async.data.id != 'x'", None),
        ("async.data.id == 1", Equality(ID, value=1)),
        ("async.data.id == 1.5", Equality(ID, value=1.5)),
        ("async.data.id == true", None),
        ("async.data.id == null", None),
        ("async.data.id == -1", Equality(ID, value=-1)),
        ("async.data.id == async.data.other", None),
        ("event.data.id == 'x'", None),
        ("async.data.items[0] == 'x'", None),
        ("event.data.items.exists(x, x == async.data.id)", None),
    ],
)
def test_which_equality_must_hold(text: str, equality: Equality | None) -> None:
    compile_expression(text)
    assert reads(text).equality == equality


EVENT: dict[str, Any] = {
    "name": "a",
    "id": "E",
    "ts": 1,
    "user": {},
    "data": {"id": 7, "deep": {"x": 1, "y": [1, {"z": 2}]}, "big": "x" * 100, "text": "t"},
}


@pytest.mark.parametrize(
    ("paths", "part"),
    [
        (set(), {}),
        ({("data", "id")}, {"data": {"id": 7}}),
        ({("data", "id"), ("ts",)}, {"data": {"id": 7}, "ts": 1}),
        ({("data", "deep", "x"), ("data", "deep", "y")}, {"data": {"deep": EVENT["data"]["deep"]}}),
        ({("data", "deep"), ("data", "deep", "x")}, {"data": {"deep": EVENT["data"]["deep"]}}),
        ({("data", "missing"), ("data", "gone", "x")}, {"data": {}}),
        ({("data", "text", "x")}, {"data": {"text": "t"}}),
        ({("name", "x"), ()}, EVENT),
    ],
    ids=["nothing", "one", "two", "siblings", "whole-first", "missing", "text", "all"],
)
def test_a_part_of_an_event_has_its_fields_where_they_are(paths: set[Any], part: Any) -> None:
    assert part_of(EVENT, paths) == part


def test_taking_a_part_does_not_change_the_event() -> None:
    before = json.dumps(EVENT)
    part = part_of(EVENT, {("data", "deep"), ("data", "deep", "x"), ("data", "deep", "new")})
    assert part == {"data": {"deep": EVENT["data"]["deep"]}}
    assert json.dumps(EVENT) == before


@pytest.mark.parametrize(
    ("path", "value"),
    [(("data", "id"), 7), (("data", "id", "x"), None), (("data", "no", "x"), None), ((), EVENT)],
    ids=["there", "inside-a-number", "missing", "all"],
)
def test_fields_are_found_by_their_path(path: tuple[str, ...], value: Any) -> None:
    assert field_of(EVENT, path) == value


@pytest.mark.parametrize(
    ("value", "same"),
    [
        ("x", "x"),
        (7, 7.0),
        (7.5, 7.5),
        (2**53 + 1, float(2**53)),
        (True, None),
        (None, None),
        ([7], None),
        (10**400, None),
    ],
    ids=["text", "whole", "double", "rounded", "bool", "null", "list", "too-large"],
)
def test_what_is_compared_with_what_an_event_holds(value: Any, same: str | float | None) -> None:
    assert comparable(value) == same


@pytest.mark.parametrize("text", ACCEPTED)
def test_the_part_that_is_read_decides_as_the_whole_event_does(text: str) -> None:
    part = part_of(view(WHOLE), reads(text).own)
    expression = compile_expression(text)
    assert expression.matches(part, now=NOW) == expression.matches(WHOLE, now=NOW)


@pytest.mark.parametrize("text", ACCEPTED)
def test_no_event_matches_without_the_equality_that_must_hold(text: str) -> None:
    swapped = text.replace("event.", "async.")
    equality = reads(swapped).equality
    if equality is None:
        return
    holds = comparable(field_of(view(WHOLE), equality.other)) == equality.demand({})
    assert holds or not compile_expression(swapped).matches({}, other=WHOLE, now=NOW)


def test_enough_expressions_have_an_equality_to_try_them() -> None:
    swapped = [reads(text.replace("event.", "async.")) for text in ACCEPTED]
    assert sum(one.equality is not None for one in swapped) >= 10
