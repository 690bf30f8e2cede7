"""The functions and methods an expression may call, by name; knows no syntax and reads no clock.

They are CEL's standard ones and the server's own (server-api.md 9): lowercase, uppercase,
b64decode, json_parse, date, now, now_plus, now_minus.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import re2  # type: ignore[import-untyped]

from inngest_asgi.dev.cel.values import (
    Int,
    Scope,
    TypeName,
    Uint,
    double_text,
    kind,
    whole,
)
from inngest_asgi.errors import CodecError
from inngest_asgi.wire.codec import loads
from inngest_asgi.wire.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?", re.ASCII)
_RFC3339 = re.compile(_LOCAL.pattern + r"(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_BOOLS = dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True) | dict.fromkeys(
    ("0", "f", "F", "false", "FALSE", "False"), False
)
_YEAR_2000, _SECONDS, _MILLISECONDS = 946_684_800, 9_999_999_999, 9_999_999_999_999


@dataclass(frozen=True, slots=True)
class Callee:
    """A function with the numbers of arguments it takes; a method's first one is its target."""

    call: Callable[..., Any]
    counts: tuple[int, ...] = (1,)


def _string(value: Any) -> str:
    if value.__class__ is not str:
        raise TypeError(value)
    return str(value)


def _lenient(value: Any) -> str:
    return value if value.__class__ is str else ""


def _size(_: Scope, value: Any) -> int:
    if kind(value) not in ("string", "bytes", "list", "map"):
        raise TypeError(value)
    return Int(len(value))


def _matches(_: Scope, text: Any, pattern: Any) -> bool:
    return _pattern(_string(pattern)).search(_string(text)) is not None


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(pattern) from error


def _to_int(_: Scope, value: Any) -> int:
    if value.__class__ is str and not _WHOLE.fullmatch(value):
        raise ValueError(value)
    return whole(Int, int(value.timestamp()) if kind(value) == "timestamp" else _truncated(value))


def _to_uint(_: Scope, value: Any) -> int:
    if value.__class__ is str and not _WHOLE.fullmatch(value):
        raise ValueError(value)
    return whole(Uint, _truncated(value))


def _truncated(value: Any) -> int:
    if kind(value) not in ("int", "uint", "double", "string"):
        raise TypeError(value)
    return int(value)


def _to_double(_: Scope, value: Any) -> float:
    if kind(value) not in ("int", "uint", "double", "string"):
        raise TypeError(value)
    if value.__class__ is str and ("_" in value or value != value.strip()):
        raise ValueError(value)
    return float(value)


def _to_bool(_: Scope, value: Any) -> bool:
    return value if value.__class__ is bool else _BOOLS[_string(value)]


def _to_string(_: Scope, value: Any) -> str:
    return _STRINGS[kind(value)](value)


_STRINGS: dict[str, Callable[[Any], str]] = {
    "string": str,
    "bool": lambda value: "true" if value else "false",
    "int": str,
    "uint": str,
    "double": double_text,
    "bytes": lambda value: str(value, "utf-8"),
    "timestamp": lambda value: value.isoformat().replace("+00:00", "Z"),
    "duration": lambda value: f"{double_text(value.total_seconds())}s",
}


def _to_bytes(_: Scope, value: Any) -> bytes:
    return value if value.__class__ is bytes else _string(value).encode()


def _to_timestamp(_: Scope, value: Any) -> datetime:
    if kind(value) == "timestamp":
        return value  # type: ignore[no-any-return]
    if value.__class__ is Int:
        return datetime.fromtimestamp(int(value), UTC)
    if not _RFC3339.fullmatch(_string(value)):
        raise ValueError(value)
    return _utc(datetime.fromisoformat(value))


def _to_duration(_: Scope, value: Any) -> timedelta:
    return value if kind(value) == "duration" else _duration(_string(value))


def _duration(text: str) -> timedelta:
    if text.startswith("-"):
        return -parse_duration(text[1:])
    return parse_duration(text.removeprefix("+"))


