"""Expressions: functions, time and keys."""

from __future__ import annotations

import pytest

from tests.dev.cel.test_expressions import key, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("int(1.9)", 1, id="int-truncates"),
        pytest.param("int('-12')", -12, id="int-of-text"),
        pytest.param("int('1_0')", None, id="int-of-odd-text"),
        pytest.param("int(1e300)", None, id="int-of-too-much"),
        pytest.param("int(true)", None, id="int-of-bool"),
        pytest.param("int(timestamp('2026-01-02T03:04:05Z'))", 1767323045, id="int-of-time"),
        pytest.param("uint(2.5) == 2u", True, id="uint"),
        pytest.param("uint('x')", None, id="uint-of-odd-text"),
        pytest.param("uint(-1)", None, id="uint-negative"),
        pytest.param("double('1.5')", 1.5, id="double"),
        pytest.param("double(' 1')", None, id="double-of-odd-text"),
        pytest.param("double(true)", None, id="double-of-bool"),
        pytest.param("bool('true') && bool(true)", True, id="bool"),
        pytest.param("bool('yes')", None, id="bool-of-odd-text"),
        pytest.param("string(true) + string(false) + string('x')", "truefalsex", id="string"),
        pytest.param("string(1u) + string(2) + string(1e21)", "12" + "1" + "0" * 21, id="numbers"),
        pytest.param("string(1.0/0.0) + string(-1.0/0.0)", "+Inf-Inf", id="infinite"),
        pytest.param("string(0.0/0.0)", "NaN", id="nan"),
        pytest.param("string(b'ab')", "ab", id="string-of-bytes"),
        pytest.param("string(b'\\xff')", None, id="string-of-odd-bytes"),
        pytest.param("string([1])", None, id="string-of-a-list"),
        pytest.param("string(date('2026-01-02'))", "2026-01-02T00:00:00Z", id="string-of-time"),
        pytest.param("string(duration('1m30s'))", "90s", id="string-of-duration"),
        pytest.param("bytes('é') == bytes(b'\\xc3\\xa9')", True, id="bytes"),
        pytest.param("size(b'abc') + size({}) + size('')", 3, id="sizes"),
        pytest.param("size(1)", None, id="size-of-a-number"),
        pytest.param("matches('abc', 'b') && !'abc'.matches('^b')", True, id="matches"),
        pytest.param("'abc'.matches('(')", None, id="matches-odd-pattern"),
        pytest.param("'abc'.contains(1)", None, id="contains-a-number"),
        pytest.param("lowercase(5)", "", id="lowercase-of-a-number"),
        pytest.param("b64decode('!')", "", id="b64decode-odd"),
        pytest.param("json_parse('[1]')", {}, id="json-list"),
        pytest.param("json_parse('{')", {}, id="json-broken"),
        pytest.param("json_parse('{}').no", None, id="json-missing"),
    ],
)
def test_functions(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("date('2026-01-02T03:04:05')", "2026-01-02T03:04:05Z", id="local"),
        pytest.param(
            "date('2026-01-02T03:04:05.5+01:00')", "2026-01-02T02:04:05.500000Z", id="iso"
        ),
        pytest.param("date('Fri, 02 Jan 2026 03:04:05 GMT')", "2026-01-02T03:04:05Z", id="rfc1123"),
        pytest.param("date('today')", None, id="not-a-date"),
        pytest.param("date(1767323045)", "2026-01-02T03:04:05Z", id="seconds"),
        pytest.param("date(1767323045000)", "2026-01-02T03:04:05Z", id="milliseconds"),
        pytest.param("date(1767323045000000000)", "2026-01-02T03:04:05Z", id="nanoseconds"),
        pytest.param("date(5)", None, id="too-old"),
        pytest.param("date(1.5)", None, id="double"),
        pytest.param("timestamp(timestamp(0))", "1970-01-01T00:00:00Z", id="timestamp"),
        pytest.param("timestamp('2026-01-02')", None, id="timestamp-of-a-day"),
        pytest.param("now()", "2026-05-28T20:26:40Z", id="now"),
        pytest.param("now_plus('1d')", "2026-05-29T20:26:40Z", id="now-plus"),
        pytest.param("now_minus('1h30m')", "2026-05-28T18:56:40Z", id="now-minus"),
        pytest.param("now_plus('soon')", None, id="now-plus-odd"),
        pytest.param("now() + duration('-20s')", "2026-05-28T20:26:20Z", id="plus-duration"),
        pytest.param("duration('+20s') + now()", "2026-05-28T20:27:00Z", id="duration-plus"),
        pytest.param("now() - duration(duration('40s'))", "2026-05-28T20:26:00Z", id="minus"),
        pytest.param("now() - now_minus('2m')", "120s", id="difference"),
        pytest.param("duration('2s') - duration('1s')", "1s", id="durations"),
        pytest.param("duration('2s') + duration('1s')", "3s", id="durations-plus"),
        pytest.param("now() + now()", None, id="sum-of-moments"),
        pytest.param("now_plus('999999d') + duration('9999999d')", None, id="too-far"),
    ],
)
def test_time(text: str, expected: object) -> None:
    assert value(f"string({text})") == expected or (expected is None and value(text) is None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("getFullYear()", 2026, id="year"),
        pytest.param("getMonth()", 0, id="month"),
        pytest.param("getDate()", 2, id="date"),
        pytest.param("getDayOfMonth()", 1, id="day-of-month"),
        pytest.param("getDayOfWeek()", 5, id="day-of-week"),
        pytest.param("getDayOfYear()", 1, id="day-of-year"),
        pytest.param("getHours()", 3, id="hours"),
        pytest.param("getHours('Europe/Paris')", 4, id="zone"),
        pytest.param("getHours('-01:30')", 1, id="offset-behind"),
        pytest.param("getHours('05:30')", 8, id="offset-ahead"),
        pytest.param("getHours('Nowhere')", None, id="no-such-zone"),
        pytest.param("getHours('Europe')", None, id="zone-is-a-folder"),
        pytest.param("getMinutes()", 4, id="minutes"),
        pytest.param("getSeconds()", 5, id="seconds"),
        pytest.param("getMilliseconds()", 250, id="milliseconds"),
    ],
)
def test_parts_of_a_moment(text: str, expected: object) -> None:
    assert value(f"timestamp('2026-01-02T03:04:05.250Z').{text}") == expected


