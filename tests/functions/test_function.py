"""A declared function: what is read from it, and the records it registers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from inngest_asgi.errors import EventValidationError
from inngest_asgi.functions.event_types import EventType
from inngest_asgi.functions.flow_control import (
    Cancel,
    Concurrency,
    Debounce,
    Priority,
    RateLimit,
    Singleton,
    Throttle,
    Timeouts,
)
from inngest_asgi.functions.triggers import TriggerCron, TriggerEvent
from inngest_asgi.wire.calls import Call, parse_call
from inngest_asgi.wire.codec import dumps
from tests.functions.declaring import PAID, URL, declared, handle, handle_sync
from tests.functions.server_rules import violations

KEY = "event.data.user_id"


def test_what_is_read_from_a_function() -> None:
    pay = declared(name="Pay", description="Takes the money.", retries=3)
    read = (pay.id, pay.get_id(), pay.local_id, pay.app_id, pay.name, pay.description, pay.retries)
    assert read == ("shop-pay", "shop-pay", "pay", "shop", "Pay", "Takes the money.", 3)


def test_what_is_left_out_has_a_default() -> None:
    pay = declared()
    read = (pay.name, pay.description, pay.retries, pay.failure, pay.on_failure_fn_id)
    assert read == ("pay", None, None, None, None)


def test_repr_is_short() -> None:
    assert repr(declared()) == "<Function shop-pay>"


def test_triggers_are_those_of_the_declaration() -> None:
    assert declared().triggers == (PAID,)


def test_a_function_without_options_is_registered_byte_for_byte() -> None:
    assert dumps(declared().records(URL)).decode() == (
        '[{"id":"shop-pay","name":"pay","triggers":[{"event":"shop/paid"}],'
        '"steps":{"step":{"id":"step","name":"step","runtime":'
        '{"url":"https://app.example/api/inngest?fnId=shop-pay&stepId=step","type":"http"}}}}]'
    )


@pytest.mark.parametrize("retries", [0, 20])
def test_retries_are_registered_when_given(retries: int) -> None:
    (record,) = declared(retries=retries).records(URL)
    assert record["steps"]["step"]["retries"] == {"attempts": retries}


@pytest.mark.parametrize(
    ("url", "fn_id", "called"),
    [
        pytest.param(
            "http://localhost:8000",
            "pay",
            "http://localhost:8000?fnId=shop-pay&stepId=step",
            id="no-path",
        ),
        pytest.param(
            "http://h/x?a=1&b=%20",
            "pay",
            "http://h/x?a=1&b=%20&fnId=shop-pay&stepId=step",
            id="query-kept",
        ),
        pytest.param(
            "http://h/x#top", "pay", "http://h/x?fnId=shop-pay&stepId=step#top", id="fragment"
        ),
        pytest.param(
            "http://h/x",
            "a b&c/ü?",
            "http://h/x?fnId=shop-a%20b%26c%2F%C3%BC%3F&stepId=step",
            id="encoded",
        ),
        pytest.param(
            "wss://connect", "pay", "wss://connect?fnId=shop-pay&stepId=step", id="websocket"
        ),
    ],
)
def test_the_url_names_the_function(url: str, fn_id: str, called: str) -> None:
    (record,) = declared(fn_id=fn_id).records(url)
    assert record["steps"]["step"]["runtime"]["url"] == called


def test_one_function_is_registered_at_several_urls() -> None:
    pay = declared()
    urls = ["http://a/x", "http://b/y", "http://a/x"]
    records = [pay.records(url)[0] for url in urls]
    assert [one["steps"]["step"]["runtime"]["url"] for one in records] == [
        f"{url}?fnId=shop-pay&stepId=step" for url in urls
    ]


def test_the_failure_function_is_a_function_of_its_own() -> None:
    pay = declared(name="Pay", on_failure=handle_sync)
    assert pay.failure is not None
    read = (pay.failure.id, pay.failure.local_id, pay.failure.name, pay.failure.retries)
    assert read == ("shop-pay-failure", "pay-failure", "Pay (failure)", 0)
    assert pay.on_failure_fn_id == "shop-pay-failure"


def test_the_failure_function_waits_for_failures_of_its_function() -> None:
    pay = declared(on_failure=handle)
    assert pay.failure is not None
    expression = "event.data.function_id == 'shop-pay'"
    assert pay.failure.triggers == (
        TriggerEvent(event="inngest/function.failed", expression=expression),
    )


def test_the_id_is_quoted_for_the_expression() -> None:
    pay = declared(fn_id="o'b\\c", on_failure=handle)
    assert pay.failure is not None
    (trigger,) = pay.failure.triggers
    assert isinstance(trigger, TriggerEvent)
    assert trigger.expression == r"event.data.function_id == 'shop-o\'b\\c'"


def test_a_function_with_every_option_is_registered_byte_for_byte() -> None:
    pay = declared(
        fn_id="pay",
        name="Take the money",
        description="Charges the card of an order.",
        trigger=[
            TriggerEvent(event="shop/paid", expression="event.data.total > 0"),
            TriggerCron(cron="0 9 * * 1", jitter="30s", timezone="Europe/Paris"),
        ],
        retries=2,
        cancel=[Cancel(event="shop/refunded", if_exp=f"async.{KEY} == {KEY}", timeout="1d12h")],
        concurrency=[Concurrency(limit=5, key=KEY), Concurrency(limit=9, key="'k'", scope="env")],
        debounce=Debounce(period=30_000, key=KEY, timeout="5m"),
        priority=Priority(run="event.data.vip ? 60 : 0"),
        rate_limit=RateLimit(limit=100, period=timedelta(hours=1), key=KEY),
        singleton=Singleton(mode="cancel", key=KEY),
        throttle=Throttle(limit=10, period="1m", burst=3, key=KEY),
        timeouts=Timeouts(start="1h", finish=timedelta(days=1)),
        on_failure=handle_sync,
    )
    golden = (
        '[{"id":"shop-pay","name":"Take the money",'
        '"triggers":[{"event":"shop/paid","expression":"event.data.total > 0"},'
        '{"cron":"TZ=Europe/Paris 0 9 * * 1","jitter":"30s"}],'
        '"rateLimit":{"limit":100,"period":"1h","key":"event.data.user_id"},'
        '"throttle":{"limit":10,"period":"1m","burst":3,"key":"event.data.user_id"},'
        '"debounce":{"period":"30s","key":"event.data.user_id","timeout":"5m"},'
        '"priority":{"run":"event.data.vip ? 60 : 0"},'
        '"concurrency":[{"limit":5,"key":"event.data.user_id"},'
        '{"limit":9,"key":"\'k\'","scope":"env"}],'
        '"cancel":[{"event":"shop/refunded",'
        '"if":"async.event.data.user_id == event.data.user_id","timeout":"1d12h"}],'
        '"singleton":{"mode":"cancel","key":"event.data.user_id"},'
        '"timeouts":{"start":"1h","finish":"1d"},'
        '"steps":{"step":{"id":"step","name":"step","runtime":'
        '{"url":"https://app.example/api/inngest?fnId=shop-pay&stepId=step","type":"http"},'
        '"retries":{"attempts":2}}}},'
        '{"id":"shop-pay-failure","name":"Take the money (failure)",'
        '"triggers":[{"event":"inngest/function.failed",'
        '"expression":"event.data.function_id == \'shop-pay\'"}],'
        '"steps":{"step":{"id":"step","name":"step","runtime":'
        '{"url":"https://app.example/api/inngest?fnId=shop-pay-failure&stepId=step","type":"http"},'
        '"retries":{"attempts":0}}}}]'
    )
    records = pay.records(URL)
    assert dumps(records).decode() == golden
    assert [violations(record) for record in records] == [[], []]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"appname": "shop"}, id="unknown-field"),
        pytest.param({"idempotency": None}, id="null"),
        pytest.param({"batchEvents": {"maxSize": 2, "timeout": "1d"}}, id="days-for-go"),
        pytest.param({"concurrency": [{"limit": 1, "scope": "env"}]}, id="scope-without-key"),
        pytest.param({"triggers": [{"cron": "@daily"}]}, id="schedule-by-name"),
        pytest.param({"id": "shop-other"}, id="url-of-another-function"),
    ],
)
def test_the_rules_these_records_are_held_to_can_be_broken(fields: dict[str, Any]) -> None:
    (record,) = declared().records(URL)
    assert len(violations(record | fields)) == 1


SIGNED_UP = EventType("user/signed.up", dict[str, int])


def call_of(*events: dict[str, Any]) -> Call:
    body = {"event": events[0] | {"user": {}}, "events": list(events), "ctx": {}}
    return parse_call(body, "shop-pay", None)


def test_events_without_a_type_are_not_read() -> None:
    assert declared().received(call_of({"name": "shop/paid"})) is None


def test_the_events_of_a_call_are_rebuilt_to_their_type() -> None:
    raw = {"name": "user/signed.up", "data": {"n": 1.0}, "id": "x"}
    received = declared(trigger=SIGNED_UP).received(call_of(raw, raw))
    assert received is not None
    event, events = received
    assert (event.data, event.user, [one.data for one in events]) == ({"n": 1}, {}, [{"n": 1}] * 2)


def test_the_event_of_a_call_is_the_first_of_its_events() -> None:
    raw = {"name": "user/signed.up", "data": {"n": 1}}
    received = declared(trigger=SIGNED_UP).received(call_of(raw))
    assert received is not None
    assert received[1][0] is received[0]


@pytest.mark.parametrize("place", [0, 1], ids=["first", "second"])
def test_an_event_that_is_not_of_its_type_names_function_and_event(place: int) -> None:
    events = [{"name": "user/signed.up", "id": f"id-{n}", "data": {"n": 1}} for n in range(2)]
    events[place]["data"] = {"n": "one"}
    said = rf"^Function 'shop-pay' cannot take event 'user/signed\.up' \(id-{place}\): data\.n: "
    with pytest.raises(EventValidationError, match=said):
        declared(trigger=SIGNED_UP).received(call_of(*events))


def test_the_failure_function_takes_every_failure() -> None:
    failure = declared(trigger=SIGNED_UP, on_failure=handle).failure
    assert failure is not None
    assert failure.event_types is None


def test_what_an_invoked_function_returned_is_rebuilt_to_its_annotation() -> None:
    def took(_: object) -> timedelta:
        return timedelta(hours=1)

    assert declared(handler=took).rebuild("PT1H", what="Step 'a'") == timedelta(hours=1)
