"""What tells one group of events from another: keys of functions' options, as text; pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.cel.expressions import compile_expression

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_GROUP = "false"
"""The key of an event that, for some options, belongs to no group at all."""

_LONGEST = 200


def key_of(expression: str, event: Mapping[str, Any], now: float) -> str:
    """Return the key of an event: text as it is, anything else in its default form.

    A missing field, and whatever goes wrong, counts as false (server-api.md 9).

    Args:
        expression: CEL; "" for one group of all events, whose key is "".
        event: the event as the server keeps it.
        now: Unix seconds.
    """
    if not expression:
        return ""
    found = compile_expression(expression).key(event, now=now)
    return NO_GROUP if found is None else _shortened(found)


def seconds_of(expression: str, event: Mapping[str, Any], now: float) -> float:
    """Return the number that an expression gives, 0 when it gives none."""
    value = compile_expression(expression).value(event, now=now)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else 0.0


def _shortened(key: str) -> str:
    """Return a key that may be kept in memory and shown; long ones by their digest."""
    if len(key) <= _LONGEST:
        return key
    return f"sha256:{hashlib.sha256(key.encode(errors='surrogatepass')).hexdigest()}"
