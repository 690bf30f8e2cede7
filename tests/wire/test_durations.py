"""Durations and moments, read from users and written for servers."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from inngest_asgi.errors import ConfigError
from inngest_asgi.wire.durations import parse_duration, to_timedelta, wire_duration, wire_moment


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("90s", timedelta(seconds=90), id="one unit"),
        pytest.param("1h30m", timedelta(minutes=90), id="two units"),
        pytest.param("1w2d3h4m5s6ms7us", timedelta(9, 11045, 6007), id="all units"),
        pytest.param("1.5h", timedelta(minutes=90), id="fraction"),
        pytest.param("0.25d0.5h", timedelta(hours=6.5), id="fractions"),
        pytest.param("1m1m", timedelta(minutes=2), id="a unit twice"),
        pytest.param("5s1h", timedelta(seconds=3605), id="small before large"),
        pytest.param("2000ns", timedelta(microseconds=2), id="nanoseconds"),
        pytest.param("3\u00b5s", timedelta(microseconds=3), id="micro sign"),
        pytest.param("3\u03bcs", timedelta(microseconds=3), id="Greek mu"),
        pytest.param("0s", timedelta(0), id="zero"),
        pytest.param("007s", timedelta(seconds=7), id="leading zeros"),
    ],
)
def test_durations_are_read(text: str, value: timedelta) -> None:
    assert parse_duration(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1",
        "s",
        "1 s",
        "1s ",
        " 1s",
        "1s\n",
        "-1s",
        "+1s",
        "1h-30m",
        "1H",
        "1y",
        "1mo",
        "1e3s",
        ".5s",
        "1.s",
        "1..5s",
        "1,5s",
        "infs",
        "nans",
        "0x1s",
        "1_000s",
        "\u0663s",
        "P1D",
        "1:30",
        "1h30",
        "\ud800",
    ],
    ids=ascii,
)
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text", ["142857143w", "9" * 400 + "s", "9" * 100_000 + "ns"], ids=["close", "far", "very far"]
)
def test_endless_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longer than any duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        pytest.param(timedelta(hours=1), timedelta(hours=1), id="timedelta"),
        pytest.param("1h", timedelta(hours=1), id="text"),
        pytest.param(1500, timedelta(seconds=1.5), id="milliseconds"),
        pytest.param(0, timedelta(0), id="zero"),
    ],
)
def test_users_have_three_ways_to_say_it(given: Any, value: timedelta) -> None:
    assert to_timedelta(given, field="sleep") == value


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(None, "None is not a duration; pass a timedelta", id="none"),
        pytest.param(True, "True is not a duration; pass a timedelta", id="bool"),
        pytest.param(1.5, "1.5 is not a duration; pass a timedelta", id="float"),
        pytest.param(b"1s", "pass a timedelta", id="bytes"),
        pytest.param("soon", "'soon' is not a duration; write one such as", id="text"),
        pytest.param(-1, "cannot be negative, got -1", id="negative"),
        pytest.param(timedelta(-1), "cannot be negative", id="negative timedelta"),
        pytest.param(10**30, "longer than any duration", id="huge"),
        pytest.param(-(10**30), "longer than any duration", id="huge and negative"),
        pytest.param("9999999999w", "longer than any duration", id="huge text"),
    ],
)
def test_a_bad_duration_is_a_sentence_that_names_the_field(given: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        to_timedelta(given, field="throttle.period")
    message = str(caught.value)
    assert message.startswith("throttle.period: ")
    assert said in message


@pytest.mark.parametrize(
    ("given", "largest", "text"),
    [
        pytest.param(0, "w", "0s", id="zero"),
        pytest.param(1000, "w", "1s", id="second"),
        pytest.param(1500, "w", "1s500ms", id="parts of a second"),
        pytest.param("90m", "w", "1h30m", id="greatest units first"),
        pytest.param(timedelta(days=8, hours=1), "w", "1w1d1h", id="weeks"),
        pytest.param(timedelta(days=8, hours=1), "h", "193h", id="hours at most"),
        pytest.param(
            timedelta(seconds=1, microseconds=999), "w", "1s", id="parts of a millisecond"
        ),
        pytest.param(timedelta.max, "w", "142857142w5d23h59m59s999ms", id="longest"),
    ],
)
def test_durations_are_written(given: Any, largest: str, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert wire_duration(given, field="sleep", largest=largest) == text


@pytest.mark.parametrize("given", [1, 999, "1us", timedelta(microseconds=1)], ids=repr)
def test_less_than_a_second_is_rounded_up_with_a_warning(given: Any) -> None:
    with pytest.warns(UserWarning, match="^sleep: .* is rounded up to one second") as caught:
        assert wire_duration(given, field="sleep") == "1s"
    assert len(caught) == 1


@pytest.mark.parametrize("given", ["1w2d3h4m5s6ms", "59m", "1s1ms"], ids=str)
def test_what_is_written_reads_as_the_same(given: str) -> None:
    assert wire_duration(given, field="sleep") == given
    assert parse_duration(wire_duration(given, field="sleep", largest="h")) == parse_duration(given)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        pytest.param(
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000Z", id="UTC"
        ),
        pytest.param(
            datetime(2026, 1, 2, 3, 4, 5, 999999, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "2026-01-01T21:34:05.999Z",
            id="elsewhere",
        ),
        pytest.param(datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z", id="first"),
        pytest.param(datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59.999Z", id="last"),
    ],
)
def test_moments_are_written_in_utc(moment: datetime, text: str) -> None:
    assert wire_moment(moment, field="until") == text


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        pytest.param(datetime(2026, 1, 2), "has no time zone", id="naive"),  # noqa: DTZ001
        pytest.param(date(2026, 1, 2), "is not a datetime", id="date"),
        pytest.param("2026-01-02", "is not a datetime", id="text"),
        pytest.param(None, "is not a datetime", id="none"),
        pytest.param(
            datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
            "outside the years",
            id="late",
        ),
        pytest.param(
            datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "outside the years", id="early"
        ),
    ],
)
def test_a_bad_moment_is_a_sentence_that_names_the_field(moment: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=f"^until: .*{said}"):
        wire_moment(moment, field="until")
