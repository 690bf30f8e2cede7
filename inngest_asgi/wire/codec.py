"""JSON in and out, once each; the only file that knows which JSON library is used."""

from __future__ import annotations

import dataclasses
import gc
import json
import math
import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, TypeAlias

import orjson
import rfc8785

from inngest_asgi.errors import CodecError

Fragment = orjson.Fragment
"""JSON text already dumped, to be embedded as it is."""

JSON: TypeAlias = Mapping[str, Any] | Sequence[Any] | str | int | float | bool | None
"""What JSON can carry, as a type; whether all of a value is JSON shows when it is written."""

LARGE = 65_536
"""Bytes from which on a document is parsed without the garbage collector."""
_SAFE_INTEGER = 2**53 - 1


def loads(data: bytes | str) -> Any:
    """Parse JSON.

    Raises:
        CodecError: it is not JSON; the message says where.
    """
    try:
        return orjson.loads(data) if len(data) < LARGE else _loads_large(data)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        raise CodecError(f"This is not valid JSON: {error}.") from None


def dumps(value: Any) -> bytes:
    """Write compact JSON.

    Dictionaries may have keys that are not strings (they become strings). Integers of any size
    are written in full; one beyond 64 bits warns once, because servers round it.

    Raises:
        CodecError: a value that JSON cannot carry, NaN and infinities included.
    """
    return _dump(value, 0)


def dump_text(value: Any) -> str:
    """Write compact JSON as text (see `dumps`)."""
    return dumps(value).decode()


def embed(value: Any) -> Fragment:
    """Write a user's value once, to be embedded into a larger document as it is.

    An integer that a double may not hold (2^53 and beyond) warns once, because servers round it.

    Raises:
        CodecError: see `dumps`.
    """
    return Fragment(_dump(value, orjson.OPT_STRICT_INTEGER))


def text_of(fragment: Fragment) -> bytes:
    """Return the text that a fragment holds."""
    return orjson.dumps(fragment)


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


def refuse_non_finite(value: Any) -> None:
    """Look for NaN and infinities, which fast writers (orjson, pydantic) turn into null.

    Call it after the writer took the value: then it is not nested too deeply to be walked.

    Raises:
        CodecError: there is one.
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise CodecError(f"{value} is a number that JSON does not have.")
    elif isinstance(value, dict):
        for key, item in value.items():
            refuse_non_finite(key)
            refuse_non_finite(item)
    elif isinstance(value, list | tuple | set | frozenset | deque):
        for item in value:
            refuse_non_finite(item)
    elif is_dataclass(value) and not isinstance(value, type):
        refuse_non_finite(_attributes(value))


def _loads_large(data: bytes | str) -> Any:
    """Parse without the garbage collector, which new objects call: JSON has nothing for it.

    It would look at a megabyte dozens of times, and each time at other calls' megabytes too.
    """
    if not gc.isenabled():
        return orjson.loads(data)
    gc.disable()
    try:
        return orjson.loads(data)
    finally:
        gc.enable()


def _dump(value: Any, option: int) -> bytes:
    try:
        return _dump_fast(value, option)
    except TypeError:
        return _dump_uncommon(value, option | orjson.OPT_NON_STR_KEYS)


def _dump_fast(value: Any, option: int) -> bytes:
    text = orjson.dumps(value, option=option)
    if b"null" in text:
        refuse_non_finite(value)
    return text


def _dump_uncommon(value: Any, option: int) -> bytes:
    """Second try for what the fast path refuses: other keys, large integers."""
    try:
        return _dump_fast(value, option)
    except TypeError as error:
        large = str(error)
        if "53-bit" not in large and "64-bit" not in large:
            raise CodecError(f"{_capital(large)}.") from error
    warnings.warn(
        "A JSON document holds an integer of 2^53 or more; servers round such numbers. "
        "Send it as a string to keep it whole.",
        stacklevel=2,
    )
    if "53-bit" in large:
        with suppress(TypeError):
            return _dump_fast(value, orjson.OPT_NON_STR_KEYS)
    return _dump_large_integers(value)


def _dump_large_integers(value: Any) -> bytes:
    try:
        text = json.dumps(
            value, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
        )
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise CodecError(f"{_capital(str(error))}.") from error


def _plain(value: Any) -> Any:
    """Return what the fast writer would see in an object, for the standard library's writer."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return _attributes(value)
    return orjson.loads(orjson.dumps(value))


def _attributes(value: Any) -> dict[str, Any]:
    """Return the attributes of a dataclass that are written: all but the private ones."""
    fields = vars(value) if hasattr(value, "__dict__") else _slots(value)
    return {name: item for name, item in fields.items() if not name.startswith("_")}


def _slots(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
