"""JSON, canonical JSON, durations and seeds, held against second implementations."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inngest_asgi.dev.moments import parse_moment, retry_after, sleep_seconds
from inngest_asgi.errors import CodecError, ConfigError
from inngest_asgi.wire.codec import canonical, dumps, embed, loads
from inngest_asgi.wire.durations import parse_duration, to_timedelta, wire_duration
from inngest_asgi.wire.events import make_seed, seeded_id
from tests.hardening.second_opinions import canonical_text, number_text, ulid
from tests.hardening.values import json_values, numbers, python_values, warnings_allowed

duration_texts = st.from_regex(r"([0-9]{1,4}(\.[0-9]{1,3})?(w|d|h|m|s|ms|us|ns| |x)){0,4}")
any_text = st.text(max_size=20)


@given(json_values)
def test_json_comes_back_as_it_went(value: Any) -> None:
    assert loads(dumps(value)) == value
    assert json.loads(dumps(value)) == value


@given(python_values)
def test_anything_is_written_as_json_or_refused(value: Any) -> None:
    for write in (dumps, embed):
        with warnings_allowed():
            try:
                text = dumps(write(value))
            except CodecError:
                continue
        json.loads(text, parse_constant=pytest.fail)


@given(st.binary(max_size=60) | json_values.map(lambda one: json.dumps(one).encode()[:-1]))
def test_any_bytes_are_read_as_json_or_refused(data: bytes) -> None:
    for read in (loads, canonical):
        try:
            read(data)
        except CodecError as error:
            assert str(error).endswith(".")


@given(json_values, st.booleans())
def test_the_canonical_form_is_that_of_a_second_implementation(
    value: Any,
    ascii_only: bool,  # noqa: FBT001
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=1).encode()
    assert canonical(text).decode() == canonical_text(value)
    assert canonical(canonical(text)) == canonical(text)


@given(numbers | st.integers())
@example(1e21)
@example(1e-7)
@example(123456789012345680000.0)
@example(-0.0)
@example(5e-324)
def test_numbers_are_written_as_ecmascript_writes_them(number: float) -> None:
    if abs(number) < 1e308:
        assert canonical(json.dumps(number).encode()).decode() == number_text(float(number))


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=20_000)))
def test_a_duration_comes_back_to_the_millisecond(duration: timedelta) -> None:
    milliseconds = duration // timedelta(milliseconds=1)
    for largest in ("w", "h"):
        text = wire_duration(duration, field="x", largest=largest)
        assert parse_duration(text) == timedelta(milliseconds=milliseconds)


@given(duration_texts | any_text)
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        assert to_timedelta(text, field="x") >= timedelta(0)
    except ConfigError as error:
        assert str(error).startswith("x: ")


@given(st.integers() | st.timedeltas())
def test_any_number_is_a_duration_or_refused(duration: int | timedelta) -> None:
    with warnings_allowed():
        try:
            text = wire_duration(duration, field="x")
        except ConfigError:
            return
    assert parse_duration(text) >= timedelta(0)


@given(duration_texts | any_text | st.datetimes().map(str) | st.dates().map(str))
def test_any_text_is_a_time_to_sleep_or_refused(text: str) -> None:
    parse_moment(text)
    retry_after(text, 0.0)
    try:
        assert sleep_seconds(text, 0.0) >= 0
    except ValueError as error:
        assert "duration" in str(error)


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10), st.integers(0, 5000))
def test_seeds_give_the_ids_of_a_second_implementation(
    milliseconds: int, entropy: bytes, index: int
) -> None:
    tail = (int.from_bytes(entropy[6:], "big") + index) % 2**32
    expected = ulid(milliseconds, entropy[:6] + tail.to_bytes(4, "big"))
    assert seeded_id(make_seed(milliseconds, entropy), index) == expected


@given(any_text | st.from_regex(r"[0-9]{0,20},[A-Za-z0-9+/]{12,15}={0,2}"), st.integers(0, 10))
def test_any_text_is_a_seed_or_ignored(text: str, index: int) -> None:
    found = seeded_id(text, index)
    assert found is None or len(found) == 26
