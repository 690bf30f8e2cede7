"""Reads moments and durations as SDKs write them; the current time is an argument."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from inngest_asgi.wire.durations import parse_duration

_SHORTEST_DATE = 10
_LONGEST_SECONDS = 7


def parse_moment(text: str) -> float | None:
    """Return a date's Unix seconds, UTC where it names no zone; None when it is not a date."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text.strip())
        except (ValueError, OverflowError):
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def retry_after(text: str, now: float) -> float | None:
    """Return the seconds a Retry-After header asks for; None when it says nothing (http.md 12)."""
    text = text.strip()
    if len(text) <= _LONGEST_SECONDS and text.isascii() and text.isdigit() and int(text) > 0:
        return float(text)
    moment = parse_moment(text) if len(text) > _LONGEST_SECONDS else None
    return None if moment is None else moment - now


def sleep_seconds(text: str, now: float) -> float:
    """Return how long a sleep lasts: a date's remaining time, or a duration (steps.md 4.2).

    Raises:
        ValueError: it is neither; the message says so.
    """
    if not text:
        return 0.0
    moment = parse_moment(text) if len(text) >= _SHORTEST_DATE else None
    if moment is not None:
        return max(float(round(moment - now)), 0.0)
    return parse_duration(text).total_seconds()
