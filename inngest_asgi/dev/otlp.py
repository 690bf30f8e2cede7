"""Reads the spans that user code exports by OTLP, as JSON or protobuf, and writes the answer.

Only what a timeline shows is read. Protobuf needs no library for that: a message is a list of
numbered fields, and the few that matter are named here.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inngest_asgi.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

WHY_REJECTED = "Spans need inngest.traceref, and a run that is known and has room for them."

_NANO = 1e9
_ERROR_CODES = (2, "STATUS_CODE_ERROR")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class ExportedSpan:
    """A span of user code; `attributes` hold those of what it comes from, too."""

    id: str
    parent_id: str
    name: str
    start: float
    end: float
    error: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def read_json(document: Any) -> list[ExportedSpan]:
    """Read the spans of a request in JSON.

    Raises:
        RequestError: it is none (400).
    """
    try:
        return list(_json_spans(document))
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise _refused(f"{type(error).__name__}: {error}") from None


def read_protobuf(body: bytes) -> list[ExportedSpan]:
    """Read the spans of a request in protobuf.

    Raises:
        RequestError: it is none (400).
    """
    try:
        return list(_protobuf_spans(body))
    except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError) as error:
        raise _refused(f"{type(error).__name__}: {error}") from None


def json_answer(rejected: int) -> dict[str, Any]:
    """Return the answer to a request in JSON."""
    if not rejected:
        return {}
    return {"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": WHY_REJECTED}}


def protobuf_answer(rejected: int) -> bytes:
    """Return the answer to a request in protobuf."""
    if not rejected:
        return b""
    text = WHY_REJECTED.encode()
    partial = b"\x08" + _varint(rejected) + b"\x12" + _varint(len(text)) + text
    return b"\x0a" + _varint(len(partial)) + partial


def _json_spans(document: Any) -> Iterator[ExportedSpan]:
    for resource in document.get("resourceSpans") or ():
        about = _json_attributes((resource.get("resource") or {}).get("attributes"))
        for scope in resource.get("scopeSpans") or ():
            for span in scope.get("spans") or ():
                yield _json_span(span, about)


def _json_span(span: dict[str, Any], about: dict[str, Any]) -> ExportedSpan:
    status = span.get("status") or {}
    failed = status.get("code") in _ERROR_CODES
    return ExportedSpan(
        id=_text(span["spanId"]),
        parent_id=_text(span.get("parentSpanId") or ""),
        name=_text(span.get("name") or ""),
        start=int(span["startTimeUnixNano"]) / _NANO,
        end=int(span["endTimeUnixNano"]) / _NANO,
        error=_text(status.get("message") or "") if failed else None,
        attributes=about | _json_attributes(span.get("attributes")),
    )


def _json_attributes(items: Iterable[Any] | None) -> dict[str, Any]:
    return {_text(item["key"]): _json_value(item.get("value") or {}) for item in items or ()}


def _json_value(value: dict[str, Any]) -> Any:
    """Take a value out of what names its type."""
    given: Any
    kind, given = next(iter(value.items())) if value else ("", None)
    if kind == "intValue":
        return int(given)
    if kind == "arrayValue":
        return [_json_value(item) for item in given.get("values") or ()]
    if kind == "kvlistValue":
        return _json_attributes(given.get("values"))
    return given


_Field = tuple[int, Any]


def _protobuf_spans(body: bytes) -> Iterator[ExportedSpan]:
    for resource in _all(_fields(body), 1):
        parts = _fields(resource)
        about: dict[str, Any] = {}
        for one in _all(parts, 1):
            about |= _attributes(_all(_fields(one), 1))
        for scope in _all(parts, 2):
            for span in _all(_fields(scope), 2):
                yield _protobuf_span(_fields(span), about)


def _protobuf_span(parts: list[_Field], about: dict[str, Any]) -> ExportedSpan:
    status = _fields(_last(parts, 15, b""))
    failed = _last(status, 3, 0) in _ERROR_CODES
    return ExportedSpan(
        id=_last(parts, 2, b"").hex(),
        parent_id=_last(parts, 4, b"").hex(),
        name=_last(parts, 5, b"").decode(),
        start=_last(parts, 7, 0) / _NANO,
        end=_last(parts, 8, 0) / _NANO,
        error=_last(status, 2, b"").decode() if failed else None,
        attributes=about | _attributes(_all(parts, 9)),
    )


def _attributes(items: Iterable[bytes], depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        parts = _fields(item)
        found[_last(parts, 1, b"").decode()] = _value(_last(parts, 2, b""), depth)
    return found


def _value(body: bytes, depth: int) -> Any:
    """Return a value by the number of the field that it is in."""
    number, given = (_fields(body) or [(0, None)])[-1]
    if depth > _DEEPEST:
        raise ValueError("values are nested too deeply")
    read = _VALUES.get(number)
    return None if read is None else read(given, depth + 1)


_VALUES: dict[int, Callable[[Any, int], Any]] = {
    1: lambda given, _depth: given.decode(),
    2: lambda given, _depth: bool(given),
    3: lambda given, _depth: given - (1 << 64) if given >> 63 else given,
    4: lambda given, _depth: _double(given),
    5: lambda given, depth: [_value(item, depth) for item in _all(_fields(given), 1)],
    6: lambda given, depth: _attributes(_all(_fields(given), 1), depth),
    7: lambda given, _depth: given.hex(),
}


def _double(given: int) -> float | None:
    value: float = struct.unpack("<d", given.to_bytes(8, "little"))[0]
    return value if math.isfinite(value) else None


def _fields(message: bytes) -> list[_Field]:
    """Split a message into its fields: numbers as integers, all else as bytes."""
    found: list[_Field] = []
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        kind = key & 7
        value: Any
        if kind == _VARINT:
            value, at = _read_varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
            value, at = int.from_bytes(_slice(message, at, size), "little"), at + size
        elif kind == _BYTES:
            size, at = _read_varint(message, at)
            value, at = _slice(message, at, size), at + size
        else:
            raise ValueError(f"fields of kind {kind} are unknown")
        found.append((key >> 3, value))
    return found


def _slice(message: bytes, at: int, size: int) -> bytes:
    if at + size > len(message):
        raise ValueError("a field is cut off")
    return message[at : at + size]


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for position in range(_LONGEST_VARINT):
        byte = message[at + position]
        value |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:
            return value, at + position + 1
    raise ValueError("a number has no end")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _all(parts: Iterable[_Field], number: int) -> list[Any]:
    return [value for key, value in parts if key == number]


def _last(parts: Iterable[_Field], number: int, default: Any) -> Any:
    return (_all(parts, number) or [default])[-1]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _refused(why: str) -> RequestError:
    return RequestError(f"This is no OTLP request: {why}", code="", status=400)
