"""A worker and a gateway over real sockets: connections that begin, are lost, drain and end."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.connect import (
    ConnectAuthError,
    ConnectClosed,
    ConnectionState,
    connect,
)
from inngest_asgi.connect.protocol.transitions import Phase
from inngest_asgi.crypto.keys import bearer_token
from tests.live.gateway import Gateway
from tests.live.servers import wait_until
from tests.live.working import Working, client_of, declare, shop_of
from tests.routes.asking import FALLBACK, KEY, STRANGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import inngest_asgi as inngest

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


# Connections that end.


def test_a_lost_connection_is_replaced_and_its_work_answered(
    client: inngest.Inngest, gateway: Gateway
) -> None:
    with Working(client) as working:
        peer = gateway.wait_for_worker()
        request_id = gateway.send("slow")
        wait_until(lambda: request_id in gateway.acks)
        gateway.call(peer.kill)
        wait_until(lambda: len(gateway.peers) == 2)
        assert gateway.answer(request_id) == "slow"
        working.wait_for(ACTIVE)
    assert working.states == [ACTIVE, RECONNECTING, ACTIVE, CLOSING, CLOSED]
    assert gateway.starts[1][1].exclude_gateways == ("group-1",)


def test_a_gateway_that_drains_is_left_for_another_without_a_gap(
    client: inngest.Inngest, gateway: Gateway
) -> None:
    with Working(client) as working:
        peer = gateway.wait_for_worker()
        request_id = gateway.send("slow")
        wait_until(lambda: request_id in gateway.acks)
        gateway.on_loop(peer.drain())
        wait_until(lambda: peer.role.ended)
        assert gateway.wait_for_worker() is not peer
        assert gateway.answer(request_id) == "slow"
    assert working.states == [ACTIVE, CLOSING, CLOSED]
    assert gateway.starts[1][1].exclude_gateways == ("group-1",)


def test_a_gateway_that_freezes_is_given_up(client: inngest.Inngest, gateway: Gateway) -> None:
    with Working(client) as working:
        gateway.wait_for_worker()
        gateway.frozen = True
        working.wait_for(RECONNECTING)
        gateway.frozen = False
        working.wait_for(ACTIVE)
    assert "Heartbeats were missed" not in (working.worker.problem or "")


def test_a_reply_that_was_not_acknowledged_is_flushed(
    client: inngest.Inngest, gateway: Gateway
) -> None:
    gateway.flush_statuses = [500]
    gateway.acknowledges = False
    with Working(client) as working:
        peer = gateway.wait_for_worker()
        request_id = gateway.send("quick")
        wait_until(lambda: working.worker.counters.replies == 1)
        assert working.worker.debug_state()["outbox"]["replies"] == 1
        gateway.call(peer.kill)
        assert gateway.answer(request_id) == request_id
    assert gateway.flushed == [request_id]
    assert working.worker.counters.flushed == 1


def test_a_reply_that_the_server_will_never_take_is_given_up_loudly(
    client: inngest.Inngest, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.flush_statuses = [400]
    gateway.acknowledges = False
    with Working(client) as working:
        peer = gateway.wait_for_worker()
        gateway.send("quick")
        wait_until(lambda: working.worker.counters.replies == 1)
        gateway.call(peer.kill)
        wait_until(lambda: working.worker.counters.undelivered == 1)
    assert "could not be delivered" in caplog.text


# Starting.


def test_the_server_that_is_not_there_yet_is_waited_for(
    client: inngest.Inngest, gateway: Gateway
) -> None:
    gateway.start_statuses = [503, 500, 429]
    with Working(client) as working:
        gateway.wait_for_worker()
    assert len(gateway.starts) == 4
    assert working.states == [ACTIVE, CLOSING, CLOSED]


def test_in_dev_mode_nobody_is_authorised(client: inngest.Inngest, gateway: Gateway) -> None:
    with Working(client):
        gateway.wait_for_worker()
    headers, record = gateway.starts[0]
    assert "authorization" not in headers
    assert (headers["content-type"], record.exclude_gateways) == ("application/protobuf", ())


def test_the_fallback_key_is_tried(gateway: Gateway) -> None:
    gateway.good_key = bearer_token(FALLBACK)
    client = client_of(
        gateway, is_production=True, signing_key=KEY, signing_key_fallback=FALLBACK, env="blue"
    )
    declare(client, lambda_handler)
    with Working(client):
        gateway.wait_for_worker()
    assert [headers["authorization"] for headers, _ in gateway.starts] == [
        f"Bearer {bearer_token(KEY)}",
        f"Bearer {bearer_token(FALLBACK)}",
    ]
    assert {headers["x-inngest-env"] for headers, _ in gateway.starts} == {"blue"}


async def lambda_handler(ctx: inngest.Context) -> None:
    return None


def test_refused_keys_end_a_worker_that_is_alone(gateway: Gateway) -> None:
    gateway.good_key = "another"
    client = client_of(gateway, is_production=True, signing_key=STRANGE)
    declare(client, lambda_handler)
    with Working(client) as working:
        working.ended()
    assert isinstance(working.error, ConnectAuthError)
    assert "INNGEST_SIGNING_KEY" in str(working.error)
    assert "ffff" not in str(working.error)
    assert working.states == [CLOSING, CLOSED]


def test_who_waits_for_a_connection_is_told_that_it_cannot_come(gateway: Gateway) -> None:
    client = client_of(gateway, is_production=True)
    declare(client, lambda_handler)

    async def work() -> None:
        async with connect([client]) as worker:
            await worker.wait_for_state(ACTIVE)

    with pytest.raises(ConnectClosed, match="needs a signing key"):
        asyncio.run(work())


def test_functions_that_are_refused_are_explained(
    client: inngest.Inngest, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.sync_error = "concurrency is too high"
    with Working(client) as working:
        wait_until(lambda: working.worker.problem is not None)
        problem = working.worker.problem
        state = working.worker.get_state()
    assert state is ConnectionState.CONNECTING
    assert problem is not None
    assert "concurrency is too high" in problem
    assert problem in caplog.text


@pytest.mark.parametrize("how", ["gateway_url", "rewrite_gateway_endpoint"])
def test_the_gateway_may_be_another_than_the_server_says(
    how: str, client: inngest.Inngest, gateway: Gateway
) -> None:
    with Gateway() as other:
        url = f"ws://127.0.0.1:{other.socket_port}/v0/connect"
        option: Any = url if how == "gateway_url" else lambda endpoint: url
        with Working(client, **{how: option}):
            other.wait_for_worker()
    assert (gateway.peers, other.starts) == ([], [])


def test_a_rewrite_that_fails_is_a_failed_attempt(
    client: inngest.Inngest, gateway: Gateway
) -> None:
    def rewrite(endpoint: str) -> str:
        raise LookupError(endpoint)

    with Working(client, rewrite_gateway_endpoint=rewrite) as working:
        wait_until(lambda: working.worker.problem is not None)
        assert "LookupError" in (working.worker.problem or "")


def test_a_gateway_that_is_away_is_avoided_at_the_next_start(
    client: inngest.Inngest, gateway: Gateway
) -> None:
    with Working(client, gateway_url="ws://user:secret@127.0.0.1:9/v0?token=secret") as working:
        wait_until(lambda: len(gateway.starts) > 1)
        assert "ws://127.0.0.1:9/v0 opened no connection" in (working.worker.problem or "")
    assert gateway.starts[1][1].exclude_gateways == ("group-1",)


# Stopping.


def test_work_in_progress_is_finished_before_the_worker_is_closed(
    client: inngest.Inngest, gateway: Gateway
) -> None:
    with Working(client) as working:
        peer = gateway.wait_for_worker()
        sent = [gateway.send("slow"), gateway.send("blocking")]
        wait_until(lambda: len(gateway.acks) == 2)
        working.close()
        wait_until(lambda: peer.paused)
        assert working.worker.get_state() is CLOSING
        working.ended()
    assert [gateway.answer(one) for one in sent] == ["slow", "blocking"]
    assert (peer.role.phase, gateway.flushed) == (Phase.ENDED, [])


def test_close_may_wait_for_the_end(client: inngest.Inngest, gateway: Gateway) -> None:
    async def work() -> tuple[float, ConnectionState]:
        worker = connect([client])
        running = asyncio.create_task(worker.start())
        await worker.wait_for_state(ACTIVE, 5_000)
        await asyncio.to_thread(gateway.send, "slow")
        await asyncio.to_thread(wait_until, lambda: len(gateway.acks) == 1)
        await worker.close(wait=True)
        state = worker.get_state()
        await running
        return len(gateway.replies), state

    assert asyncio.run(work()) == (1, CLOSED)


def test_what_does_not_end_in_time_is_dropped(
    client: inngest.Inngest, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    with Working(client, shutdown_timeout=200) as working:
        request_id = gateway.send("endless")
        wait_until(lambda: request_id in gateway.acks)
        working.close()
        working.ended()
    assert gateway.replies == {}
    assert "1 requests did not end within shutdown_timeout" in caplog.text


def test_a_cancelled_start_drops_what_is_in_progress(
    client: inngest.Inngest, gateway: Gateway
) -> None:
    with Working(client) as working:
        request_id = gateway.send("endless")
        wait_until(lambda: request_id in gateway.acks)
        working.cancel()
        working.ended()
    assert isinstance(working.error, asyncio.CancelledError)
    assert working.worker.get_state() is CLOSED


def test_a_loop_that_is_closed_under_a_worker_ends_it(
    client: inngest.Inngest, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    worker = connect([client])

    async def work() -> None:
        worker.open()
        await worker.wait_for_state(ACTIVE, 5_000)

    asyncio.run(work())
    gateway.send("quick")
    wait_until(lambda: worker.get_state() is CLOSED)
    assert "The event loop that started the worker is closed" in caplog.text


def test_no_thread_is_left(client: inngest.Inngest, gateway: Gateway) -> None:
    with Working(client):
        gateway.wait_for_worker()
    wait_until(lambda: "inngest-connect" not in {thread.name for thread in threading.enumerate()})


def test_the_log_holds_no_secret(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    client = client_of(gateway, is_production=True, signing_key=KEY)
    declare(client, lambda_handler)
    with caplog.at_level(logging.DEBUG), Working(client) as working:
        gateway.wait_for_worker()
        shown = f"{caplog.text} {working.worker!r} {working.worker.debug_state()}"
    assert bearer_token(KEY) not in shown
    assert KEY.removeprefix("signkey-test-") not in shown
