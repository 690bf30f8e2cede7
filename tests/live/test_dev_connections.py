"""What comes over a connection, byte by byte: where an answer ends, and when one may go on."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.dev.connections import BrokenOffError, Connections, Origin, Received, Sending

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.live

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
LIMIT = 1_000


def sending(method: str = "POST") -> Sending:
    return Sending(method, method.encode() + b" / HTTP/1.1\r\nhost: a\r\n\r\n", LIMIT)


class Script:
    """A server that answers each request with the next bytes, and may then close.

    Args:
        answers: what it sends; it closes when there is nothing left, if it is to.
    """

    def __init__(self, *answers: bytes, closes: bool) -> None:
        self.answers = list(answers)
        self.closes = closes
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while self.answers:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(self.answers.pop(0))
                await writer.drain()
            if not self.closes:
                await reader.read()
        writer.close()


@contextlib.asynccontextmanager
async def talking(
    *answers: bytes, closes: bool = False
) -> AsyncIterator[tuple[Connections, Origin, Script]]:
    script, connections = Script(*answers, closes=closes), Connections()
    server = await asyncio.start_server(script.serve, "0.0.0.0", 0)
    async with server:
        try:
            yield connections, Origin("127.0.0.1", server.sockets[0].getsockname()[1], None), script
        finally:
            connections.close()
            await asyncio.sleep(0.02)  # the other end hears of it


def answer(bytes_: bytes, *, method: str = "POST", closes: bool = False) -> Received:
    async def main() -> Received:
        async with talking(bytes_, closes=closes) as (connections, origin, _):
            return await connections.exchange(origin, sending(method))

    return asyncio.run(main())


LAST = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nlast"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "bytes_", "status", "body"),
    [
        ("POST", OK, 200, b"{}"),
        ("POST", CHUNKED, 200, b"abc"),
        ("POST", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        ("POST", b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"{}"),
        ("POST", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK, 200, b"{}"),
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n", 200, b""),
        ("POST", LAST, 200, b"last"),
    ],
    ids=["length", "chunks", "nothing", "go-on", "hints", "head", "last"],
)
def test_an_answer_ends_where_it_says(method: str, bytes_: bytes, status: int, body: bytes) -> None:
    received = answer(bytes_, method=method)
    assert (received.status, received.body) == (status, body)


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    received = answer(b"HTTP/1.1 200 OK\r\na: b\r\n\r\nall of it", closes=True)
    assert (received.headers, received.body) == ([(b"a", b"b")], b"all of it")


def test_more_than_the_limit_is_not_read() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n"
    assert LIMIT < len(answer(head + b"x" * 5_000).body) < 1_000_000


@pytest.mark.parametrize(
    ("bytes_", "says"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
        (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: %s\r\n" % (b"x" * 300_000), "headers are too long"),
    ],
    ids=["ssh", "upgrade", "headers"],
)
def test_what_is_no_answer_is_told(bytes_: bytes, says: str) -> None:
    with pytest.raises(BrokenOffError, match=says):
        answer(bytes_)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal"])
def test_an_answer_that_is_cut_off_is_none(begun: bytes) -> None:
    with pytest.raises(BrokenOffError, match="closed"):
        answer(begun, closes=True)


@pytest.mark.parametrize(
    ("first", "pause", "connections"),
    [
        (OK, 0.0, 1),
        (OK, 1.1, 2),
        (OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfake", 0.02, 2),
        (OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"), 0.0, 2),
    ],
    ids=["used-again", "too-old", "talked-out-of-turn", "asked-to-close"],
)
def test_which_connection_takes_the_next_request(
    first: bytes, pause: float, connections: int
) -> None:
    async def main() -> None:
        async with talking(first, OK) as (pool, origin, script):
            for _ in range(2):
                assert (await pool.exchange(origin, sending())).body == b"{}"
                await asyncio.sleep(pause)
            assert script.connections == connections

    asyncio.run(main())


def test_nobody_there_is_told_as_such() -> None:
    with pytest.raises(OSError, match="Connect call failed"):
        asyncio.run(Connections().exchange(Origin("127.0.0.1", 1, None), sending()))


def test_hosts_that_nobody_asks_any_more_are_forgotten() -> None:
    """Each of many origins leads to the same server here; only what was used last is kept."""

    async def main() -> None:
        async with talking(*[OK] * 300) as (pool, origin, script):
            for n in range(140):
                address = f"127.0.0.{n + 1}"
                await pool.exchange(origin._replace(host=address), sending())
                if n == 100:
                    await asyncio.sleep(1.1)
            assert len(pool) < 60
            assert script.connections == 140

    asyncio.run(main())
