"""Checks of single values: what they return, and the sentence of a refusal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions import checks

LONGEST = "x" * 255


@pytest.mark.parametrize("value", ["pay", "größe", "a b", "👨\u200d👩\u200d👧", LONGEST])
def test_text_returns_what_may_stand_in_one_line(value: str) -> None:
    assert checks.text(value, "field") == value


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        pytest.param(5, "field is 5; pass a string.", id="number"),
        pytest.param("", "field is empty; pass a string that says something.", id="empty"),
        pytest.param("  ", "field is empty; pass a string that says something.", id="blank"),
        pytest.param(" pay", "field is ' pay'; remove the white space around it.", id="space"),
        pytest.param("a\nb", r"field is 'a\nb'; remove its control characters.", id="line-break"),
        pytest.param("\ud800", r"field is '\ud800'; remove its control characters.", id="half"),
        pytest.param(LONGEST + "x", "field has 256 characters; 255 are allowed.", id="long"),
    ],
)
def test_text_refuses(value: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        checks.text(value, "field")
    assert str(raised.value) == sentence


@pytest.mark.parametrize("value", [None, "event.data.id", "event.data.a &&\n\tevent.data.b"])
def test_expression_returns_what_only_a_server_can_judge(value: str | None) -> None:
    assert checks.expression(value, "field") == value


@pytest.mark.parametrize("value", ["", " ", 5, "'\ud800'"], ids=["empty", "blank", "int", "half"])
def test_expression_refuses(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^field is .*; pass a CEL expression such as"):
        checks.expression(value, "field")


@pytest.mark.parametrize("value", [0, 7, 20])
def test_whole_returns_numbers_within_bounds(value: int) -> None:
    assert checks.whole(value, "field", least=0, most=20) == value


@pytest.mark.parametrize("value", [-1, 21, 1.0, "1", True, None])
def test_whole_refuses(value: Any) -> None:
    with pytest.raises(ConfigError) as raised:
        checks.whole(value, "field", least=0, most=20)
    assert str(raised.value) == f"field is {value!r}; pass a whole number from 0 to 20."


def test_whole_without_upper_bound_names_the_lower_one() -> None:
    with pytest.raises(ConfigError, match="of at least 2"):
        checks.whole(1, "field", least=2)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(90_000, "1m30s", id="milliseconds"),
        pytest.param("24h", "1d", id="text"),
        pytest.param(timedelta(weeks=1), "1w", id="timedelta"),
    ],
)
def test_period_is_written_for_the_wire(
    value: timedelta | str | int | None, written: str | None
) -> None:
    assert checks.period(value, "field", most=timedelta(days=7)) == written


def test_period_below_one_second_is_rounded_up_with_one_warning() -> None:
    with pytest.warns(UserWarning, match="field: 20 is rounded up") as warned:
        assert checks.period(20, "field") == "1s"
    assert len(warned) == 1


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        pytest.param(0, "field is 0; pass a duration of at least one second.", id="zero"),
        pytest.param("8d", "field is '8d'; the longest allowed is 1w.", id="too-long"),
        pytest.param(-5, "field: a duration cannot be negative, got -5.", id="negative"),
        pytest.param(
            "soon",
            "field: 'soon' is not a duration; write one such as '90s' or '1h30m'.",
            id="no-duration",
        ),
        pytest.param(
            1.5,
            "field: 1.5 is not a duration; "
            "pass a timedelta, a string such as '1h30m', or int milliseconds.",
            id="float",
        ),
    ],
)
def test_period_refuses(value: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        checks.period(value, "field", most=timedelta(days=7))
    assert str(raised.value) == sentence


def test_listed_names_each_item_of_a_list() -> None:
    assert checks.listed(["a", "b"], "field", most=2) == [("a", "field[0]"), ("b", "field[1]")]


def test_listed_takes_a_single_item() -> None:
    assert checks.listed("a", "field", most=2) == [("a", "field")]


def test_listed_refuses_too_many() -> None:
    with pytest.raises(ConfigError, match=r"^field has 3 entries; at most 2 are allowed\.$"):
        checks.listed((1, 2, 3), "field", most=2)


def test_of_kind_refuses_another_kind() -> None:
    with pytest.raises(ConfigError, match=r"^field is 5; pass str\(\.\.\.\)\.$"):
        checks.of_kind(5, str, "field")


def test_present_drops_nulls_but_no_zeros() -> None:
    assert checks.present({"a": None, "b": 0, "c": ""}) == {"b": 0, "c": ""}
