"""Triggers: which events start a function, and which triggers may be registered; pure, no clock.

Rules: server-api.md 7 (matching) and http.md 8 (what a trigger may be).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from inngest_asgi.dev.cel.expressions import ExpressionError, compile_expression
from inngest_asgi.errors import ConfigError
from inngest_asgi.wire.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Trigger = Mapping[str, Any]

LONGEST_NAME = 255
SHORTEST_JITTER, LONGEST_JITTER = timedelta(seconds=1), timedelta(minutes=5)

_BOUNDARY = re.compile(r"[/.]")
_ZONE = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.*)", re.DOTALL)
_FIELDS = 5
# What cronsim takes beyond the server's cron: last days (L, LW, 5L) and the nth weekday (#).
_EXTENSION = re.compile(r"#|(?<![A-Z])\d*L(?![A-Z])|LW")


class TriggerError(ConfigError):
    """A trigger that cannot be registered; the message says what is wrong with it.

    Args:
        message: what is wrong, in a sentence.
        code: the server's code for it (http.md 8).
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def event_patterns(name: str) -> list[str]:
    """Return the trigger names an event sets off: its own, then wildcards, shortest first.

    >>> event_patterns("a/b.c")
    ['a/b.c', 'a/*', 'a/b.*']
    """
    wildcards = [f"{name[: boundary.end()]}*" for boundary in _BOUNDARY.finditer(name)]
    return list(dict.fromkeys([name, *wildcards]))


def first_match(
    triggers: Sequence[Trigger], event: Mapping[str, Any], now: float
) -> Trigger | None:
    """Return the first trigger that starts its function for the event, or None.

    A function starts once per event however many of its triggers match.

    Args:
        triggers: those of one function, as `check_trigger` lets them pass.
        event: the event as the server keeps it.
        now: the current time in Unix seconds.
    """
    patterns = frozenset(event_patterns(str(event.get("name", ""))))
    for trigger in triggers:
        if trigger.get("event") in patterns and _allows(trigger.get("expression"), event, now):
            return trigger
    return None


def check_trigger(trigger: Trigger) -> None:
    """Check a trigger as the server does when a function is registered.

    Raises:
        TriggerError: it is neither an event nor a schedule, or either is not well-formed.
        ExpressionError: its expression is refused.
    """
    event, cron = trigger.get("event"), trigger.get("cron")
    if bool(event) == bool(cron):
        raise TriggerError("A trigger needs an event or a cron, and not both.", "config_invalid")
    if cron:
        check_cron(cron)
        _check_jitter(trigger.get("jitter"))
        return
    _check_length(event, "event name", "event_name_invalid")
    if expression := trigger.get("expression"):
        if not isinstance(expression, str):
            raise TriggerError("The expression of a trigger must be text.", "config_invalid")
        compile_expression(expression)


def check_cron(cron: object) -> None:
    """Raise a `TriggerError` unless the schedule is five fields with an optional `TZ=Zone `."""
    text = _check_length(cron, "cron", "schedule_invalid")
    zone, fields = split_cron(text)
    count = len(fields.split())
    if count != _FIELDS:
        raise _bad_cron(text, f"it needs five fields, not {count}")
    if _EXTENSION.search(fields.upper()):
        raise _bad_cron(text, "L, W and # are not supported")
    try:
        CronSim(fields, datetime(2000, 1, 1, tzinfo=zone))
    except CronSimError as error:
        raise _bad_cron(text, str(error).lower()) from None


def split_cron(cron: str) -> tuple[ZoneInfo, str]:
    """Split a schedule into its time zone, UTC by default, and its fields as cronsim reads them.

    Raises:
        TriggerError: the time zone does not exist.
    """
    match = _ZONE.fullmatch(cron.strip())
    name, fields = match.groups() if match else ("UTC", cron)
    try:
        zone = ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise _bad_cron(cron, f"there is no time zone named {name!r}") from None
    return zone, " ".join("*" if part == "?" else part for part in fields.split())


def _allows(expression: Any, event: Mapping[str, Any], now: float) -> bool:
    if not expression:
        return True
    try:
        return compile_expression(expression).matches(event, now=now)
    except ExpressionError:
        return False


def _check_length(text: object, what: str, code: str) -> str:
    if not isinstance(text, str):
        raise TriggerError(f"The {what} of a trigger must be text.", code)
    if len(text) > LONGEST_NAME:
        raise TriggerError(
            f"The {what} {text[:40]!r}... has {len(text)} characters; "
            f"at most {LONGEST_NAME} are allowed.",
            code,
        )
    return text


def _check_jitter(jitter: object) -> None:
    if not jitter:
        return
    try:
        length = parse_duration(jitter) if isinstance(jitter, str) else timedelta(0)
    except ValueError:
        length = timedelta(0)
    if not SHORTEST_JITTER <= length <= LONGEST_JITTER:
        raise TriggerError(
            f"The jitter {jitter!r} of a cron must be a duration from '1s' to '5m'.",
            "schedule_invalid",
        )


def _bad_cron(cron: str, why: str) -> TriggerError:
    return TriggerError(f"The cron {cron!r} cannot be used: {why}.", "schedule_invalid")
