"""The registration table of http.md 8: each option, and its bytes in what is registered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import inngest_asgi as inngest
from tests.routes.asking import ORDERED, Api, app_of, asked, dev_client

URL = "https://app.example/api/inngest"
EVENT = '[{"event":"shop/ordered"}]'
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def record(config: str = "", *, triggers: str = EVENT, retries: str = "", name: str = "pay") -> str:
    """Write the record of function "pay" as we do."""
    return (
        f'{{"id":"shop-pay","name":"{name}","triggers":{triggers},{config}'
        '"steps":{"step":{"id":"step","name":"step","runtime":'
        f'{{"url":"{URL}?fnId=shop-pay&stepId=step","type":"http"}}{retries}}}}}}}'
    )


def registered(**options: Any) -> bytes:
    """Register a function with options and return what the server was told of functions."""
    api = Api()
    client = dev_client(api)

    given: dict[str, Any] = {"fn_id": "pay", "trigger": ORDERED} | options

    @client.create_function(**given)
    async def pay(ctx: inngest.Context) -> None: ...

    assert asked(app_of(client), "PUT", body=b'{"url":"https://app.example/"}').status == 200
    return api.request.content


FN_LIMIT = inngest.Concurrency(limit=1, key="event.data.k", scope="env")

OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, record()),
    "name": ({"name": "Pay"}, record(name="Pay")),
    "event with expression": (
        {"trigger": inngest.TriggerEvent(event="a/*", expression="event.data.x == 1")},
        record(triggers='[{"event":"a/*","expression":"event.data.x == 1"}]'),
    ),
    "cron": (
        {"trigger": inngest.TriggerCron(cron="0 9 * * 1")},
        record(triggers='[{"cron":"0 9 * * 1"}]'),
    ),
    "cron in a time zone, with jitter": (
        {"trigger": inngest.TriggerCron(cron="0 9 * * 1", jitter="30s", timezone="Europe/Paris")},
        record(triggers='[{"cron":"TZ=Europe/Paris 0 9 * * 1","jitter":"30s"}]'),
    ),
    "several triggers": (
        {"trigger": [ORDERED, inngest.TriggerCron(cron="* * * * *")]},
        record(triggers='[{"event":"shop/ordered"},{"cron":"* * * * *"}]'),
    ),
    "an event type": (
        {"trigger": inngest.EventType("shop/ordered")},
        record(),
    ),
    "retries": ({"retries": 3}, record(retries=',"retries":{"attempts":3}')),
    "no retries": ({"retries": 0}, record(retries=',"retries":{"attempts":0}')),
    "idempotency": (
        {"idempotency": "event.data.id"},
        record('"idempotency":"event.data.id",'),
    ),
    "batch_events, in Go's units": (
        {"batch_events": inngest.Batch(max_size=5, timeout=timedelta(days=1, seconds=30))},
        record('"batchEvents":{"maxSize":5,"timeout":"24h30s"},'),
    ),
    "batch_events, whole": (
        {
            "batch_events": inngest.Batch(
                max_size=2, timeout="90s", key="event.data.k", if_exp="true"
            )
        },
        record('"batchEvents":{"maxSize":2,"timeout":"1m30s","key":"event.data.k","if":"true"},'),
    ),
    "rate_limit": (
        {"rate_limit": inngest.RateLimit(limit=5, period="1h", key="event.data.k")},
        record('"rateLimit":{"limit":5,"period":"1h","key":"event.data.k"},'),
    ),
    "throttle": (
        {"throttle": inngest.Throttle(limit=5, period=60_000, burst=2, key="event.data.k")},
        record('"throttle":{"limit":5,"period":"1m","burst":2,"key":"event.data.k"},'),
    ),
    "debounce": (
        {"debounce": inngest.Debounce(period="1m", key="event.data.k", timeout="1h")},
        record('"debounce":{"period":"1m","key":"event.data.k","timeout":"1h"},'),
    ),
    "priority": (
        {"priority": inngest.Priority(run="event.data.p")},
        record('"priority":{"run":"event.data.p"},'),
    ),
    "concurrency, a number": ({"concurrency": 5}, record('"concurrency":[{"limit":5}],')),
    "concurrency, two": (
        {"concurrency": [5, FN_LIMIT]},
        record('"concurrency":[{"limit":5},{"limit":1,"key":"event.data.k","scope":"env"}],'),
    ),
    "cancel": (
        {
            "cancel": [
                inngest.Cancel(event="x", if_exp="true", timeout="1d"),
                inngest.Cancel(event="y", timeout=MOMENT),
            ]
        },
        record(
            '"cancel":[{"event":"x","if":"true","timeout":"1d"},'
            '{"event":"y","timeout":"2026-01-02T03:04:05.000Z"}],'
        ),
    ),
    "singleton": (
        {"singleton": inngest.Singleton(mode="cancel", key="event.data.k")},
        record('"singleton":{"mode":"cancel","key":"event.data.k"},'),
    ),
    "timeouts": (
        {"timeouts": inngest.Timeouts(start="1m", finish="1h")},
        record('"timeouts":{"start":"1m","finish":"1h"},'),
    ),
}


@pytest.mark.parametrize(("options", "expected"), OPTIONS.values(), ids=list(OPTIONS))
def test_an_option_is_registered_as_the_table_says(options: dict[str, Any], expected: str) -> None:
    assert f'"functions":[{expected}]'.encode() in registered(**options)


async def handle(ctx: inngest.Context) -> None: ...


def test_a_failure_handler_is_a_function_of_its_own() -> None:
    companion = (
        '{"id":"shop-pay-failure","name":"pay (failure)","triggers":'
        '[{"event":"inngest/function.failed",'
        '"expression":"event.data.function_id == \'shop-pay\'"}],'
        '"steps":{"step":{"id":"step","name":"step","runtime":'
        f'{{"url":"{URL}?fnId=shop-pay-failure&stepId=step","type":"http"}},'
        '"retries":{"attempts":0}}}}'
    )
    expected = f'"functions":[{record()},{companion}]'
    assert expected.encode() in registered(on_failure=handle)


@pytest.mark.parametrize("options", [one[0] for one in OPTIONS.values()], ids=list(OPTIONS))
def test_nulls_are_never_registered(options: dict[str, Any]) -> None:
    # http.md 8: the server chokes on a null scope.
    assert b"null" not in registered(**options)
