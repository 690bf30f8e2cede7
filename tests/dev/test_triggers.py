"""Triggers: which events start a function, and which triggers are refused when registering."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from inngest_asgi.dev.cel.expressions import ExpressionError
from inngest_asgi.dev.triggers import (
    TriggerError,
    check_cron,
    check_trigger,
    event_patterns,
    first_match,
    split_cron,
)

NOW = 1_780_000_000.0


@pytest.mark.parametrize(
    ("name", "patterns"),
    [
        pytest.param("a/b.c", ["a/b.c", "a/*", "a/b.*"], id="both"),
        pytest.param("a.b.c", ["a.b.c", "a.*", "a.b.*"], id="dots"),
        pytest.param("plain", ["plain"], id="plain"),
        pytest.param("", [""], id="empty"),
        pytest.param("a/", ["a/", "a/*"], id="ends-with-one"),
        pytest.param("a/*", ["a/*"], id="is-a-wildcard"),
        pytest.param("./a", ["./a", ".*", "./*"], id="starts-with-one"),
    ],
)
def test_patterns_of_an_event(name: str, patterns: list[str]) -> None:
    assert event_patterns(name) == patterns


CRON = {"cron": "* * * * *"}
ANY = {"event": "shop/*"}
PAID = {"event": "shop/order.paid"}
LARGE = {"event": "shop/order.paid", "expression": "event.data.total > 100"}


@pytest.mark.parametrize(
    ("triggers", "total", "expected"),
    [
        pytest.param([PAID], 1, PAID, id="exact"),
        pytest.param([ANY], 1, ANY, id="wildcard"),
        pytest.param([{"event": "shop/order.*"}], 1, {"event": "shop/order.*"}, id="inner"),
        pytest.param([{"event": "shop/ord*"}], 1, None, id="not-at-a-boundary"),
        pytest.param([{"event": "order.paid"}], 1, None, id="other-name"),
        pytest.param([CRON], 1, None, id="cron"),
        pytest.param([], 1, None, id="none"),
        pytest.param([CRON, PAID, ANY], 1, PAID, id="once"),
        pytest.param([LARGE, ANY], 1, ANY, id="second-after-expression"),
        pytest.param([LARGE], 1, None, id="expression-false"),
        pytest.param([LARGE], 101, LARGE, id="expression-true"),
        pytest.param([{**PAID, "expression": ""}], 1, {**PAID, "expression": ""}, id="empty"),
        pytest.param([{**PAID, "expression": "nope("}], 1, None, id="expression-refused"),
    ],
)
def test_first_match(
    triggers: list[dict[str, Any]], total: int, expected: dict[str, Any] | None
) -> None:
    event = {"name": "shop/order.paid", "data": {"total": total}}
    assert first_match(triggers, event, NOW) == expected


@pytest.mark.parametrize(
    "trigger",
    [
        pytest.param({"event": "a/b"}, id="event"),
        pytest.param({"event": "a" * 255}, id="longest-name"),
        pytest.param({"event": "a/b", "expression": None}, id="expression-null"),
        pytest.param({"event": "a/b", "cron": None}, id="cron-null"),
        pytest.param({"event": "a/b", "expression": "event.data.x == 1"}, id="expression"),
        pytest.param({"cron": "*/5 0-3 1,15 JAN-MAR mon"}, id="cron"),
        pytest.param({"cron": "0 9 ? JUL *"}, id="question-mark"),
        pytest.param({"cron": "TZ=Europe/Paris 0 9 * * 1"}, id="zone"),
        pytest.param({"cron": "CRON_TZ=America/New_York 0 9 * * 1"}, id="cron-zone"),
        pytest.param({"cron": "0 9 * * 1", "jitter": "1s"}, id="shortest-jitter"),
        pytest.param({"cron": "0 9 * * 1", "jitter": "4m60s"}, id="longest-jitter"),
        pytest.param({"cron": "0 9 * * 1", "jitter": None}, id="jitter-null"),
    ],
)
def test_accepted(trigger: dict[str, Any]) -> None:
    check_trigger(trigger)


@pytest.mark.parametrize(
    ("trigger", "code", "complaint"),
    [
        pytest.param({}, "config_invalid", "an event or a cron", id="neither"),
        pytest.param({"event": "", "cron": ""}, "config_invalid", "event or a cron", id="empty"),
        pytest.param({"event": "a", **CRON}, "config_invalid", "not both", id="both"),
        pytest.param({"event": 5}, "event_name_invalid", "must be text", id="name-not-text"),
        pytest.param({"event": "a" * 256}, "event_name_invalid", "256 characters", id="name-long"),
        pytest.param({"event": "a", "expression": 5}, "config_invalid", "text", id="not-text"),
        pytest.param({"cron": 5}, "schedule_invalid", "must be text", id="cron-not-text"),
        pytest.param({"cron": "*" * 256}, "schedule_invalid", "256 characters", id="cron-long"),
        pytest.param({"cron": "@daily"}, "schedule_invalid", "five fields, not 1", id="daily"),
        pytest.param({"cron": "0 * * * * *"}, "schedule_invalid", "fields, not 6", id="seconds"),
        pytest.param({"cron": "TZ=UTC"}, "schedule_invalid", "five fields", id="only-zone"),
        pytest.param({"cron": "60 * * * *"}, "schedule_invalid", "bad minute", id="minute"),
        pytest.param({"cron": "0 0 JUL * *"}, "schedule_invalid", "bad day", id="month-as-day"),
        pytest.param({"cron": "0 0 30 2 *"}, "schedule_invalid", "bad day", id="never"),
        pytest.param({"cron": "0 0 L * *"}, "schedule_invalid", "not supported", id="last"),
        pytest.param({"cron": "0 0 lw * *"}, "schedule_invalid", "not supported", id="weekday"),
        pytest.param({"cron": "0 0 * * 5L"}, "schedule_invalid", "not supported", id="friday"),
        pytest.param({"cron": "0 0 * * MON#1"}, "schedule_invalid", "not supported", id="nth"),
        pytest.param({"cron": "TZ=X/Y 0 0 * * *"}, "schedule_invalid", "'X/Y'", id="no-zone"),
        pytest.param({"cron": "TZ=../a 0 0 * * *"}, "schedule_invalid", "'../a'", id="zone-path"),
        pytest.param({"cron": "TZ=Europe 0 0 * * *"}, "schedule_invalid", "zone", id="zone-folder"),
        pytest.param({**CRON, "jitter": "999ms"}, "schedule_invalid", "'1s' to '5m'", id="short"),
        pytest.param({**CRON, "jitter": "301s"}, "schedule_invalid", "'1s' to '5m'", id="long"),
        pytest.param({**CRON, "jitter": "soon"}, "schedule_invalid", "'soon'", id="jitter-odd"),
        pytest.param({**CRON, "jitter": 60}, "schedule_invalid", "60", id="jitter-number"),
    ],
)
def test_refused(trigger: dict[str, Any], code: str, complaint: str) -> None:
    with pytest.raises(TriggerError) as caught:
        check_trigger(trigger)
    assert caught.value.code == code
    assert complaint in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_refused_expression_is_named() -> None:
    with pytest.raises(ExpressionError, match=r"'unknown.x == 1' cannot be used"):
        check_trigger({"event": "a", "expression": "unknown.x == 1"})


def test_both_errors_are_value_errors() -> None:
    assert issubclass(TriggerError, ValueError)
    assert issubclass(ExpressionError, ValueError)


def test_split_cron() -> None:
    assert split_cron("TZ=Asia/Tokyo  0 9 ? * *") == (ZoneInfo("Asia/Tokyo"), "0 9 * * *")
    assert split_cron("0 9 * * *") == (ZoneInfo("UTC"), "0 9 * * *")
    check_cron("0 9 * * *")
