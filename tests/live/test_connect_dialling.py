"""One WebSocket of a worker, against a real server that does as it likes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.server import serve

from inngest_asgi.connect.dialling import Socket, dial
from inngest_asgi.connect.protocol.closing import SHUTDOWN
from inngest_asgi.errors import ApiError
from tests.live.gateway import SUBPROTOCOL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from websockets.asyncio.server import ServerConnection

    Behaviour = Callable[[ServerConnection], Awaitable[None]]

pytestmark = pytest.mark.live


@asynccontextmanager
async def dialled(behaviour: Behaviour) -> AsyncIterator[Socket]:
    async with serve(behaviour, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as server:
        port = server.sockets[0].getsockname()[1]
        socket = await dial(f"ws://127.0.0.1:{port}/v0/connect")
        yield socket
        await socket.close(SHUTDOWN)


def test_frames_come_and_go_and_the_end_is_told() -> None:
    async def echo(connection: ServerConnection) -> None:
        assert connection.subprotocol == SUBPROTOCOL
        await connection.send(await connection.recv())
        await connection.send("text")
        await connection.close(1001, "connect_gateway_closing")

    async def talk() -> list[object]:
        async with dialled(echo) as socket:
            sent = await socket.send(b"frame")
            came = [await socket.receive() for _ in range(3)]
            return [sent, *came, socket.end, await socket.send(b"late")]

    assert asyncio.run(talk()) == [
        True,
        b"frame",
        b"text",
        None,
        (1001, "connect_gateway_closing"),
        False,
    ]


def test_a_connection_that_is_dropped_has_no_close_code() -> None:
    async def wait(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async def drop() -> tuple[bytes | None, tuple[int | None, str]]:
        async with dialled(wait) as socket:
            socket.abort()
            return await socket.receive(), socket.end

    assert asyncio.run(drop()) == (None, (1006, ""))


def test_the_close_code_is_told() -> None:
    told: list[tuple[int | None, str | None]] = []

    async def wait(connection: ServerConnection) -> None:
        await connection.wait_closed()
        told.append((connection.close_code, connection.close_reason))

    async def close() -> None:
        async with dialled(wait) as socket:
            await socket.close(SHUTDOWN)

    asyncio.run(close())
    assert told == [(1000, "WORKER_SHUTDOWN")]


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9/v0/connect", "ws://nowhere.invalid/"])
def test_a_gateway_that_is_not_there_is_named(url: str) -> None:
    with pytest.raises(ApiError, match=f"The gateway {url} opened no connection"):
        asyncio.run(dial(url))