def _date(_: Scope, value: Any) -> datetime:
    if value.__class__ is Int:
        return _moment(int(value))
    if any(form.fullmatch(_string(value)) for form in (_RFC3339, _LOCAL, _DAY)):
        return _utc(datetime.fromisoformat(value))
    return _utc(parsedate_to_datetime(value))


def _moment(number: int) -> datetime:
    if number < _YEAR_2000:
        raise ValueError(number)
    scale = 1 if number < _SECONDS else 1_000 if number < _MILLISECONDS else 1_000_000_000
    return datetime.fromtimestamp(number / scale, UTC)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _now(scope: Scope, ahead: timedelta = timedelta(0)) -> datetime:
    return datetime.fromtimestamp(scope.now, UTC) + ahead


def _b64decode(_: Scope, value: Any) -> str:
    try:
        return base64.b64decode(_lenient(value), validate=True).decode(errors="replace")
    except binascii.Error:
        return ""


def _json_parse(_: Scope, value: Any) -> dict[str, Any]:
    try:
        parsed = loads(_lenient(value))
    except CodecError:
        return {}
    return parsed if parsed.__class__ is dict else {}


def _zone(name: str) -> tzinfo:
    if not (offset := _OFFSET.fullmatch(name)):
        return ZoneInfo(name)
    sign, hours, minutes = offset.groups()
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-ahead if sign == "-" else ahead)


def _part(of_moment: Callable[[datetime], int], seconds: float | None = None) -> Callee:
    """Make a getter: of a moment, in a time zone; of a duration too where `seconds` is its unit."""

    def get(_: Scope, value: Any, zone: Any = "UTC") -> int:
        if kind(value) == "timestamp":
            return Int(of_moment(value.astimezone(_zone(_string(zone)))))
        if kind(value) != "duration" or seconds is None:
            raise TypeError(value)
        return Int(int(value.total_seconds() / seconds))

    return Callee(get, (1, 2))


def _on_strings(test: Callable[[str, str], bool]) -> Callee:
    return Callee(lambda _, left, right: test(_string(left), _string(right)), (2,))


FUNCTIONS: dict[str, Callee] = {
    "size": Callee(_size),
    "matches": Callee(_matches, (2,)),
    "int": Callee(_to_int),
    "uint": Callee(_to_uint),
    "double": Callee(_to_double),
    "bool": Callee(_to_bool),
    "string": Callee(_to_string),
    "bytes": Callee(_to_bytes),
    "timestamp": Callee(_to_timestamp),
    "duration": Callee(_to_duration),
    "type": Callee(lambda _, value: TypeName(kind(value))),
    "dyn": Callee(lambda _, value: value),
    "lowercase": Callee(lambda _, value: _lenient(value).lower()),
    "uppercase": Callee(lambda _, value: _lenient(value).upper()),
    "b64decode": Callee(_b64decode),
    "json_parse": Callee(_json_parse),
    "date": Callee(_date),
    "now": Callee(_now, (0,)),
    "now_plus": Callee(lambda scope, ahead: _now(scope, _duration(_string(ahead)))),
    "now_minus": Callee(lambda scope, ago: _now(scope, -_duration(_string(ago)))),
}
"""Functions by name: `size(x)`."""

METHODS: dict[str, Callee] = {
    "size": Callee(_size),
    "matches": Callee(_matches, (2,)),
    "contains": _on_strings(lambda text, part: part in text),
    "startsWith": _on_strings(str.startswith),
    "endsWith": _on_strings(str.endswith),
    "getFullYear": _part(lambda moment: moment.year),
    "getMonth": _part(lambda moment: moment.month - 1),
    "getDate": _part(lambda moment: moment.day),
    "getDayOfMonth": _part(lambda moment: moment.day - 1),
    "getDayOfWeek": _part(lambda moment: moment.isoweekday() % 7),
    "getDayOfYear": _part(lambda moment: moment.timetuple().tm_yday - 1),
    "getHours": _part(lambda moment: moment.hour, 3600),
    "getMinutes": _part(lambda moment: moment.minute, 60),
    "getSeconds": _part(lambda moment: moment.second, 1),
    "getMilliseconds": _part(lambda moment: moment.microsecond // 1000, 0.001),
}
"""Methods by name: `x.size()`."""
