"""Flow control as registered, in all its forms, and what is assumed where nothing is said."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.flow.gcra import Rate
from inngest_asgi.dev.flow.rules import (
    DEFAULT_CONCURRENCY,
    Batch,
    Debounce,
    Limit,
    Pace,
    Rules,
    Singleton,
    read_rules,
)

KEY = "event.data.user"


def rules(**config: Any) -> Rules:
    return read_rules("f", config)


def test_without_options_only_the_number_of_calls_is_limited() -> None:
    none = rules()
    assert none.calls == (Limit("calls f", DEFAULT_CONCURRENCY),)
    assert (none.rate_limit, none.debounce, none.batch, none.singleton) == (None,) * 4
    assert (none.throttle, none.runs, none.priority) == (None, None, "")
    assert not none.holds_back
    assert not none.reads_events


@pytest.mark.parametrize(
    ("concurrency", "calls", "runs"),
    [
        (5, (Limit("calls f", 5),), None),
        (0, (), None),
        ({"limit": 5}, (Limit("calls f", 5),), None),
        ({"limit": 5, "key": KEY}, (Limit(f"calls f {KEY}", 5, KEY),), None),
        (
            [{"limit": 5}, {"limit": 1, "key": KEY, "scope": "env"}],
            (Limit("calls f", 5), Limit("calls env", 1, KEY)),
            None,
        ),
        ({"limit": 1, "key": KEY, "scope": "account"}, (Limit("calls account", 1, KEY),), None),
        ({"fn": [{"limit": 2}]}, (Limit("calls f", DEFAULT_CONCURRENCY),), Limit("runs f", 2)),
        ({"fn": [{"limit": 2}], "step": 3}, (Limit("calls f", 3),), Limit("runs f", 2)),
        ({"step": [{"limit": 3}, {"limit": 0}]}, (Limit("calls f", 3),), None),
    ],
    ids=[
        *("number", "zero", "object", "key", "two", "account", "runs", "runs-and-calls"),
        "one-of-zero",
    ],
)
def test_concurrency(concurrency: Any, calls: tuple[Limit, ...], runs: Limit | None) -> None:
    found = rules(concurrency=concurrency)
    assert (found.calls, found.runs) == (calls, runs)


@pytest.mark.parametrize(
    ("throttle", "rate"),
    [
        ({"limit": 2, "period": "60s"}, Rate(30, 2)),
        ({"limit": 2, "period": "60s", "burst": 3}, Rate(30, 5)),
        ({"limit": 0, "period": "1m"}, Rate(60, 1)),
        ({"limit": 1, "period": "1500ms"}, Rate(1, 1)),
    ],
    ids=["plain", "burst", "zero-is-one", "whole-seconds"],
)
def test_throttle(throttle: dict[str, Any], rate: Rate) -> None:
    assert rules(throttle=throttle).throttle == Pace("throttle f", rate)


@pytest.mark.parametrize(
    ("config", "pace"),
    [
        ({"rateLimit": {"limit": 100, "period": "1h"}}, Pace("rate f", Rate(36, 11))),
        ({"rateLimit": {"limit": 4, "period": "1m", "key": KEY}}, Pace("rate f", Rate(15, 1), KEY)),
        ({"idempotency": KEY}, Pace(f"idempotency f {KEY}", Rate(86_400, 1), KEY)),
    ],
    ids=["plain", "key", "idempotency"],
)
def test_rate_limits(config: dict[str, Any], pace: Pace) -> None:
    found = rules(**config)
    assert found.rate_limit == pace
    assert found.idempotent == ("idempotency" in config)
    assert found.holds_back


@pytest.mark.parametrize(
    ("config", "name", "rule"),
    [
        ({"debounce": {"period": "1m"}}, "debounce", Debounce(60, None, "")),
        (
            {"debounce": {"period": "1m", "timeout": "1h", "key": KEY}},
            "debounce",
            Debounce(60, 3_600, KEY),
        ),
        ({"batchEvents": {"maxSize": 9, "timeout": "5s"}}, "batch", Batch(9, 5, "", "")),
        (
            {"batchEvents": {"maxSize": 9, "timeout": "5s", "key": KEY, "if": "true"}},
            "batch",
            Batch(9, 5, KEY, "true"),
        ),
        ({"singleton": {"mode": "skip"}}, "singleton", Singleton("singleton f", "", False)),  # noqa: FBT003
        (
            {"singleton": {"mode": "cancel", "key": KEY}},
            "singleton",
            Singleton("singleton f", KEY, True),  # noqa: FBT003
        ),
        ({"priority": {"run": "60"}}, "priority", "60"),
    ],
    ids=["debounce", "debounce-all", "batch", "batch-all", "skip", "cancel", "priority"],
)
def test_other_options(config: dict[str, Any], name: str, rule: Any) -> None:
    assert getattr(rules(**config), name) == rule


@pytest.mark.parametrize(
    ("config", "reads"),
    [
        ({"concurrency": 5}, False),
        ({"concurrency": {"limit": 5, "key": KEY}}, True),
        ({"concurrency": {"fn": [{"limit": 5, "key": KEY}]}}, True),
        ({"throttle": {"limit": 1, "period": "1s"}}, False),
        ({"throttle": {"limit": 1, "period": "1s", "key": KEY}}, True),
        ({"singleton": {"mode": "skip", "key": KEY}}, True),
        ({"priority": {"run": "60"}}, True),
        ({"rateLimit": {"limit": 1, "period": "1s", "key": KEY}}, False),
    ],
    ids=[
        *("limit", "keyed-limit", "keyed-runs", "throttle", "keyed-throttle", "singleton"),
        *("priority", "rate-limit"),
    ],
)
def test_whether_a_runs_event_must_be_read(config: dict[str, Any], *, reads: bool) -> None:
    assert rules(**config).reads_events is reads
