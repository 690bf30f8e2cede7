"""A worker and a gateway over real sockets: requests, whatever user code does, and several."""

from __future__ import annotations

import asyncio
import contextvars
import json
from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from inngest_asgi.connect import (
    ConnectionState,
    ConnectRequest,
    connect,
)
from tests.live.gateway import Gateway
from tests.live.servers import wait_until
from tests.live.working import Working, client_of, declare, shop_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.live

ACTIVE, CLOSED = ConnectionState.ACTIVE, ConnectionState.CLOSED
CLOSING, RECONNECTING = ConnectionState.CLOSING, ConnectionState.RECONNECTING


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as started:
        yield started


@pytest.fixture
def client(gateway: Gateway) -> inngest.Inngest:
    return shop_of(gateway)


# Requests.


@pytest.mark.parametrize("fn_id", ["slow", "blocking"])
def test_a_function_runs_and_is_answered(
    fn_id: str, client: inngest.Inngest, gateway: Gateway
) -> None:
    with Working(client) as working:
        request_id = gateway.send(fn_id)
        reply = gateway.reply(request_id)
    assert (json.loads(reply.body), int(reply.status), reply.no_retry) == (fn_id, 1, False)
    assert gateway.acks == [request_id]
    assert working.worker.counters.replies == 1


def test_code_that_blocks_its_loop_loses_neither_lease_nor_heartbeat(
    client: inngest.Inngest, gateway: Gateway
) -> None:
    with Working(client):
        peer = gateway.wait_for_worker()
        request_id = gateway.send("stubborn")
        assert gateway.answer(request_id) == "stubborn"
        extended = gateway.extensions.count(request_id)
        beat = peer.role.last_heartbeat
    assert (gateway.lost, len(gateway.peers)) == ([], 1)
    assert extended >= 5
    assert beat is not None
    assert gateway.now - beat < 1


def test_a_request_that_no_function_is_for_is_refused(
    client: inngest.Inngest, gateway: Gateway
) -> None:
    with Working(client):
        reply = gateway.reply(gateway.send("nothing"))
    assert json.loads(reply.body)["code"] == "function_not_found"
    assert (int(reply.status), reply.no_retry) == (2, False)


def test_the_function_knows_its_request_and_sees_the_context_of_start(gateway: Gateway) -> None:
    seen: list[Any] = []
    colour = contextvars.ContextVar("colour", default="none")

    class Looks(inngest.Middleware):
        def __init__(self, client: inngest.Inngest, raw_request: object) -> None:
            super().__init__(client, raw_request)
            seen.append(raw_request)

    client = client_of(gateway, middleware=[Looks])

    async def look(ctx: inngest.Context) -> list[str | None]:
        return [ctx.request_id, colour.get()]

    async def work() -> Any:
        colour.set("blue")
        async with connect([client]) as worker:
            await worker.wait_for_state(ACTIVE, 5_000)
            trace = b'{"traceparent":"00-aa-bb-01"}'
            request_id = await asyncio.to_thread(gateway.send, "look", user_trace_ctx=trace)
            return request_id, await asyncio.to_thread(gateway.answer, request_id)

    declare(client, look)
    request_id, answer = asyncio.run(work())
    assert answer == [request_id, "blue"]
    (request,) = seen
    assert isinstance(request, ConnectRequest)
    assert request.headers["traceparent"] == "00-aa-bb-01"
    assert gateway.replies[request_id][0].user_trace_ctx == b'{"traceparent":"00-aa-bb-01"}'


def test_no_more_than_the_limit_is_taken(client: inngest.Inngest, gateway: Gateway) -> None:
    with Working(client, max_worker_concurrency=1) as working:
        peer = gateway.wait_for_worker()
        assert peer.role.worker is not None
        assert peer.role.worker.max_worker_concurrency == 1
        first, second = gateway.send("slow"), gateway.send("slow")
        assert gateway.answer(first) == "slow"
        assert working.worker.counters.skipped == 1
    assert (gateway.acks, second in gateway.replies) == ([first], False)


def test_a_lost_lease_cancels_async_code_and_is_logged(
    client: inngest.Inngest, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    with Working(client) as working:
        request_id = gateway.send("endless")
        wait_until(lambda: request_id in gateway.extensions)
        gateway.call(gateway.leases.finish, request_id)
        wait_until(lambda: working.worker.counters.cancelled == 1)
        assert working.worker.debug_state()["in_flight"] == []
    assert f"The lease of request {request_id}" in caplog.text


def test_a_lost_lease_lets_blocking_code_end(client: inngest.Inngest, gateway: Gateway) -> None:
    with Working(client) as working:
        request_id = gateway.send("blocking")
        wait_until(lambda: request_id in gateway.acks)
        gateway.call(gateway.leases.finish, request_id)
        wait_until(lambda: working.worker.counters.leases_lost == 1)
        assert working.worker.debug_state()["in_flight"][0]["lease_lost"] is True
        assert gateway.answer(request_id) == "blocking"


def test_a_step_that_fails_by_itself_is_an_answer(gateway: Gateway) -> None:
    client = client_of(gateway)

    async def refuses(ctx: inngest.Context) -> None:
        raise inngest.RetryAfterError("later", 5_000)

    declare(client, refuses)
    with Working(client):
        reply = gateway.reply(gateway.send("refuses"))
    assert (int(reply.status), reply.retry_after, reply.no_retry) == (2, "5", False)


# Several.


def test_several_apps_share_a_connection(client: inngest.Inngest, gateway: Gateway) -> None:
    other = client_of(gateway, "bakery")

    async def bake(ctx: inngest.Context) -> str:
        return ctx.app_id

    declare(other, bake)
    with Working(client, other):
        peer = gateway.wait_for_worker()
        assert peer.role.worker is not None
        assert [app.app_name for app in peer.role.worker.apps] == ["shop", "bakery"]
        assert gateway.answer(gateway.send("bake", app="bakery")) == "bakery"
        stray = gateway.send("bake", app="brewery")
        assert gateway.answer(gateway.send("slow")) == "slow"
    assert stray not in gateway.acks


def test_two_workers_of_one_process_are_told_apart(
    client: inngest.Inngest, gateway: Gateway
) -> None:
    with (
        Working(client, instance_id="left"),
        Working(client, instance_id="right"),
    ):
        wait_until(lambda: len(gateway.ready) == 2)
        names = {one.role.worker.instance_id for one in gateway.ready if one.role.worker}
        sent = [gateway.send("slow", peer=peer) for peer in gateway.ready]
        assert [gateway.answer(one) for one in sent] == ["slow", "slow"]
    assert names == {"left", "right"}
