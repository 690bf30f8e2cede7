"""Connections to apps over real sockets: used again, replaced when closed, as many as needed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.dev.answers import Answer, NoAnswer
from inngest_asgi.dev.calls import Request
from inngest_asgi.dev.outbound import HttpOutbound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Host:
    """A bare HTTP server that counts connections and may hang up on one."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        self.hang_up_on_request = 0
        self.close_after_request = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(2)
                self.requests += 1
                if self.requests == self.hang_up_on_request:
                    break
                await asyncio.sleep(0.02)
                writer.write(ANSWER)
                if self.requests == self.close_after_request:
                    break
        writer.close()

    async def send(self, outbound: HttpOutbound) -> Answer | NoAnswer:
        return await outbound.send(Request("POST", f"http://127.0.0.1:{self.port}/", {}, b"{}"))


@contextlib.asynccontextmanager
async def hosting() -> AsyncIterator[tuple[Host, HttpOutbound]]:
    host, outbound = Host(), HttpOutbound()
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0)
    host.port = server.sockets[0].getsockname()[1]
    async with server:
        yield host, outbound
        await outbound.aclose()
        await asyncio.sleep(0)


@pytest.mark.live
def test_a_connection_is_used_again() -> None:
    async def main() -> None:
        async with hosting() as (host, outbound):
            for _ in range(3):
                assert isinstance(await host.send(outbound), Answer)
            assert host.connections == 1

    asyncio.run(main())


@pytest.mark.live
def test_calls_at_the_same_time_have_connections_of_their_own() -> None:
    async def main() -> None:
        async with hosting() as (host, outbound):
            await asyncio.gather(*(host.send(outbound) for _ in range(5)))
            await asyncio.gather(*(host.send(outbound) for _ in range(5)))
            assert host.connections == 5

    asyncio.run(main())


@pytest.mark.live
def test_a_connection_that_was_closed_while_idle_is_replaced() -> None:
    async def main() -> None:
        async with hosting() as (host, outbound):
            host.close_after_request = 1
            answers = []
            for _ in range(2):
                answers.append(await host.send(outbound))
                await asyncio.sleep(0.05)
            assert all(isinstance(answer, Answer) for answer in answers)
            assert (host.connections, host.requests) == (2, 2)

    asyncio.run(main())


@pytest.mark.live
def test_a_call_that_the_app_received_is_not_sent_twice() -> None:
    async def main() -> None:
        async with hosting() as (host, outbound):
            host.hang_up_on_request = 2
            answers = [await host.send(outbound) for _ in range(2)]
            assert isinstance(answers[1], NoAnswer)
            assert "broke off" in answers[1].message
            assert host.requests == 2

    asyncio.run(main())


@pytest.mark.live
def test_a_new_connection_that_breaks_is_a_failed_attempt() -> None:
    async def main() -> None:
        async with hosting() as (host, outbound):
            host.hang_up_on_request = 1
            answer = await host.send(outbound)
            assert isinstance(answer, NoAnswer)
            assert "broke off" in answer.message

    asyncio.run(main())
