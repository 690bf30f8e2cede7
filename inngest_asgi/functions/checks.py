"""Checks of single values, each with a sentence that names the field; knows no option.

`field` says where a value stands, function first: "Function 'shop-pay': throttle.limit".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from inngest_asgi.errors import ConfigError
from inngest_asgi.wire.durations import to_timedelta, wire_duration

if TYPE_CHECKING:
    from datetime import timedelta

    from inngest_asgi.wire.durations import Duration

T = TypeVar("T")

NAME_LENGTH = 255
"""The longest id, name, event name or cron text a server takes (http.md 8)."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(rf"[\x00-\x1f\x7f-\x9f]|{_SURROGATE.pattern}")


def of_kind(value: Any, kind: type[T], field: str) -> T:
    """Return `value` if it is an instance of `kind`.

    Raises:
        ConfigError: it is something else.
    """
    if not isinstance(value, kind):
        raise ConfigError(f"{field} is {value!r}; pass {kind.__name__}(...).")
    return value


def listed(value: Any, field: str, *, most: int) -> list[tuple[Any, str]]:
    """Return the items of a value that may be one item or a list, each with its field's name.

    Raises:
        ConfigError: more than `most` items.
    """
    if not isinstance(value, list | tuple):
        return [(value, field)]
    if len(value) > most:
        raise ConfigError(f"{field} has {len(value)} entries; at most {most} are allowed.")
    return [(item, f"{field}[{index}]") for index, item in enumerate(value)]


def text(value: Any, field: str) -> str:
    """Return a one-line text, such as a name or an id.

    Raises:
        ConfigError: it is not a string, is empty or longer than 255 characters, begins or ends
            with white space, or holds control characters.
    """
    if not isinstance(value, str):
        raise ConfigError(f"{field} is {value!r}; pass a string.")
    if not value.strip():
        raise ConfigError(f"{field} is empty; pass a string that says something.")
    if value != value.strip():
        raise ConfigError(f"{field} is {value!r}; remove the white space around it.")
    if _CONTROL.search(value):
        raise ConfigError(f"{field} is {value!r}; remove its control characters.")
    if len(value) > NAME_LENGTH:
        raise ConfigError(f"{field} has {len(value)} characters; {NAME_LENGTH} are allowed.")
    return value


def event_name(value: Any, field: str) -> str:
    """Return the name of an event, or a pattern for the beginning of names.

    Raises:
        ConfigError: it is no name (see `text`), or a pattern that nothing can match.
    """
    name = text(value, field)
    # Servers look patterns up at the boundaries "/" and "." only (server-api.md 7).
    if "*" in name and not re.fullmatch(r"[^*]+[/.]\*", name):
        raise ConfigError(
            f"{field} is {name!r}; a '*' must be the last character and follow a '/' or a '.', "
            "as in 'shop/*'."
        )
    return name


def expression(value: Any, field: str) -> str | None:
    """Return an expression; whether it is valid CEL is for the server to say.

    Raises:
        ConfigError: it is not a string, is empty, or cannot be written as UTF-8.
    """
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or _SURROGATE.search(value):
        raise ConfigError(
            f"{field} is {value!r}; pass a CEL expression such as 'event.data.user_id'."
        )
    return value


def whole(value: Any, field: str, *, least: int, most: int | None = None) -> int:
    """Return a whole number within bounds.

    Raises:
        ConfigError: it is not an int, or out of bounds.
    """
    is_int = isinstance(value, int) and not isinstance(value, bool)
    if not is_int or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ConfigError(f"{field} is {value!r}; pass a whole number {bounds}.")
    return int(value)


def period(
    value: Duration | None, field: str, *, most: timedelta | None = None, largest: str = "w"
) -> str | None:
    """Return a duration as the wire writes it, at least one second long.

    Args:
        value: the duration; None stays None.
        field: where it stands.
        most: the longest duration allowed.
        largest: the largest unit to write (see `wire_duration`).

    Raises:
        ConfigError: it is not a duration, is zero, negative, or longer than `most`.
    """
    if value is None:
        return None
    length = to_timedelta(value, field=field)
    if not length:
        raise ConfigError(f"{field} is {value!r}; pass a duration of at least one second.")
    if most is not None and length > most:
        longest = wire_duration(most, field=field)
        raise ConfigError(f"{field} is {value!r}; the longest allowed is {longest}.")
    return wire_duration(value, field=field, largest=largest)


def present(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are set: a null is never sent (decisions: registered URL)."""
    return {key: value for key, value in fields.items() if value is not None}
