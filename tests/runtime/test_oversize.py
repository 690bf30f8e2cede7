"""State that is too large for a call is fetched, memos and events at once (http.md 11.2)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from inngest_asgi.errors import ApiError
from inngest_asgi.testing import ManualClock
from tests.routes.asking import (
    KEY,
    NOW,
    ORDERED,
    RUN_ID,
    Api,
    app_of,
    body_of,
    call,
    called,
    cloud_client,
    dev_client,
    signed,
)
from tests.runtime.running import FIRST, SECOND, document_of, ran, runtime

if TYPE_CHECKING:
    import inngest_asgi as inngest
    from inngest_asgi.wire.replies import Reply

ACTIONS, BATCH = f"/v0/runs/{RUN_ID}/actions", f"/v0/runs/{RUN_ID}/batch"
STEPS = {SECOND: {"data": "two"}, FIRST: {"data": "one"}}
EVENTS = [{"name": "shop/ordered", "data": {"order": n}} for n in (1, 2)]
STATE: dict[str, tuple[int, Any]] = {ACTIONS: (200, STEPS), BATCH: (200, EVENTS)}


def declared(client: inngest.Inngest) -> inngest.Inngest:
    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> Any:
        orders = [event.data["order"] for event in ctx.events]
        winner = await ctx.step.run("first step", str), await ctx.step.run("second step", str)
        return {"steps": winner, "orders": orders, "order": ctx.event.data["order"]}

    return client


def large(**ctx: Any) -> dict[str, Any]:
    document = call(stack=[FIRST, SECOND], **ctx)
    return document | {"steps": {}, "events": []}


def fetched(api: Api, document: dict[str, Any]) -> Reply:
    return ran(declared(dev_client(api)), document)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(large() | {"use_api": True}, id="at-the-top"),
        pytest.param(large(use_api=True), id="in-ctx"),
    ],
)
def test_memos_and_events_are_fetched(document: dict[str, Any]) -> None:
    api = Api(STATE)
    reply = fetched(api, document)
    assert reply.status == 200
    assert document_of(reply) == {"steps": ["one", "two"], "orders": [1, 2], "order": 7}
    assert {request.url.path for request in api.requests} == {ACTIONS, BATCH}


def test_nothing_is_fetched_when_it_is_not_asked_for() -> None:
    api = Api(STATE)
    fetched(api, call(STEPS, stack=[FIRST, SECOND]))
    assert api.requests == []


def test_both_are_fetched_at_once() -> None:
    async def run() -> str:
        together = asyncio.Barrier(2)

        async def answer(request: httpx.Request) -> httpx.Response:
            await together.wait()
            return httpx.Response(200, json=STATE[request.url.path][1])

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        client = declared(dev_client(http_client=http))
        body = body_of(large(use_api=True))
        async with asyncio.timeout(5):
            reply = await runtime(client).execute(body, "shop-pay", None)
        return str(reply.status)

    assert asyncio.run(run()) == "200"


def test_when_one_cannot_be_had_the_other_is_not_tried_again() -> None:
    async def run() -> int:
        clock = ManualClock(NOW)
        api = Api({ACTIONS: (404, b"gone"), BATCH: (500, b"later")})
        client = declared(dev_client(api, clock=clock))
        with pytest.raises(ApiError, match="actions"):
            await runtime(client).execute(body_of(large(use_api=True)), "shop-pay", None)
        await clock.settle()
        assert clock.sleepers == 0
        return len(api.requests)

    assert asyncio.run(run()) == 2


def test_a_passing_failure_is_tried_again_however_long_it_takes() -> None:
    async def run() -> tuple[int, float]:
        clock = ManualClock(NOW)
        failures = [500, 503, 502, 500]

        async def answer(request: httpx.Request) -> httpx.Response:
            await clock.sleep(20)
            if request.url.path == BATCH and failures:
                return httpx.Response(failures.pop())
            return httpx.Response(200, json=STATE[request.url.path][1])

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        client = declared(dev_client(http_client=http, clock=clock))
        body = body_of(large(use_api=True))
        reply = await clock.until(runtime(client).execute(body, "shop-pay", None))
        return reply.status, clock.time() - NOW

    status, waited = asyncio.run(run())
    assert status == 200
    assert waited > 100


def test_a_batch_that_is_empty_leaves_the_event_of_the_call() -> None:
    reply = fetched(Api(STATE | {BATCH: (200, [])}), large(use_api=True))
    assert document_of(reply)["orders"] == [7]


def test_memos_that_the_stack_leaves_out_come_in_the_order_they_were_fetched() -> None:
    client = dev_client(Api(STATE))

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> Any:
        steps = [
            asyncio.create_task(ctx.step.run(f"{which} step", str)) for which in ("first", "second")
        ]
        done, _ = await asyncio.wait(steps, return_when=asyncio.FIRST_COMPLETED)
        return [step.result() for step in done]

    document = large(use_api=True) | {"ctx": call(use_api=True)["ctx"]}
    assert document_of(ran(client, document)) == ["two"]


def test_the_requests_are_authorised() -> None:
    api = Api(STATE)
    body = body_of(large(use_api=True))
    app = app_of(declared(cloud_client(api)))
    assert called(app, body=body, headers=signed(body)).status == 200
    for request in api.requests:
        assert request.headers["authorization"].startswith("Bearer signkey-test-223e0a16")
        assert KEY not in str(request.headers)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"data": {}}, "`events[].name` must be a string"),
        ({"name": "a", "ts": "now"}, "`events[].ts` must be a whole number"),
        ({"name": "a", "data": [1]}, "`events[].data` must be an object"),
    ],
    ids=["no-name", "ts", "data"],
)
def test_events_that_are_fetched_keep_the_rule_of_those_that_are_sent(
    event: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = Api(STATE | {BATCH: (200, [EVENTS[0], event])})
    assert called(app_of(declared(dev_client(api))), large(use_api=True)).status == 500
    assert said in caplog.text


@pytest.mark.parametrize("path", [ACTIONS, BATCH], ids=["actions", "batch"])
@pytest.mark.parametrize("answer", [(404, b"gone"), (200, "text"), (200, b"<html>"), (200, None)])
def test_state_that_cannot_be_had_lets_the_server_try_again(
    path: str, answer: tuple[int, Any], caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(declared(dev_client(Api(STATE | {path: answer}))))
    reply = called(app, large(use_api=True))
    assert (reply.status, reply.code) == (500, "internal_server_error")
    assert reply.headers["x-inngest-no-retry"] == "false"
    assert RUN_ID in caplog.text
    assert "Traceback" not in caplog.text
