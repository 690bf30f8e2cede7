"""The gateway's sockets; the only file of the server that knows the websockets library."""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
from typing import TYPE_CHECKING

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from inngest_asgi.connect.protocol.connection import MAX_FRAME
from inngest_asgi.errors import DevServerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response
    from websockets.typing import Subprotocol

    from inngest_asgi.dev.gateway.gateway import Gateway
    from inngest_asgi.dev.gateway.links import Link

PATH = "/v0/connect"
SUBPROTOCOL = "v0.connect.inngest.com"

_READY = "/ready"
_LARGEST = MAX_FRAME + 2 * 1024 * 1024
"""Bytes; the role closes over a frame that is too large with a reason the worker understands."""
_FAREWELL = 2.0
"""Seconds a worker has to answer the closing of its socket."""
# Who comes and goes the gateway tells in its own words, and who only probes the port is no news.
_quiet = logging.getLogger(f"{__name__}.websockets")
_quiet.setLevel(logging.ERROR)
_quiet.addFilter(lambda record: record.msg != "opening handshake failed")


@contextlib.asynccontextmanager
async def listening(gateway: Gateway, host: str, port: int) -> AsyncIterator[None]:
    """Take connections inside the context; when it is left, workers are asked to go elsewhere.

    Raises:
        DevServerError: the port cannot be used.
    """
    subprotocols: list[Subprotocol] = [SUBPROTOCOL]  # type: ignore[list-item]
    try:
        server = await serve(
            _Sockets(gateway).hold,
            host,
            port,
            subprotocols=subprotocols,
            # Programs name no origin. Browsers do, and a page must not pass for a worker.
            origins=[None],
            process_request=_Doorman(gateway).answer,
            compression=None,
            max_size=_LARGEST,
            ping_interval=None,
            close_timeout=_FAREWELL,
            logger=_quiet,
        )
    except OSError as error:
        raise DevServerError(
            f"Port {port}, meant for the connect gateway, cannot be used: {error.strerror}. "
            "Stop what uses it, or choose another one."
        ) from error
    gateway.address = server.sockets[0].getsockname()[:2]
    try:
        yield
    finally:
        await gateway.close()
        server.close(close_connections=False)
        await server.wait_closed()


class _Doorman:
    """Answers what is no worker's connection."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Return the answer to a plain request; None lets a worker in."""
        path = request.path.partition("?")[0]
        if path == _READY:
            closed = self._gateway.closed
            status = http.HTTPStatus.SERVICE_UNAVAILABLE if closed else http.HTTPStatus.OK
            return connection.respond(status, "draining\n" if closed else "ok\n")
        if path != PATH:
            return connection.respond(http.HTTPStatus.NOT_FOUND, f"Workers connect to {PATH}.\n")
        return None


class _Sockets:
    """Carries frames between sockets and links."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def hold(self, socket: ServerConnection) -> None:
        """Serve one connection until it is over."""
        awake = asyncio.Event()
        link = self._gateway.accept(awake.set)
        writing = asyncio.create_task(_write(socket, link, awake))
        try:
            async for frame in socket:
                data = frame.encode() if isinstance(frame, str) else frame
                self._gateway.received(link, data)
        except ConnectionClosed:
            """The worker is gone without a word; what follows is the same."""
        finally:
            self._gateway.lost(link, socket.close_code, socket.close_reason or "")
            awake.set()
            await writing


async def _write(socket: ServerConnection, link: Link, awake: asyncio.Event) -> None:
    """Write what a link has to say, and close the socket at the end."""
    with contextlib.suppress(ConnectionClosed):
        while not link.role.ended or link.closing:
            await awake.wait()
            awake.clear()
            for frame in link.take():
                await socket.send(frame)
            if link.closing is not None:
                await socket.close(link.closing.code, link.closing.reason)
                return
