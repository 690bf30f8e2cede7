"""What starts a function: events and schedules, and how they stand in its registration."""

from __future__ import annotations

import re
import zoneinfo
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions import checks
from inngest_asgi.functions.event_types import EventType, EventTypes, name_of
from inngest_asgi.functions.option import Option, Period

if TYPE_CHECKING:
    from inngest_asgi.functions.option import Record

_MOST_TRIGGERS = 10
_LONGEST_JITTER = timedelta(minutes=5)
_CRON_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_NUMBERS = re.compile(r"[0-9*/,?-]+")
_NUMBERS_OR_NAMES = re.compile(r"[0-9A-Za-z*/,?-]+")
_ZONE_PREFIX = "TZ="


class TriggerEvent(Option):
    """Start a function for each event of a name.

    Args:
        event: the event's name, or its `EventType`; "shop/*" stands for every name that begins
            with "shop/".
        expression: a CEL expression over `event` that must be true.
    """

    event: str | EventType[Any]
    expression: str | None = None


class TriggerCron(Option):
    """Start a function on a schedule.

    Args:
        cron: minute, hour, day of the month, month, day of the week: "0 9 * * 1".
        jitter: start up to this much later, at random; one second to five minutes.
        timezone: the zone the schedule is meant in, such as "Europe/Paris"; UTC by default.
    """

    cron: str
    jitter: Period | None = None
    timezone: str | None = None


Trigger: TypeAlias = TriggerEvent | TriggerCron
"""What may start a function."""

AnyTrigger: TypeAlias = TriggerEvent | TriggerCron | EventType[Any]
"""What a user may give as a trigger; an `EventType` stands for a `TriggerEvent` of it."""


def as_triggers(trigger: Any, where: str) -> tuple[Trigger, ...]:
    """Return the triggers of a function that was given one, or a list.

    Raises:
        ConfigError: there is none, there are more than ten, or something is not a trigger.
    """
    triggers = checks.listed(trigger, f"{where}: trigger", most=_MOST_TRIGGERS)
    if not triggers:
        raise ConfigError(f"{where}: trigger is an empty list; pass TriggerEvent(event=...).")
    return tuple(_as_trigger(item, field) for item, field in triggers)


def event_types(triggers: tuple[Trigger, ...], where: str) -> EventTypes | None:
    """Return the types of the events that start a function; None when it declares none."""
    events = [one.event for one in triggers if isinstance(one, TriggerEvent)]
    listed = [event for event in events if isinstance(event, EventType)]
    return EventTypes(listed, field=f"{where}: trigger") or None


def trigger_records(triggers: tuple[Trigger, ...], where: str) -> list[Record]:
    """Return triggers as they are registered (http.md 8).

    Raises:
        ConfigError: a trigger that a server would refuse, or two that are the same.
    """
    records: list[Record] = []
    for index, trigger in enumerate(triggers):
        field = f"{where}: trigger[{index}]" if len(triggers) > 1 else f"{where}: trigger"
        record = _record(trigger, field)
        if record in records and _adds_a_type(trigger, triggers[:index]):
            continue
        _refuse_repeated(record, records, field)
        records.append(record)
    return records


def _as_trigger(item: Any, field: str) -> Trigger:
    if isinstance(item, EventType):
        return TriggerEvent(event=item)
    if not isinstance(item, Trigger):
        raise ConfigError(
            f"{field} is {item!r}; pass TriggerEvent(event=...), TriggerCron(cron=...) or an "
            "EventType."
        )
    return item


def _record(trigger: Trigger, field: str) -> Record:
    if isinstance(trigger, TriggerCron):
        jitter = checks.period(trigger.jitter, f"{field}.jitter", most=_LONGEST_JITTER)
        return checks.present({"cron": _schedule(trigger, field), "jitter": jitter})
    return checks.present(
        {
            "event": checks.event_name(name_of(trigger.event), f"{field}.event"),
            "expression": checks.expression(trigger.expression, f"{field}.expression"),
        }
    )


def _adds_a_type(trigger: Trigger, earlier: tuple[Trigger, ...]) -> bool:
    """Say whether a trigger is there for its type only: its name is that of an earlier one."""
    is_typed = isinstance(trigger, TriggerEvent) and isinstance(trigger.event, EventType)
    return is_typed and trigger not in earlier


def _refuse_repeated(record: Record, earlier: list[Record], field: str) -> None:
    if record in earlier:
        raise ConfigError(f"{field} repeats an earlier trigger; remove one of them.")
    # Even with another jitter, servers refuse the same schedule twice (http.md 8).
    if "cron" in record and record["cron"] in [other.get("cron") for other in earlier]:
        raise ConfigError(
            f"{field}.cron repeats the schedule {record['cron']!r}; remove one of them."
        )


def _schedule(trigger: TriggerCron, field: str) -> str:
    """Return the cron text as sent: "TZ=Europe/Paris 0 9 * * 1"."""
    words = checks.text(trigger.cron, f"{field}.cron").split()
    zone = trigger.timezone
    if words[0].startswith(_ZONE_PREFIX):
        if zone is not None:
            raise ConfigError(
                f"{field}.timezone is given, but cron begins with {words[0]!r}; remove one of them."
            )
        zone = words.pop(0).removeprefix(_ZONE_PREFIX)
    _check_cron(words, trigger.cron, f"{field}.cron")
    if zone is not None:
        _check_zone(zone, f"{field}.timezone")
        words = [_ZONE_PREFIX + zone, *words]
    return " ".join(words)


def _check_cron(words: list[str], cron: str, field: str) -> None:
    if len(words) != len(_CRON_FIELDS):
        raise ConfigError(
            f"{field} is {cron!r}; write five fields ({', '.join(_CRON_FIELDS)}), as in "
            "'0 9 * * 1', without seconds and without names such as '@daily'."
        )
    for word, name in zip(words, _CRON_FIELDS, strict=True):
        # Only months and days of the week have names: JAN, MON.
        allowed = _NUMBERS_OR_NAMES if name in _CRON_FIELDS[3:] else _NUMBERS
        if not allowed.fullmatch(word):
            raise ConfigError(f"{field} is {cron!r}; {word!r} cannot be the {name}.")


def _check_zone(zone: str, field: str) -> None:
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"{field} is {zone!r}, a time zone this machine does not know; pass a name such as "
            "'Europe/Paris', and install the package tzdata if the machine has no time zones."
        ) from None
