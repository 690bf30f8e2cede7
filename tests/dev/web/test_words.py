"""Flow control in words, option by option."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.flow.admission import Reason
from inngest_asgi.dev.records import Happening, Record
from inngest_asgi.dev.web.words import flow_words, held_words


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, []),
        ({"concurrency": 1}, ["At most 1 step at a time"]),
        ({"concurrency": 0}, []),
        ({"concurrency": {"limit": 0}}, []),
        (
            {"concurrency": {"limit": 5, "key": "event.data.id"}},
            ["At most 5 steps at a time per event.data.id"],
        ),
        (
            {"concurrency": [{"limit": 5}, {"limit": 9, "key": "'x'", "scope": "account"}]},
            ["At most 5 steps at a time", "At most 9 steps at a time per 'x' across all apps"],
        ),
        (
            {"concurrency": {"fn": [{"limit": 2}], "step": [{"limit": 3}]}},
            ["At most 2 runs at a time, sleeps included", "At most 3 steps at a time"],
        ),
        ({"concurrency": {"fn": [{"limit": 1}]}}, ["At most 1 run at a time, sleeps included"]),
        (
            {"throttle": {"limit": 1, "period": "1m", "burst": 1}},
            ["Starts at most once per 1m; the others wait"],
        ),
        (
            {"throttle": {"limit": 10, "period": "1m", "burst": 5, "key": "event.data.id"}},
            [
                "Starts at most 10 times per 1m per event.data.id, with bursts of 5 more; "
                "the others wait"
            ],
        ),
        (
            {"rateLimit": {"limit": 3, "period": "1h"}},
            ["Starts at most 3 times per 1h; events beyond that start nothing"],
        ),
        (
            {"debounce": {"period": "5s"}},
            ["Starts once no event came for 5s, with the last event"],
        ),
        (
            {"debounce": {"period": "5s", "key": "event.data.id", "timeout": "1m"}},
            [
                "Starts once no event came for 5s per event.data.id, but at most 1m after the "
                "first, with the last event"
            ],
        ),
        (
            {"batchEvents": {"maxSize": 10, "timeout": "5s", "key": "event.data.id"}},
            ["Takes up to 10 events at once, or what came within 5s per event.data.id"],
        ),
        (
            {"batchEvents": {"maxSize": 10, "timeout": "5s", "if": "event.data.bulk"}},
            [
                "Takes up to 10 events at once, or what came within 5s, "
                "of events where event.data.bulk"
            ],
        ),
        ({"singleton": {"mode": "skip"}}, ["One run at a time; a new event starts nothing"]),
        (
            {"singleton": {"mode": "cancel", "key": "event.data.id"}},
            ["One run at a time per event.data.id; a new event cancels the one before"],
        ),
        (
            {"priority": {"run": "event.data.vip ? 60 : 0"}},
            ["Moves ahead in the queue by event.data.vip ? 60 : 0 seconds"],
        ),
        ({"idempotency": "event.data.id"}, ["Starts once in 24 hours per event.data.id"]),
        (
            {"cancel": [{"event": "a"}, {"event": "b", "if": "x", "timeout": "1h"}]},
            ["Cancelled by a", "Cancelled by b where x, within 1h"],
        ),
        (
            {"timeouts": {"start": "10s", "finish": "5m"}},
            [
                "Cancelled unless it starts within 10s",
                "Cancelled unless it ends within 5m of its start",
            ],
        ),
        ({"timeouts": {"finish": "5m"}}, ["Cancelled unless it ends within 5m of its start"]),
        ({"timeouts": {"start": "5m"}}, ["Cancelled unless it starts within 5m"]),
    ],
    ids=str,
)  # fmt: skip
def test_options_become_sentences(config: dict[str, Any], expected: list[str]) -> None:
    assert [one["text"] for one in flow_words(config)] == expected


def test_each_sentence_has_its_kind() -> None:
    config = {"rateLimit": {"limit": 3, "period": "1h"}, "idempotency": "event.data.id"}
    assert [one["kind"] for one in flow_words(config)] == ["rate limit", "idempotency"]


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_every_reason_for_starting_nothing_has_its_words(reason: Reason) -> None:
    record = Record(1, 5.0, "", "e", Happening.NOT_STARTED, {"function": "f", "reason": reason})
    shown = held_words(record)
    assert shown["text"] != str(reason)
    assert (shown["function"], shown["at"], shown["until"]) == ("f", 5.0, None)


def test_what_waits_says_until_when() -> None:
    details = {"function": "f", "reason": "batch", "window": "w", "until": 65.0}
    record = Record(1, 5.0, "", "e", Happening.EVENT_WAITING, details)
    assert held_words(record)["until"] == 65.0
