"""Flow control in a registration: every accepted form, every refusal, one whole record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions.event_types import EventType
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
from tests.functions.declaring import URL, declared, registered
from tests.functions.server_rules import violations

KEY = "event.data.user_id"
BATCH = Batch(max_size=10, timeout="1m")
CANCEL = Cancel(event="shop/refunded")
LAST_DAY = datetime(2026, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=1)))

ACCEPTED = [
    pytest.param({}, {}, id="nothing"),
    pytest.param({"idempotency": KEY}, {"idempotency": KEY}, id="idempotency"),
    pytest.param(
        {"batch_events": BATCH}, {"batchEvents": {"maxSize": 10, "timeout": "1m"}}, id="batch"
    ),
    pytest.param(
        {"batch_events": Batch(max_size=2, timeout=timedelta(days=2), key=KEY, if_exp="true")},
        {"batchEvents": {"maxSize": 2, "timeout": "48h", "key": KEY, "if": "true"}},
        id="batch-in-full-without-days",
    ),
    pytest.param(
        {"batch_events": Batch(max_size=2, timeout="1w1ms")},
        {"batchEvents": {"maxSize": 2, "timeout": "168h1ms"}},
        id="batch-without-weeks",
    ),
    pytest.param(
        {"rate_limit": RateLimit(limit=1, period="24h")},
        {"rateLimit": {"limit": 1, "period": "1d"}},
        id="rate-limit",
    ),
    pytest.param(
        {"rate_limit": RateLimit(limit=5, period=90_000, key=KEY)},
        {"rateLimit": {"limit": 5, "period": "1m30s", "key": KEY}},
        id="rate-limit-in-full",
    ),
    pytest.param(
        {"throttle": Throttle(limit=1, period="1h")},
        {"throttle": {"limit": 1, "period": "1h", "burst": 1}},
        id="throttle",
    ),
    pytest.param(
        {"throttle": Throttle(limit=5, period="10s", burst=0, key=KEY)},
        {"throttle": {"limit": 5, "period": "10s", "burst": 0, "key": KEY}},
        id="throttle-in-full",
    ),
    pytest.param(
        {"throttle": Throttle(limit=5, period="10s", burst=None)},
        {"throttle": {"limit": 5, "period": "10s"}},
        id="throttle-with-the-server-s-burst",
    ),
    pytest.param(
        {"debounce": Debounce(period="1s")}, {"debounce": {"period": "1s"}}, id="debounce"
    ),
    pytest.param(
        {"debounce": Debounce(period=timedelta(days=7), key=KEY, timeout="30d")},
        {"debounce": {"period": "1w", "key": KEY, "timeout": "4w2d"}},
        id="debounce-in-full",
    ),
    pytest.param({"priority": Priority(run="120")}, {"priority": {"run": "120"}}, id="priority"),
    pytest.param({"concurrency": 5}, {"concurrency": [{"limit": 5}]}, id="concurrency-number"),
    pytest.param({"concurrency": 0}, {"concurrency": [{"limit": 0}]}, id="concurrency-no-limit"),
    pytest.param(
        {"concurrency": Concurrency(limit=5, key=KEY)},
        {"concurrency": [{"limit": 5, "key": KEY}]},
        id="concurrency-object",
    ),
    pytest.param(
        {"concurrency": [1, Concurrency(limit=5, key=KEY, scope="account")]},
        {"concurrency": [{"limit": 1}, {"limit": 5, "key": KEY, "scope": "account"}]},
        id="concurrency-list",
    ),
    pytest.param(
        {"concurrency": (Concurrency(limit=5, scope="fn"),)},
        {"concurrency": [{"limit": 5, "scope": "fn"}]},
        id="concurrency-tuple-own-scope-without-key",
    ),
    pytest.param({"concurrency": []}, {}, id="concurrency-empty"),
    pytest.param({"cancel": [CANCEL]}, {"cancel": [{"event": "shop/refunded"}]}, id="cancel"),
    pytest.param({"cancel": CANCEL}, {"cancel": [{"event": "shop/refunded"}]}, id="cancel-alone"),
    pytest.param(
        {"cancel": [Cancel(event="a/b", if_exp="async.data.n == 1", timeout="1h"), CANCEL]},
        {
            "cancel": [
                {"event": "a/b", "if": "async.data.n == 1", "timeout": "1h"},
                {"event": "shop/refunded"},
            ]
        },
        id="cancel-in-full",
    ),
    pytest.param(
        {"cancel": [Cancel(event=EventType("a/b"), timeout=LAST_DAY)]},
        {"cancel": [{"event": "a/b", "timeout": "2026-12-31T22:59:59.000Z"}]},
        id="cancel-until-a-date",
    ),
    pytest.param({"cancel": []}, {}, id="cancel-empty"),
    pytest.param(
        {"batch_events": BATCH, "cancel": []},
        {"batchEvents": {"maxSize": 10, "timeout": "1m"}},
        id="batch-with-an-empty-list-of-cancels",
    ),
    pytest.param(
        {"singleton": Singleton(mode="skip")}, {"singleton": {"mode": "skip"}}, id="singleton"
    ),
    pytest.param(
        {"singleton": Singleton(mode="cancel", key=KEY)},
        {"singleton": {"mode": "cancel", "key": KEY}},
        id="singleton-in-full",
    ),
    pytest.param({"timeouts": Timeouts()}, {}, id="timeouts-empty"),
    pytest.param(
        {"timeouts": Timeouts(start="1m", finish=timedelta(hours=2))},
        {"timeouts": {"start": "1m", "finish": "2h"}},
        id="timeouts",
    ),
    pytest.param({"description": "Takes the money."}, {}, id="description-stays-here"),
]


@pytest.mark.parametrize(("options", "record"), ACCEPTED)
def test_an_option_is_registered_as(options: dict[str, Any], record: dict[str, Any]) -> None:
    assert registered(**options) == record


@pytest.mark.parametrize(("options", "_record"), ACCEPTED)
def test_a_server_would_take_what_is_registered(options: dict[str, Any], _record: Any) -> None:
    (record,) = declared(**options).records(URL)
    assert violations(record) == []


EXPRESSION = "pass a CEL expression such as 'event.data.user_id'."
ZERO = "pass a duration of at least one second."


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param({"idempotency": ""}, f"idempotency is ''; {EXPRESSION}", id="idempotency"),
        pytest.param({"idempotency": 5}, f"idempotency is 5; {EXPRESSION}", id="idempotency-int"),
        pytest.param(
            {"batch_events": Batch(max_size=1, timeout="1m")},
            "batch_events.max_size is 1; pass a whole number of at least 2.",
            id="batch-of-one",
        ),
        pytest.param(
            {"batch_events": Batch(max_size=2, timeout=0)},
            f"batch_events.timeout is 0; {ZERO}",
            id="batch-timeout-zero",
        ),
        pytest.param(
            {"batch_events": Batch(max_size=2, timeout="soon")},
            "batch_events.timeout: 'soon' is not a duration; write one such as '90s' or '1h30m'.",
            id="batch-timeout",
        ),
        pytest.param(
            {"batch_events": Batch(max_size=2, timeout="1m", key="")},
            f"batch_events.key is ''; {EXPRESSION}",
            id="batch-key",
        ),
        pytest.param(
            {"batch_events": Batch(max_size=2, timeout="1m", if_exp=" ")},
            f"batch_events.if_exp is ' '; {EXPRESSION}",
            id="batch-if",
        ),
        pytest.param(
            {"batch_events": {"max_size": 2, "timeout": "1m"}},
            "batch_events is {'max_size': 2, 'timeout': '1m'}; pass Batch(...).",
            id="batch-dict",
        ),
        pytest.param(
            {"batch_events": BATCH, "cancel": [CANCEL]},
            "batch_events and cancel exclude each other; remove one of them.",
            id="batch-and-cancel",
        ),
        pytest.param(
            {"batch_events": BATCH, "debounce": Debounce(period="1m")},
            "batch_events and debounce exclude each other; remove one of them.",
            id="batch-and-debounce",
        ),
        pytest.param(
            {"batch_events": BATCH, "singleton": Singleton(mode="skip")},
            "batch_events and singleton exclude each other; remove one of them.",
            id="batch-and-singleton",
        ),
        pytest.param(
            {"batch_events": BATCH, "priority": Priority(run="1")},
            "batch_events and priority exclude each other; remove one of them.",
            id="batch-and-priority",
        ),
        pytest.param(
            {"rate_limit": RateLimit(limit=0, period="1h")},
            "rate_limit.limit is 0; pass a whole number of at least 1.",
            id="rate-limit-zero",
        ),
        pytest.param(
            {"rate_limit": RateLimit(limit=1, period="24h1s")},
            "rate_limit.period is '24h1s'; the longest allowed is 1d.",
            id="rate-limit-period",
        ),
        pytest.param(
            {"rate_limit": RateLimit(limit=1, period=-1)},
            "rate_limit.period: a duration cannot be negative, got -1.",
            id="rate-limit-negative",
        ),
        pytest.param(
            {"rate_limit": RateLimit(limit=1, period="1h", key="")},
            f"rate_limit.key is ''; {EXPRESSION}",
            id="rate-limit-key",
        ),
        pytest.param(
            {"throttle": Throttle(limit=0, period="1h")},
            "throttle.limit is 0; pass a whole number of at least 1.",
            id="throttle-zero",
        ),
        pytest.param(
            {"throttle": Throttle(limit=1, period="1h", burst=-1)},
            "throttle.burst is -1; pass a whole number of at least 0.",
            id="throttle-burst",
        ),
        pytest.param(
            {"throttle": Throttle(limit=1, period=0)},
            f"throttle.period is 0; {ZERO}",
            id="throttle-period",
        ),
        pytest.param(
            {"throttle": RateLimit(limit=1, period="1h")},
            "throttle is RateLimit(limit=1, period='1h', key=None); pass Throttle(...).",
            id="another-option",
        ),
        pytest.param(
            {"debounce": Debounce(period="7d1s")},
            "debounce.period is '7d1s'; the longest allowed is 1w.",
            id="debounce-period",
        ),
        pytest.param(
            {"debounce": Debounce(period="1s", timeout=0)},
            f"debounce.timeout is 0; {ZERO}",
            id="debounce-timeout",
        ),
        pytest.param({"debounce": "1m"}, "debounce is '1m'; pass Debounce(...).", id="debounce"),
        pytest.param(
            {"priority": Priority(run="")}, f"priority.run is ''; {EXPRESSION}", id="priority"
        ),
        pytest.param(
            {"concurrency": -1},
            "concurrency is -1; pass a whole number of at least 0.",
            id="concurrency-negative",
        ),
        pytest.param(
            {"concurrency": True},
            "concurrency is True; pass a whole number of at least 0.",
            id="concurrency-bool",
        ),
        pytest.param(
            {"concurrency": "5"}, "concurrency is '5'; pass Concurrency(...).", id="concurrency"
        ),
        pytest.param(
            {"concurrency": [1, 2, 3]},
            "concurrency has 3 entries; at most 2 are allowed.",
            id="three-concurrencies",
        ),
        pytest.param(
            {"concurrency": [1, Concurrency(limit=-2)]},
            "concurrency[1].limit is -2; pass a whole number of at least 0.",
            id="second-concurrency",
        ),
        pytest.param(
            {"concurrency": Concurrency(limit=1, scope="env")},
            "concurrency.key is missing; a limit of the scope 'env' is shared by the functions "
            "that have the same key.",
            id="env-without-key",
        ),
        pytest.param(
            {"concurrency": Concurrency(limit=1, scope="account")},
            "concurrency.key is missing; a limit of the scope 'account' is shared by the "
            "functions that have the same key.",
            id="account-without-key",
        ),
        pytest.param(
            {"cancel": [CANCEL] * 6},
            "cancel has 6 entries; at most 5 are allowed.",
            id="six-cancels",
        ),
        pytest.param(
            {"cancel": [CANCEL, "a/b"]}, "cancel[1] is 'a/b'; pass Cancel(...).", id="cancel-text"
        ),
        pytest.param(
            {"cancel": [Cancel(event="a/*.b")]},
            "cancel[0].event is 'a/*.b'; a '*' must be the last character and follow a '/' or "
            "a '.', as in 'shop/*'.",
            id="cancel-event",
        ),
        pytest.param(
            {"cancel": [Cancel(event="a/b", if_exp="")]},
            f"cancel[0].if_exp is ''; {EXPRESSION}",
            id="cancel-if",
        ),
        pytest.param(
            {"cancel": [Cancel(event="a/b", timeout="later")]},
            "cancel[0].timeout: 'later' is not a duration; write one such as '90s' or '1h30m'.",
            id="cancel-timeout",
        ),
        pytest.param(
            {"cancel": [Cancel(event="a/b", timeout=LAST_DAY.replace(tzinfo=None))]},
            "cancel[0].timeout: datetime.datetime(2026, 12, 31, 23, 59, 59) has no time zone; "
            "use datetime.now(timezone.utc) or .astimezone().",
            id="cancel-until-somewhere",
        ),
        pytest.param({"singleton": "skip"}, "singleton is 'skip'; pass Singleton(...).", id="mode"),
        pytest.param(
            {"singleton": Singleton(mode="skip", key="")},
            f"singleton.key is ''; {EXPRESSION}",
            id="singleton-key",
        ),
        pytest.param(
            {"timeouts": Timeouts(start=0)}, f"timeouts.start is 0; {ZERO}", id="timeouts-start"
        ),
        pytest.param(
            {"timeouts": Timeouts(finish="1x")},
            "timeouts.finish: '1x' is not a duration; write one such as '90s' or '1h30m'.",
            id="timeouts-finish",
        ),
    ],
)
def test_a_refusal_names_function_and_field(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        declared(**options)
    assert str(raised.value) == f"Function 'shop-pay': {sentence}"


def test_a_duration_below_one_second_is_rounded_up_with_one_warning() -> None:
    with pytest.warns(UserWarning, match=r"'shop-pay': batch_events\.timeout: 5 is") as warned:
        record = registered(batch_events=Batch(max_size=2, timeout=5))
    assert record["batchEvents"]["timeout"] == "1s"
    assert len(warned) == 1


def test_idempotency_beside_a_rate_limit_warns_once() -> None:
    limit = RateLimit(limit=1, period="1h")
    with pytest.warns(UserWarning, match="'shop-pay': idempotency takes the place of") as warned:
        record = registered(idempotency=KEY, rate_limit=limit)
    assert record.keys() == {"idempotency", "rateLimit"}
    assert len(warned) == 1


def test_utc_moments_are_written_as_they_are() -> None:
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    record = registered(cancel=[Cancel(event="a/b", timeout=noon)])
    assert record == {"cancel": [{"event": "a/b", "timeout": "2026-01-02T12:00:00.000Z"}]}
