"""The same rules written a second time, plainly and slowly, to hold ours against them."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def canonical_text(value: Any) -> str:
    """Write JSON as RFC 8785 says; integers count as doubles."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return number_text(float(value))
    if isinstance(value, str):
        return '"' + "".join(map(_character, value)) + '"'
    if isinstance(value, list):
        return f"[{','.join(map(canonical_text, value))}]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(f"{canonical_text(k)}:{canonical_text(value[k])}" for k in keys) + "}"


def number_text(number: float) -> str:
    """Write a double as ECMAScript does (ECMA-262, Number::toString)."""
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    digits, point = _digits_and_point(abs(number))
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = point - 1
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'+' if power > 0 else '-'}{abs(power)}"


def mac(body: bytes, stamp: int, secret: bytes) -> str:
    """Compute an HMAC-SHA256 by its definition (RFC 2104)."""
    key = hashlib.sha256(secret).digest() if len(secret) > 64 else secret
    key = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(k ^ 0x36 for k in key) + body + str(stamp).encode()).digest()
    return hashlib.sha256(bytes(k ^ 0x5C for k in key) + inner).hexdigest()


def ulid(milliseconds: int, entropy: bytes) -> str:
    """Write a ULID: 48 bits of time and 80 of entropy, 26 characters of 5 bits."""
    number = (milliseconds << 80) | int.from_bytes(entropy, "big")
    return "".join(_CROCKFORD[(number >> 5 * place) & 31] for place in range(25, -1, -1))


def _character(one: str) -> str:
    if one in _SHORT:
        return _SHORT[one]
    return f"\\u{ord(one):04x}" if ord(one) < 0x20 else one


def _digits_and_point(number: float) -> tuple[str, int]:
    """Return the shortest digits that give the number, and where its point stands after them."""
    _, digits, exponent = Decimal(repr(number)).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    return text.rstrip("0"), len(text) + exponent
