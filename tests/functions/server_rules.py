"""What a server demands of a registered function (http.md 8), written down without our code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = frozenset(
    {
        "id",
        "name",
        "triggers",
        "steps",
        "idempotency",
        "batchEvents",
        "rateLimit",
        "throttle",
        "debounce",
        "priority",
        "concurrency",
        "cancel",
        "singleton",
        "timeouts",
    }
)
NOT_WITH_BATCH = frozenset({"cancel", "debounce", "singleton", "priority"})
DURATION = re.compile(r"([0-9]+(w|d|h|ms|us|ns|m|s))+")
GO_DURATION = re.compile(r"([0-9]+(h|ms|us|ns|m|s))+")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SECONDS = {
    "w": 604_800,
    "d": 86_400,
    "h": 3600,
    "m": 60,
    "s": 1,
    "ms": 1e-3,
    "us": 1e-6,
    "ns": 1e-9,
}


def violations(record: dict[str, Any]) -> list[str]:
    """Return why a server would refuse a record; an empty list when it would not."""
    return [reason for check in _CHECKS for reason in check(record)]


def _fields(record: dict[str, Any]) -> Iterator[str]:
    yield from (f"unknown field {name}" for name in record.keys() - FIELDS)
    yield from (f"{path} is null" for path in _nulls(record, ""))
    if "batchEvents" in record and record.keys() & NOT_WITH_BATCH:
        yield "batchEvents is combined with what it excludes"


def _nulls(value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _nulls(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _nulls(item, path)


def _triggers(record: dict[str, Any]) -> Iterator[str]:
    triggers = record["triggers"]
    if not 1 <= len(triggers) <= 10:
        yield "not 1 to 10 triggers"
    crons = [trigger["cron"] for trigger in triggers if "cron" in trigger]
    events = [str(sorted(trigger.items())) for trigger in triggers if "event" in trigger]
    if len(set(crons)) < len(crons) or len(set(events)) < len(events):
        yield "a trigger is repeated"
    if len(crons) + len(events) != len(triggers):
        yield "a trigger is neither event nor cron, or both"
    for cron in crons:
        if not re.fullmatch(r"(TZ=\S+ )?[^@\s]+( [^@\s]+){4}", cron) or len(cron) > 255:
            yield f"cron {cron!r}"
    for trigger in triggers:
        if "jitter" in trigger and not 1 <= _seconds(trigger["jitter"]) <= 300:
            yield "jitter"


def _steps(record: dict[str, Any]) -> Iterator[str]:
    if list(record["steps"]) != ["step"]:
        yield "not exactly one step"
    step = record["steps"]["step"]
    url = urlsplit(step["runtime"]["url"])
    if not step["id"] or not step["name"] or url.scheme not in ("http", "https"):
        yield "step without id, name or URL"
    if parse_qs(url.query)["fnId"] != [record["id"]] or parse_qs(url.query)["stepId"] != ["step"]:
        yield "URL that does not name the function"
    if not 0 <= step.get("retries", {"attempts": 0})["attempts"] <= 20:
        yield "retries"


def _limits(record: dict[str, Any]) -> Iterator[str]:
    batch = record.get("batchEvents", {"maxSize": 2, "timeout": "1s"})
    if batch["maxSize"] < 2 or not GO_DURATION.fullmatch(batch["timeout"]):
        yield "batchEvents"
    if _seconds(batch["timeout"]) < 1:
        yield "batchEvents.timeout"
    rate = record.get("rateLimit", {"limit": 1, "period": "1s"})
    if rate["limit"] < 1 or not 0 < _seconds(rate["period"]) <= 86_400:
        yield "rateLimit"
    if not 1 <= _seconds(record.get("debounce", {"period": "1s"})["period"]) <= 7 * 86_400:
        yield "debounce"
    if _seconds(record.get("throttle", {"period": "1s"})["period"]) < 1:
        yield "throttle"


def _lists(record: dict[str, Any]) -> Iterator[str]:
    cancels, limits = record.get("cancel", []), record.get("concurrency", [])
    if len(cancels) > 5 or len(limits) > 2:
        yield "too many cancels or concurrency limits"
    if any(one.get("scope") in ("env", "account") and "key" not in one for one in limits):
        yield "a shared concurrency limit without key"
    timeouts = [one["timeout"] for one in cancels if "timeout" in one]
    if not all(DURATION.fullmatch(one) or MOMENT.fullmatch(one) for one in timeouts):
        yield "cancel.timeout"


def _seconds(duration: str) -> float:
    assert DURATION.fullmatch(duration)
    parts = re.findall(r"([0-9]+)(ms|us|ns|w|d|h|m|s)", duration)
    return sum(int(count) * SECONDS[unit] for count, unit in parts)


_CHECKS = (_fields, _triggers, _steps, _limits, _lists)
