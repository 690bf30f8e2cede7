"""Triggers: their records, and the refusal of what no server would take."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions.event_types import EventType
from inngest_asgi.functions.triggers import (
    Trigger,
    TriggerCron,
    TriggerEvent,
    as_triggers,
    event_types,
    trigger_records,
)
from tests.functions.declaring import declared

MONDAY = "0 9 * * 1"
WHERE = "Function 'shop-pay'"


@pytest.mark.parametrize(
    ("trigger", "record"),
    [
        pytest.param(TriggerEvent(event="shop/paid"), {"event": "shop/paid"}, id="event"),
        pytest.param(TriggerEvent(event="shop/*"), {"event": "shop/*"}, id="slash-pattern"),
        pytest.param(TriggerEvent(event="a/b.*"), {"event": "a/b.*"}, id="dot-pattern"),
        pytest.param(
            TriggerEvent(event="inngest/function.failed"),
            {"event": "inngest/function.failed"},
            id="internal-event",
        ),
        pytest.param(
            TriggerEvent(event="shop/paid", expression="event.data.n > 1"),
            {"event": "shop/paid", "expression": "event.data.n > 1"},
            id="expression",
        ),
        pytest.param(TriggerEvent(event="x" * 255), {"event": "x" * 255}, id="longest-name"),
        pytest.param(TriggerCron(cron=MONDAY), {"cron": MONDAY}, id="cron"),
        pytest.param(
            TriggerCron(cron="*/5  0-6,22  ?  JAN-MAR mon"),
            {"cron": "*/5 0-6,22 ? JAN-MAR mon"},
            id="cron-names-and-spaces",
        ),
        pytest.param(
            TriggerCron(cron=MONDAY, timezone="Europe/Paris"),
            {"cron": f"TZ=Europe/Paris {MONDAY}"},
            id="timezone",
        ),
        pytest.param(
            TriggerCron(cron=f"TZ=Europe/Paris {MONDAY}"),
            {"cron": f"TZ=Europe/Paris {MONDAY}"},
            id="timezone-in-the-text",
        ),
        pytest.param(
            TriggerCron(cron=MONDAY, jitter=timedelta(minutes=5)),
            {"cron": MONDAY, "jitter": "5m"},
            id="longest-jitter",
        ),
        pytest.param(
            TriggerCron(cron=MONDAY, jitter="1s"), {"cron": MONDAY, "jitter": "1s"}, id="jitter"
        ),
    ],
)
def test_the_record_of_a_trigger(
    trigger: TriggerEvent | TriggerCron, record: dict[str, Any]
) -> None:
    assert trigger_records((trigger,), WHERE) == [record]


@pytest.mark.parametrize(
    ("trigger", "sentence"),
    [
        pytest.param(
            TriggerEvent(event=""),
            "trigger.event is empty; pass a string that says something.",
            id="empty-event",
        ),
        pytest.param(
            TriggerEvent(event="x" * 256),
            "trigger.event has 256 characters; 255 are allowed.",
            id="long-event",
        ),
        pytest.param(
            TriggerEvent(event="shop/*.paid"),
            "trigger.event is 'shop/*.paid'; a '*' must be the last character and follow a '/' or "
            "a '.', as in 'shop/*'.",
            id="star-in-the-middle",
        ),
        pytest.param(
            TriggerEvent(event="shop*"),
            "trigger.event is 'shop*'; a '*' must be the last character and follow a '/' or "
            "a '.', as in 'shop/*'.",
            id="star-after-a-letter",
        ),
        pytest.param(
            TriggerEvent(event="a/b", expression=""),
            "trigger.expression is ''; pass a CEL expression such as 'event.data.user_id'.",
            id="empty-expression",
        ),
        pytest.param(
            TriggerCron(cron="0 9 * *"),
            "trigger.cron is '0 9 * *'; write five fields (minute, hour, day of the month, month, "
            "day of the week), as in '0 9 * * 1', without seconds and without names such as "
            "'@daily'.",
            id="four-fields",
        ),
        pytest.param(
            TriggerCron(cron="0 61 9 * * x"),
            "trigger.cron is '0 61 9 * * x'; write five fields (minute, hour, day of the month, "
            "month, day of the week), as in '0 9 * * 1', without seconds and without names such as "
            "'@daily'.",
            id="six-fields",
        ),
        pytest.param(
            TriggerCron(cron="0 9h * * 1"),
            "trigger.cron is '0 9h * * 1'; '9h' cannot be the hour.",
            id="letters-in-a-number",
        ),
        pytest.param(
            TriggerCron(cron="0 9 * * Mon!"),
            "trigger.cron is '0 9 * * Mon!'; 'Mon!' cannot be the day of the week.",
            id="odd-character",
        ),
        pytest.param(
            TriggerCron(cron=f"TZ=Europe/Paris {MONDAY}", timezone="Europe/Paris"),
            "trigger.timezone is given, but cron begins with 'TZ=Europe/Paris'; "
            "remove one of them.",
            id="two-timezones",
        ),
        pytest.param(
            TriggerCron(cron=MONDAY, jitter="5m1s"),
            "trigger.jitter is '5m1s'; the longest allowed is 5m.",
            id="long-jitter",
        ),
        pytest.param(
            TriggerCron(cron=MONDAY, jitter=0),
            "trigger.jitter is 0; pass a duration of at least one second.",
            id="no-jitter",
        ),
    ],
)
def test_a_refused_trigger_names_function_and_field(
    trigger: TriggerEvent | TriggerCron, sentence: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        declared(trigger=trigger)
    assert str(raised.value) == f"{WHERE}: {sentence}"


@pytest.mark.parametrize("cron", ["@daily", "@every 5m"])
def test_names_of_schedules_are_refused(cron: str) -> None:
    with pytest.raises(ConfigError, match=r"Function 'shop-pay': trigger\.cron is '@.*five fields"):
        declared(trigger=TriggerCron(cron=cron))


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "Europe", "", "/etc/passwd", "../x"], ids=lambda zone: zone or "empty"
)
def test_an_unknown_timezone_is_refused(zone: str) -> None:
    with pytest.raises(ConfigError, match=r"'shop-pay': trigger\.timezone is .* does not know"):
        declared(trigger=TriggerCron(cron=MONDAY, timezone=zone))


def test_jitter_below_one_second_is_rounded_up() -> None:
    with pytest.warns(UserWarning, match=r"'shop-pay': trigger\.jitter: 10 is rounded up"):
        (record,) = trigger_records((TriggerCron(cron=MONDAY, jitter=10),), WHERE)
    assert record["jitter"] == "1s"


@pytest.mark.parametrize(
    ("triggers", "sentence"),
    [
        pytest.param([], "trigger is an empty list; pass TriggerEvent(event=...).", id="empty"),
        pytest.param(
            [TriggerEvent(event=f"a/{index}") for index in range(11)],
            "trigger has 11 entries; at most 10 are allowed.",
            id="eleven",
        ),
        pytest.param(
            [TriggerEvent(event="a/b"), "a/c"],
            "trigger[1] is 'a/c'; pass TriggerEvent(event=...), TriggerCron(cron=...) or an "
            "EventType.",
            id="plain-text",
        ),
        pytest.param(
            None,
            "trigger is None; pass TriggerEvent(event=...), TriggerCron(cron=...) or an EventType.",
            id="none",
        ),
        pytest.param(
            [TriggerEvent(event="a/b"), TriggerEvent(event="a/b")],
            "trigger[1] repeats an earlier trigger; remove one of them.",
            id="same-event",
        ),
        pytest.param(
            [TriggerCron(cron=MONDAY), TriggerCron(cron=MONDAY, jitter="1m")],
            "trigger[1].cron repeats the schedule '0 9 * * 1'; remove one of them.",
            id="same-schedule-with-jitter",
        ),
        pytest.param(
            [
                TriggerCron(cron=MONDAY, timezone="Europe/Paris"),
                TriggerCron(cron="TZ=Europe/Paris 0 9 * * 1"),
            ],
            "trigger[1] repeats an earlier trigger; remove one of them.",
            id="same-schedule-written-otherwise",
        ),
        pytest.param(
            [TriggerEvent(event="a/b"), TriggerEvent(event=" ")],
            "trigger[1].event is empty; pass a string that says something.",
            id="second-of-two",
        ),
    ],
)
def test_a_refused_list_names_function_and_entry(triggers: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        declared(trigger=triggers)
    assert str(raised.value) == f"{WHERE}: {sentence}"


def test_ten_triggers_of_both_kinds_are_taken() -> None:
    triggers = [TriggerCron(cron=MONDAY), *(TriggerEvent(event=f"a/{n}") for n in range(9))]
    assert as_triggers(triggers, WHERE) == tuple(triggers)


def test_one_event_with_different_expressions_is_not_repeated() -> None:
    triggers = [TriggerEvent(event="a/b"), TriggerEvent(event="a/b", expression="event.data.n > 1")]
    assert declared(trigger=triggers).triggers == tuple(triggers)


def test_one_schedule_in_two_zones_is_not_repeated() -> None:
    zones = ["Europe/Paris", "Asia/Tokyo"]
    triggers = [TriggerCron(cron=MONDAY, timezone=zone) for zone in zones]
    assert declared(trigger=triggers).triggers == tuple(triggers)


SIGNED_UP = EventType("user/signed.up", dict[str, int])


@pytest.mark.parametrize(
    ("trigger", "records"),
    [
        pytest.param(SIGNED_UP, [{"event": "user/signed.up"}], id="type"),
        pytest.param(EventType("user/*"), [{"event": "user/*"}], id="pattern"),
        pytest.param(
            TriggerEvent(event=SIGNED_UP, expression="event.data.n > 1"),
            [{"event": "user/signed.up", "expression": "event.data.n > 1"}],
            id="with-expression",
        ),
        pytest.param(
            [SIGNED_UP, TriggerEvent(event="user/left"), TriggerCron(cron=MONDAY)],
            [{"event": "user/signed.up"}, {"event": "user/left"}, {"cron": MONDAY}],
            id="list",
        ),
        pytest.param(
            [TriggerEvent(event="user/signed.up"), SIGNED_UP, EventType("user/signed.up", dict)],
            [{"event": "user/signed.up"}],
            id="several-types-of-a-name",
        ),
    ],
)
def test_an_event_type_is_a_trigger(trigger: Any, records: list[dict[str, Any]]) -> None:
    (record,) = declared(trigger=trigger).records("https://app.example")
    assert record["triggers"] == records


def test_an_event_type_that_is_repeated_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"trigger\[1\] repeats an earlier trigger"):
        declared(trigger=[SIGNED_UP, SIGNED_UP])


@pytest.mark.parametrize(
    ("triggers", "kind"),
    [
        pytest.param((TriggerEvent(event=SIGNED_UP),), dict[str, int], id="typed"),
        pytest.param((TriggerEvent(event=EventType("user/signed.up")),), None, id="untyped"),
        pytest.param((TriggerEvent(event="user/signed.up"),), None, id="name"),
        pytest.param((TriggerCron(cron=MONDAY),), None, id="cron"),
    ],
)
def test_the_types_of_the_events_of_triggers(triggers: tuple[Trigger, ...], kind: Any) -> None:
    types = event_types(triggers, WHERE)
    payload = types and types.find("user/signed.up", None)
    assert (payload and payload.data) == kind
