"""JSON in and out, once each; the only file that knows which JSON library is used."""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import orjson
import rfc8785

from inngest_asgi.errors import CodecError

Fragment = orjson.Fragment
"""JSON text already dumped, to be embedded as it is."""

_SAFE_INTEGER = 2**53 - 1
_DEPTH = 250


def loads(data: bytes | str) -> Any:
    """Parse JSON.

    Raises:
        CodecError: it is not JSON; the message says where.
    """
    try:
        return orjson.loads(data)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        raise CodecError(f"This is not valid JSON: {error}.") from None


def dumps(value: Any) -> bytes:
    """Write compact JSON.

    Dictionaries may have keys that are not strings (they become strings). Integers of any size
    are written in full; one that no double can hold warns once, because servers round it.

    Raises:
        CodecError: a value that JSON cannot carry, NaN and infinities included.
    """
    try:
        text = orjson.dumps(value)
    except TypeError:
        text = _dump_uncommon(value)
    if b"null" in text:
        _refuse_non_finite(value)
    return text


def dump_text(value: Any) -> str:
    """Write compact JSON as text (see `dumps`)."""
    return dumps(value).decode()


def embed(value: Any) -> Fragment:
    """Write a value once, to be embedded into a larger document without writing it again."""
    return Fragment(dumps(value))


def canonical(data: bytes) -> bytes:
    """Return JSON text in its canonical form (RFC 8785), numbers read as doubles.

    Raises:
        CodecError: it is not JSON, or has no canonical form.
    """
    try:
        return rfc8785.dumps(json.loads(data, parse_int=_double_like_integer))
    except (ValueError, RecursionError):
        raise CodecError("This JSON has no canonical form.") from None


def _double_like_integer(digits: str) -> int | float:
    number = float(digits)
    return int(number) if abs(number) <= _SAFE_INTEGER else number


def _dump_uncommon(value: Any) -> bytes:
    """Second try for what the fast path refuses: other keys, large integers."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError as error:
        if "64-bit" not in str(error):
            raise CodecError(f"{_capital(str(error))}.") from error
    return _dump_large_integers(value)


def _dump_large_integers(value: Any) -> bytes:
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_by_orjson)
        encoded = text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise CodecError(f"{_capital(str(error))}.") from error
    warnings.warn(
        "A JSON document holds an integer beyond 64 bits; servers round such numbers. "
        "Send it as a string to keep it whole.",
        stacklevel=3,
    )
    return encoded


def _by_orjson(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


def _refuse_non_finite(value: Any, depth: int = 0) -> None:
    """Raise for NaN and infinities, which the fast writer turns into null without a word."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise CodecError(f"{value} is a number that JSON does not have.")
    elif depth > _DEPTH:
        return
    elif isinstance(value, dict):
        for item in value.values():
            _refuse_non_finite(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_non_finite(item, depth + 1)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            _refuse_non_finite(getattr(value, name), depth + 1)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
