"""The shell on the test's own loop, with a gateway in memory: it does what the session asks for."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from inngest_asgi.connect.calls import Calls
from inngest_asgi.connect.counters import Counters
from inngest_asgi.connect.messages import ExtendLeaseAck, WorkerPause
from inngest_asgi.connect.notes import Notes
from inngest_asgi.connect.opening import NotOpened
from inngest_asgi.connect.protocol.closing import Close
from inngest_asgi.connect.session.actions import Failure
from inngest_asgi.connect.session.states import ConnectionState
from inngest_asgi.connect.shell import Means, Shell
from inngest_asgi.connect.watching import Board
from inngest_asgi.errors import ApiError, ConnectAuthError, ConnectError
from inngest_asgi.testing import ManualClock
from tests.connect.gateways import MemoryServer
from tests.connect.pairs import REQUEST, WORKER
from tests.connect.test_apps import runtimes
from tests.routes.asking import ORDERED, body_of, call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ACTIVE, CLOSED = ConnectionState.ACTIVE, ConnectionState.CLOSED
QUICK = replace(REQUEST, function_slug="shop-quick", request_payload=body_of(call()))
LONG = replace(QUICK, request_id="request-2", function_slug="shop-long")
BLOCKING = replace(QUICK, request_id="request-3", function_slug="shop-blocking")


class Eager(ManualClock):
    """Chance that never makes anybody wait."""

    def random(self) -> float:
        return 0.0


class Life:
    """A shell, all it works with, and its end."""

    def __init__(self, server: MemoryServer, **means: Any) -> None:
        self.server = server
        self.board = Board()
        self.counters = Counters()
        self.released = asyncio.Event()
        self.calls = Calls(runtimes([self._client()]), self._answered)
        given = {
            "exchange": server.exchange,
            "opening": server.opening,
            "shutdown_seconds": None,
            "calls": self.calls,
            "board": self.board,
            "counters": self.counters,
            "notes": Notes(logging.getLogger("inngest_asgi")),
            "clock": Eager(0),
            "gives_up": True,
        }
        self.shell = Shell(asyncio.get_running_loop(), WORKER, Means(**(given | means)))
        self.running = asyncio.create_task(self.shell.run())

    async def until(self, condition: Callable[[], object]) -> None:
        """Turn the loop until something is so."""
        for _ in range(2_000):
            if condition():
                return
            await asyncio.sleep(0)
        raise AssertionError("it did not come about")

    async def active(self) -> None:
        await self.until(lambda: self.board.state is ACTIVE and self.server.is_ready)

    async def end(self) -> None:
        self.shell.close()
        await self.running

    def _client(self) -> inngest.Inngest:
        client = inngest.Inngest("shop", is_production=False)

        @client.create_function(fn_id="quick", trigger=ORDERED)
        async def quick(ctx: inngest.Context) -> int:
            return 7

        @client.create_function(fn_id="long", trigger=ORDERED)
        async def long(ctx: inngest.Context) -> str:
            await self.released.wait()
            return "released"

        return client

    def _answered(self, *args: Any) -> None:
        self.shell.answered(*args)


@asynccontextmanager
async def life(server: MemoryServer | None = None, **means: Any) -> AsyncIterator[Life]:
    one = Life(server or MemoryServer(), **means)
    yield one
    await one.end()


def test_a_request_is_answered_and_acknowledged() -> None:
    async def live() -> None:
        async with life() as one:
            await one.active()
            (socket,) = one.server.sockets
            socket.request(QUICK)
            await one.until(lambda: one.counters.replies == 1)
            await one.until(lambda: not one.shell._session.outbox)
            assert [getattr(said, "body", None) for said in socket.said][-1] == b"7"
            assert one.shell.picture()["in_flight"] == []
        assert one.server.closed

    asyncio.run(live())


def test_the_end_is_told_to_the_gateway() -> None:
    async def live() -> tuple[int | None, str]:
        async with life() as one:
            await one.active()
            (socket,) = one.server.sockets
        assert WorkerPause() in socket.said
        return socket.end

    assert asyncio.run(live()) == (1000, "WORKER_SHUTDOWN")


def test_a_second_close_does_nothing() -> None:
    async def live() -> None:
        async with life(shutdown_seconds=60.0) as one:
            await one.active()
            one.shell.close()
            one.shell.close()

    asyncio.run(live())


def test_an_attempt_that_is_not_needed_any_more_is_dropped() -> None:
    async def live() -> None:
        server = MemoryServer()
        server.hangs = True
        async with life(server) as one:
            await one.until(lambda: one.shell._attempts)
            await asyncio.sleep(0)
        assert one.shell._attempts == {}

    asyncio.run(live())


def test_refused_keys_end_a_worker_that_was_never_connected() -> None:
    async def live() -> ConnectError | None:
        one = Life(MemoryServer(NotOpened(Failure.AUTH, "no")))
        await one.running
        return one.board.fatal

    fatal = asyncio.run(live())
    assert isinstance(fatal, ConnectAuthError)
    assert str(fatal) == "no"


def test_refused_keys_do_not_end_the_worker_of_a_host() -> None:
    async def live() -> None:
        server = MemoryServer(NotOpened(Failure.AUTH, "no"))
        async with life(server, gives_up=False) as one:
            await one.until(lambda: one.counters.problems == 1)
            assert (one.board.problem, one.board.fatal) == ("no", None)

    asyncio.run(live())


def test_a_lost_connection_is_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> list[str]:
        async with life() as one:
            await one.active()
            one.server.sockets[0].hang_up(1011, "connect_internal_error")
            await one.until(lambda: len(one.server.sockets) == 2)
            await one.active()
            return [str(one.board.state), one.board.connection_id or ""]

    assert asyncio.run(live())[0] == "ACTIVE"
    assert "The gateway failed." in caplog.text


def test_a_gateway_that_reads_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inngest_asgi.connect.line.CLOSE_PATIENCE", 0.0)

    async def live() -> tuple[int | None, str]:
        async with life() as one:
            await one.active()
            (socket,) = one.server.sockets
            socket.frozen = True
        return socket.end

    assert asyncio.run(live()) == (None, "")


@pytest.mark.parametrize(
    ("error", "flushed", "undelivered"),
    [
        pytest.param(None, 1, 0, id="taken"),
        pytest.param(ApiError("no", 400), 0, 1, id="refused"),
        pytest.param(ApiError("no", 413), 0, 1, id="too large"),
    ],
)
def test_a_reply_without_acknowledgement_is_flushed(
    error: ApiError | None, flushed: int, undelivered: int
) -> None:
    async def live() -> Counters:
        async with life() as one:
            await one.active()
            (socket,) = one.server.sockets
            socket.acknowledges = False
            one.server.flush_errors = [error] if error else []
            socket.request(QUICK)
            await one.until(lambda: one.counters.replies == 1)
            socket.hang_up(None, "")
            await one.until(lambda: not one.shell._session.outbox)
            return one.counters

    counters = asyncio.run(live())
    assert (counters.flushed, counters.undelivered) == (flushed, undelivered)


def test_a_flush_that_failed_is_tried_again() -> None:
    async def live() -> None:
        async with life() as one:
            await one.active()
            one.server.flush_errors = [ApiError("away", 503)]
            one.server.sockets[0].acknowledges = False
            one.server.sockets[0].request(QUICK)
            await one.until(lambda: one.counters.replies == 1)
            one.server.sockets[0].hang_up(None, "")
            await one.until(lambda: one.server.flushed)

    asyncio.run(live())


def test_a_lost_lease_cancels_async_code(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        async with life() as one:
            await one.active()
            one.server.sockets[0].request(LONG)
            await one.until(lambda: one.shell._running)
            running = one.shell._session.work.running[0]
            running.link = 1
            running.asked.append(running.lease_id)
            refused = ExtendLeaseAck("request-2", new_lease_id=None)
            one.server.sockets[0].say(refused)
            await one.until(lambda: one.counters.cancelled == 1)
            assert (one.counters.leases_lost, one.shell._running) == (1, {})

    asyncio.run(live())
    assert "The lease of request request-2" in caplog.text


def test_an_abort_drops_what_is_in_progress() -> None:
    async def live() -> Counters:
        one = Life(MemoryServer())
        await one.active()
        one.server.sockets[0].request(LONG)
        await one.until(lambda: one.shell._running)
        one.shell.abort()
        await one.running
        return one.counters

    counters = asyncio.run(live())
    assert (counters.leases_lost, counters.replies) == (0, 0)


def test_time_that_is_up_drops_what_is_in_progress(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        async with life(shutdown_seconds=0.0) as one:
            await one.active()
            one.server.sockets[0].request(LONG)
            await one.until(lambda: one.shell._running)

    asyncio.run(live())
    assert "1 requests did not end within shutdown_timeout" in caplog.text


def test_a_request_that_is_not_taken_is_counted() -> None:
    async def live() -> None:
        async with life() as one:
            await one.active()
            one.server.sockets[0].request(replace(QUICK, app_name="bakery"))
            await one.until(lambda: one.counters.skipped == 1)

    asyncio.run(live())


def test_a_mistake_of_ours_ends_the_worker_loudly(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> ConnectError | None:
        one = Life(MemoryServer())
        await one.active()
        one.server.sockets[0].request(LONG)
        await one.until(lambda: one.shell._running)
        one.shell._do(lambda _: 1 / 0)
        one.shell.close()
        await one.running
        assert one.board.broken
        return one.board.fatal

    fatal = asyncio.run(live())
    assert isinstance(fatal, ConnectError)
    assert isinstance(fatal.__cause__, ZeroDivisionError)
    assert "ZeroDivisionError" in caplog.text


def test_a_task_that_fails_ends_the_worker_too() -> None:
    async def live() -> bool:
        one = Life(MemoryServer())
        await one.active()
        one.server.flush_errors = [RuntimeError("a mistake")]
        one.server.sockets[0].acknowledges = False
        one.server.sockets[0].request(QUICK)
        await one.until(lambda: one.counters.replies == 1)
        one.server.sockets[0].hang_up(None, "")
        await one.running
        return one.board.broken

    assert asyncio.run(live())


def test_a_user_s_loop_that_is_closed_ends_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        one = Life(MemoryServer())
        one.calls._loop = closed_loop()
        await one.active()
        one.server.sockets[0].request(LONG)
        await one.running

    asyncio.run(live())
    assert "The event loop that started the worker is closed" in caplog.text


def closed_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.close()
    return loop


def test_who_posts_after_the_end_is_told() -> None:
    async def live() -> Shell:
        async with life() as one:
            await one.active()
        return one.shell

    shell = asyncio.run(live())
    assert shell.post(shell.close) is False


def test_what_is_meant_for_a_connection_that_is_gone_is_ignored() -> None:
    async def live() -> None:
        async with life() as one:
            await one.active()
            one.shell._send(99, b"")
            one.shell._disconnect(99, Close(1000, ""))

    asyncio.run(live())