def test_parts_of_a_duration() -> None:
    assert value("duration('90m').getMinutes()") == 90
    assert value("duration('90m').getHours()") == 1
    assert value("duration('90m').getMonth()") is None
    assert value("'90m'.getHours()") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("event.data.s", "u-1", id="string"),
        pytest.param("event.data.n", "42", id="number"),
        pytest.param("event.data.n / 8.0", "5.25", id="fraction"),
        pytest.param("event.data.n * 1000000.0", "4.2e+07", id="large"),
        pytest.param("event.data.n / 100000000.0", "4.2e-07", id="small"),
        pytest.param("1000000", "1000000", id="int"),
        pytest.param("event.data.n * 0.0", "0", id="zero"),
        pytest.param("1.0 / 0.0", "+Inf", id="infinite"),
        pytest.param("event.data.n == 42", "true", id="true"),
        pytest.param("event.data.no", "false", id="missing"),
        pytest.param("event.data.nul", "NULL_VALUE", id="null"),
        pytest.param("event.data.m", "map[a:1 b:[x <nil> false]]", id="map"),
        pytest.param("b'ab'", "[97 98]", id="bytes"),
        pytest.param("date('2026-01-02')", "2026-01-02 00:00:00 +0000 UTC", id="time"),
        pytest.param("duration('90s')", "90s", id="duration"),
        pytest.param("type(1u) == uint ? uint : int", "uint", id="type"),
        pytest.param("event.data.s + '-' + event.data.n", "u-1-42", id="joined"),
        pytest.param("1 / 0", None, id="error"),
    ],
)
def test_keys(text: str, expected: object) -> None:
    data = {"s": "u-1", "n": 42, "nul": None, "m": {"b": ["x", None, False], "a": 1}}
    assert key(text, **data) == expected
