"""Options that govern when runs start and end: what may be registered, and the code if not."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.flow.checks import checked_flow_control
from inngest_asgi.errors import RequestError

BATCH = {"maxSize": 10, "timeout": "60s"}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"batchEvents": BATCH | {"key": "event.data.k", "if": "event.data.n == 1"}},
        {"rateLimit": {"limit": 1, "period": "24h", "key": "event.data.k"}},
        {"throttle": {"limit": 0, "period": "1m", "burst": 1}},
        {"debounce": {"period": "7d", "timeout": "1h", "key": "event.data.k"}},
        {"priority": {"run": "event.data.n"}},
        {"idempotency": "event.data.k"},
        {"singleton": {"mode": "cancel", "key": "event.data.k"}},
        {"timeouts": {"start": "1m", "finish": None}},
        {"cancel": [{"event": "a", "if": "event.data.k == async.data.k", "timeout": "1h"}]},
        {"cancel": [{"event": "a", "timeout": "2030-01-01T00:00:00Z"}]},
        {"concurrency": 5},
        {"concurrency": {"limit": 0}},
        {"concurrency": [{"limit": 1}, {"limit": 2, "scope": "env", "key": "'k'"}]},
        {"concurrency": {"fn": [{"limit": 1, "scope": None}], "step": [{"limit": 5}]}},
        {"concurrency": {"step": 7}},
    ],
    ids=lambda config: next(iter(config), "nothing"),
)
def test_what_may_be_registered(config: dict[str, Any]) -> None:
    checked_flow_control(config)


@pytest.mark.parametrize(
    ("config", "code", "says"),
    [
        ({"batchEvents": 5}, "config_invalid", "object"),
        ({"batchEvents": BATCH | {"maxSize": 1}}, "batch_size_invalid", "at least 2"),
        ({"batchEvents": BATCH | {"maxSize": True}}, "batch_size_invalid", "at least 2"),
        ({"batchEvents": {"maxSize": 2}}, "batch_timeout_invalid", "required"),
        ({"batchEvents": BATCH | {"timeout": "1d"}}, "batch_timeout_invalid", "hours"),
        ({"batchEvents": BATCH | {"timeout": "1ms"}}, "batch_timeout_invalid", "at least 1s"),
        ({"batchEvents": BATCH | {"key": "(("}}, "batch_key_expression_invalid", "key"),
        ({"batchEvents": BATCH | {"if": "(("}}, "batch_if_expression_invalid", "if"),
        ({"batchEvents": BATCH, "cancel": [{"event": "a"}]}, "combo_unsupported", "cancel"),
        ({"batchEvents": BATCH, "debounce": {"period": "1s"}}, "combo_unsupported", "debounce"),
        ({"batchEvents": BATCH, "singleton": {"mode": "skip"}}, "combo_unsupported", "singleton"),
        ({"batchEvents": BATCH, "priority": {"run": "1"}}, "combo_unsupported", "priority"),
        ({"rateLimit": {"limit": 0, "period": "1m"}}, "config_invalid", "at least 1"),
        ({"rateLimit": {"limit": 1, "period": "25h"}}, "config_invalid", "at most 24h"),
        ({"rateLimit": {"limit": 1}}, "config_invalid", "duration"),
        ({"throttle": {"limit": -1, "period": "1m"}}, "config_invalid", "whole number"),
        ({"throttle": {"limit": 1, "burst": "2", "period": "1m"}}, "config_invalid", "burst"),
        ({"throttle": {"limit": 1, "period": "1ms"}}, "config_invalid", "at least 1s"),
        ({"debounce": {"period": "8d"}}, "config_invalid", "at most 168h"),
        ({"debounce": {"period": "1m", "timeout": "x"}}, "config_invalid", "timeout"),
        ({"priority": {"run": "(("}}, "config_invalid", "priority.run"),
        ({"priority": {"run": 5}}, "config_invalid", "expression"),
        ({"idempotency": "(("}, "config_invalid", "idempotency"),
        ({"singleton": {}}, "config_invalid", "singleton.mode"),
        ({"timeouts": {"start": 5}}, "config_invalid", "timeouts.start"),
        ({"cancel": {"event": "a"}}, "config_invalid", "array"),
        ({"cancel": [{"event": "a"}] * 6}, "config_invalid", "at most 5"),
        ({"cancel": [{}]}, "config_invalid", "needs an event"),
        ({"cancel": [{"event": "a", "timeout": "x"}]}, "config_invalid", "cancel.timeout"),
        ({"concurrency": "5"}, "concurrency_limit_invalid", "whole number"),
        ({"concurrency": [1, 2, 3]}, "concurrency_limit_invalid", "at most 2"),
        ({"concurrency": {"limit": 1, "scope": "x"}}, "concurrency_limit_invalid", "no scope"),
        ({"concurrency": {"limit": 1, "scope": "env"}}, "concurrency_limit_invalid", "a key"),
        ({"concurrency": {"fn": [1, 2]}}, "concurrency_limit_invalid", "one limit"),
        ({"concurrency": {"fn": 0}}, "concurrency_limit_invalid", "above 0"),
        ({"concurrency": {"limit": 1, "key": "(("}}, "config_invalid", "concurrency.key"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_is_refused_says_why(config: dict[str, Any], code: str, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        checked_flow_control(config)
    assert (caught.value.code, caught.value.status) == (code, 400)
