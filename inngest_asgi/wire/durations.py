"""Durations and moments as the wire writes them (steps.md 10, http.md 8); reads no clock."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, datetime, timedelta

from inngest_asgi.errors import ConfigError

Duration = timedelta | str | int
"""A `timedelta`, a string such as "1h30m", or int milliseconds."""

_MICROSECONDS = {
    "w": 604_800_000_000,
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "m": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
    "us": 1,
    "\u00b5s": 1,  # micro sign
    "\u03bcs": 1,  # Greek mu
    "ns": 0.001,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|us|\u00b5s|\u03bcs|ns|w|d|h|m|s)")
_WHOLE = re.compile(f"(?:{_PART.pattern})+")
_SECOND = timedelta(seconds=1)


def parse_duration(text: str) -> timedelta:
    """Read a duration string: numbers with the units w, d, h, m, s, ms, us, ns, put together.

    Raises:
        ValueError: it is not such a string, or longer than a `timedelta` can be.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration; write one such as '90s' or '1h30m'")
    total = sum(float(number) * _MICROSECONDS[unit] for number, unit in _PART.findall(text))
    try:
        return timedelta(microseconds=total)
    except OverflowError:
        raise _too_long(text) from None


def to_timedelta(duration: Duration, *, field: str) -> timedelta:
    """Turn what a user may give for a duration into a `timedelta`.

    Args:
        duration: a `timedelta`, a string such as "1h30m", or int milliseconds.
        field: what it is for, named in the error.

    Raises:
        ConfigError: it is none of these, or negative.
    """
    if isinstance(duration, bool) or not isinstance(duration, timedelta | str | int):
        raise ConfigError(
            f"{field}: {duration!r} is not a duration; "
            "pass a timedelta, a string such as '1h30m', or int milliseconds."
        )
    try:
        value = _read(duration)
    except ValueError as error:
        raise ConfigError(f"{field}: {error}.") from None
    if value < timedelta(0):
        raise ConfigError(f"{field}: a duration cannot be negative, got {duration!r}.")
    return value


def wire_duration(duration: Duration, *, field: str, largest: str = "w") -> str:
    """Write a duration for the wire, greatest units first: "1h30m".

    Anything between zero and one second becomes "1s" with one warning, because servers count
    in seconds; parts of a millisecond are dropped.

    Args:
        duration: a `timedelta`, a string, or int milliseconds.
        field: what it is for, named in errors and warnings.
        largest: the largest unit to use; "h" where a server reads Go durations only.

    Raises:
        ConfigError: see `to_timedelta`.
    """
    value = to_timedelta(duration, field=field)
    if timedelta(0) < value < _SECOND:
        warnings.warn(f"{field}: {duration!r} is rounded up to one second.", stacklevel=3)
        value = _SECOND
    return _format(value, largest)


def wire_moment(moment: datetime, *, field: str) -> str:
    """Write a moment for the wire: ISO 8601 in UTC with milliseconds, "2026-01-02T03:04:05.000Z".

    Raises:
        ConfigError: it is not a `datetime`, has no time zone, or lies outside the years 1 to 9999.
    """
    if not isinstance(moment, datetime):
        raise ConfigError(f"{field}: {moment!r} is not a datetime.")
    if moment.tzinfo is None:
        raise ConfigError(
            f"{field}: {moment!r} has no time zone; "
            "use datetime.now(timezone.utc) or .astimezone()."
        )
    try:
        text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    except OverflowError:
        raise ConfigError(f"{field}: {moment!r} lies outside the years 1 to 9999.") from None
    return text.replace("+00:00", "Z")


def _read(duration: Duration) -> timedelta:
    if isinstance(duration, timedelta):
        return duration
    if isinstance(duration, str):
        return parse_duration(duration)
    try:
        return timedelta(milliseconds=duration)
    except OverflowError:
        raise _too_long(duration) from None


def _too_long(duration: Duration) -> ValueError:
    return ValueError(f"{duration!r} is longer than any duration can be")


def _format(value: timedelta, largest: str) -> str:
    rest = value // timedelta(milliseconds=1)
    units = ["w", "d", "h", "m", "s", "ms"]
    parts = []
    for unit in units[units.index(largest) :]:
        count, rest = divmod(rest, int(_MICROSECONDS[unit]) // 1000)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
