"""The option classes: which arguments they take, and what they leave to their declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions.flow_control import (
    Batch,
    Cancel,
    Concurrency,
    Debounce,
    Priority,
    RateLimit,
    Singleton,
    Throttle,
    Timeouts,
)

if TYPE_CHECKING:
    from inngest_asgi.functions.option import Option


@pytest.mark.parametrize(
    ("option", "fields"),
    [
        pytest.param(
            Batch(max_size=5, timeout="1m"),
            {"max_size": 5, "timeout": "1m", "key": None, "if_exp": None},
            id="batch",
        ),
        pytest.param(
            Cancel(event="a/b"), {"event": "a/b", "if_exp": None, "timeout": None}, id="cancel"
        ),
        pytest.param(
            Concurrency(limit=5), {"limit": 5, "key": None, "scope": None}, id="concurrency"
        ),
        pytest.param(
            Debounce(period=1000), {"period": 1000, "key": None, "timeout": None}, id="debounce"
        ),
        pytest.param(Priority(run="1"), {"run": "1"}, id="priority"),
        pytest.param(
            RateLimit(limit=5, period="1h"),
            {"limit": 5, "period": "1h", "key": None},
            id="rate-limit",
        ),
        pytest.param(Singleton(mode="skip"), {"mode": "skip", "key": None}, id="singleton"),
        pytest.param(
            Throttle(limit=5, period="1h"),
            {"limit": 5, "period": "1h", "burst": 1, "key": None},
            id="throttle",
        ),
        pytest.param(Timeouts(), {"start": None, "finish": None}, id="timeouts"),
    ],
)
def test_fields_and_defaults(option: Option, fields: dict[str, Any]) -> None:
    assert dict(option) == fields


@pytest.mark.parametrize(
    ("option", "fields", "field"),
    [
        pytest.param(Batch, {"max_size": 5}, "Batch.timeout", id="batch-without-timeout"),
        pytest.param(Batch, {"max_size": 2.0, "timeout": 1}, "Batch.max_size", id="batch-float"),
        pytest.param(Cancel, {}, "Cancel.event", id="cancel-without-event"),
        pytest.param(Concurrency, {"limit": "5"}, "Concurrency.limit", id="concurrency-text"),
        pytest.param(
            Concurrency, {"limit": 5, "scope": "app"}, "Concurrency.scope", id="concurrency-scope"
        ),
        pytest.param(Debounce, {}, "Debounce.period", id="debounce-without-period"),
        pytest.param(Priority, {"run": 5}, "Priority.run", id="priority-number"),
        pytest.param(RateLimit, {"limit": 5}, "RateLimit.period", id="rate-limit-without-period"),
        pytest.param(Singleton, {"mode": "replace"}, "Singleton.mode", id="singleton-mode"),
        pytest.param(
            Throttle, {"limit": 1, "period": 1, "burst": "2"}, "Throttle.burst", id="throttle-burst"
        ),
        pytest.param(Timeouts, {"begin": "1s"}, "Timeouts has no option", id="timeouts-unknown"),
    ],
)
def test_wrong_types_are_refused_when_built(
    option: type[Option], fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(ConfigError, match=field):
        option(**fields)


@pytest.mark.parametrize(
    ("option", "fields"),
    [
        pytest.param(Batch, {"max_size": 1, "timeout": "soon"}, id="batch"),
        pytest.param(Cancel, {"event": "", "timeout": -1}, id="cancel"),
        pytest.param(Debounce, {"period": "8d"}, id="debounce"),
        pytest.param(Timeouts, {"start": "never"}, id="timeouts"),
    ],
)
def test_values_wait_for_the_function_that_is_to_be_named(
    option: type[Option], fields: dict[str, Any]
) -> None:
    assert dict(option(**fields)).items() >= fields.items()
