"""Dates and durations as SDKs write them."""

from __future__ import annotations

import pytest

from inngest_asgi.dev.moments import parse_moment, retry_after, sleep_seconds

NOW = 1_735_689_600.0  # 2025-01-01T00:00:00Z


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-01T01:00:00Z",
        "2025-01-01T01:00:00.000Z",
        "2025-01-01T02:00:00+01:00",
        "2025-01-01T01:00:00",
        "Wed, 01 Jan 2025 01:00:00 GMT",
        "Wednesday, 01-Jan-25 01:00:00 GMT",
        "Wed Jan  1 01:00:00 2025",
        "01 Jan 25 01:00 UTC",
    ],
)
def test_dates(text: str) -> None:
    assert parse_moment(text) == NOW + 3600


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "1h30m", "2025-13-01", "99", "Mon, 01 Jan 99999999999 00:00:00 GMT"),
        "Wed, 01 Jan 2025 00:00:00 +99999999999999999999",
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert parse_moment(text) is None


def test_a_day_alone_is_its_first_moment() -> None:
    assert parse_moment("2025-01-01") == NOW


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        (" 5 ", 5),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("99999999", None),
        ("2025-01-01T00:01:00Z", 60),
        ("2024-12-31T23:59:00Z", -60),
        ("whenever it suits", None),
        ("", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0),
        ("2s", 2),
        ("1h30m", 5400),
        ("100000000ms", 100_000),
        ("2025-01-01T00:00:10.400Z", 10),
        ("2024-01-01T00:00:00Z", 0),
    ],
)
def test_sleeps(text: str, seconds: float) -> None:
    assert sleep_seconds(text, NOW) == seconds


def test_a_sleep_for_no_readable_time() -> None:
    with pytest.raises(ValueError, match="not a duration"):
        sleep_seconds("a while, perhaps", NOW)
