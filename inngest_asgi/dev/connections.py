"""HTTP/1.1 connections for very many small calls, each used again for the next one.

One request at a time goes over a connection, and none is ever sent twice from here: whoever
answers may have begun with it. It follows no redirects and decodes nothing. A general client
spends more time on such a call than the whole rest of the server (`make bench`, B8).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import httptools

if TYPE_CHECKING:
    import ssl

PATIENCE = 15.0
"""Seconds within which somebody must accept a connection (server-api.md 12)."""

_IDLE = 1.0
"""Seconds, shorter than any server's patience: a call must not meet the end of its connection."""
_MANY = 100
"""Origins that are known at a time; beyond that, those that nobody asks any more are forgotten."""
_LONGEST_HEAD = 256 * 1024
_WITHOUT_BODY = frozenset({"HEAD", "CONNECT"})


class Origin(NamedTuple):
    """Where a connection leads; without a TLS context it is not encrypted."""

    host: str
    port: int
    tls: ssl.SSLContext | None


@dataclass(frozen=True, slots=True)
class Sending:
    """A request as it goes over the wire.

    Args:
        method: in upper case.
        data: head and body.
        limit: bytes of a body after which no more is read.
    """

    method: str
    data: bytes
    limit: int


@dataclass(frozen=True, slots=True)
class Received:
    """An answer; of a body beyond the limit there is a part only, which is longer than that."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class BrokenOffError(Exception):
    """There was a connection, but no complete answer came over it."""


class Connections:
    """Connections that wait for the next request, by where they lead."""

    def __init__(self) -> None:
        self._idle: dict[Origin, list[_Connection]] = {}

    def __len__(self) -> int:
        """Return how many origins are known."""
        return len(self._idle)

    async def exchange(self, origin: Origin, sending: Sending) -> Received:
        """Send a request and return the answer.

        Raises:
            OSError: nobody can be reached there; a `TimeoutError` when nobody accepted in time.
            BrokenOffError: the connection ended, or what came over it is no HTTP.
        """
        connection = self._take(origin) or await _open(origin)
        received = await connection.exchange(sending)
        if connection.is_open:
            self._keep(origin, connection)
        return received

    def close(self) -> None:
        """Close what waits."""
        for idle in self._idle.values():
            _close_all(idle)
        self._idle.clear()

    def _take(self, origin: Origin) -> _Connection | None:
        """Return the connection that was used last, unless it, and so all others, are too old."""
        idle = self._idle.get(origin, [])
        while idle:
            connection = idle.pop()
            if connection.is_fresh:
                return connection
            connection.close()
        return None

    def _keep(self, origin: Origin, connection: _Connection) -> None:
        if len(self._idle) > _MANY:
            fresh = {one: idle for one, idle in self._idle.items() if idle and idle[-1].is_fresh}
            for one in self._idle.keys() - fresh.keys():
                _close_all(self._idle[one])
            self._idle = fresh
        self._idle.setdefault(origin, []).append(connection)


def _close_all(connections: list[_Connection]) -> None:
    for connection in connections:
        connection.close()


async def _open(origin: Origin) -> _Connection:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE):
        _, connection = await loop.create_connection(
            _Connection, origin.host, origin.port, ssl=origin.tls
        )
    return connection


class _Connection(asyncio.Protocol):
    """What comes over a connection, put together by a parser that calls the `on_` methods."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Received] | None = None
        self._since = 0.0

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    @property
    def is_fresh(self) -> bool:
        return self.is_open and self._loop.time() - self._since < _IDLE

    async def exchange(self, sending: Sending) -> Received:
        self._sending = sending
        self._parser = httptools.HttpResponseParser(self)
        self._start_over()
        answer: asyncio.Future[Received] = self._loop.create_future()
        self._answer = answer
        try:
            if self._transport is None:
                raise BrokenOffError("the connection was closed")
            self._transport.write(sending.data)
            return await answer
        finally:
            if self._answer is not None:
                self.close()
            self._since = self._loop.time()

    def close(self) -> None:
        self._answer = None
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment] # of a stream, as asyncio promises

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(f"what it sent is not HTTP: {error}")
        self._head_size += 0 if self._has_head else len(data)
        if self._head_size > _LONGEST_HEAD:
            self._fail("its headers are too long")

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._until_the_end_of_it():
            self._finish()
        else:
            self._fail(str(exc) if exc else "the connection was closed")

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._answer is None:
            self.close()  # more than was asked for: it cannot be the answer to anything

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        names = {name.lower() for name, _ in self._headers}
        self._has_end = not names.isdisjoint((b"content-length", b"transfer-encoding"))
        self._has_head = True
        if self._sending.method in _WITHOUT_BODY:
            self._finish()
            self.close()

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)
        self._size += len(body)
        if self._size > self._sending.limit:
            self._finish()
            self.close()

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            self._start_over()  # "go on", or a hint: the answer is still to come
            return
        keep = self._parser.should_keep_alive()
        self._finish()
        if not keep:
            self.close()

    def _start_over(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._head_size = self._size = 0
        self._has_head = self._has_end = False

    def _until_the_end_of_it(self) -> bool:
        """Whether the end of the connection is the end of the answer."""
        return self._answer is not None and self._has_head and not self._has_end

    def _finish(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            status, body = self._parser.get_status_code(), b"".join(self._parts)
            answer.set_result(Received(status, self._headers, body))

    def _fail(self, reason: str) -> None:
        answer = self._answer
        if answer is not None and not answer.done():
            answer.set_exception(BrokenOffError(reason))
        self.close()
