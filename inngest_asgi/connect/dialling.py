"""One WebSocket to a gateway; the only file of the worker that imports websockets."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from inngest_asgi.errors import ApiError
from inngest_asgi.wire.names import SDK_HEADER

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from inngest_asgi.connect.protocol.closing import Close

SUBPROTOCOL = Subprotocol("v0.connect.inngest.com")

OPEN_PATIENCE = 10.0
"""Seconds for the connection, TLS and the handshake of the WebSocket."""

CLOSE_PATIENCE = 2.0
"""Seconds for a gateway to agree that a connection is closed."""

MAX_SIZE = 64 * 1024 * 1024
"""Bytes of a frame. A larger one costs the connection, and would come again on the next."""


async def dial(url: str) -> Socket:
    """Open a WebSocket to a gateway.

    Raises:
        ApiError: it could not be opened.
    """
    try:
        connection = await connect(
            url,
            subprotocols=[SUBPROTOCOL],
            user_agent_header=SDK_HEADER,
            compression=None,  # gateways take none, and it costs memory for each connection
            open_timeout=OPEN_PATIENCE,
            close_timeout=CLOSE_PATIENCE,
            ping_interval=None,  # the protocol has heartbeats, and knows what to make of them
            max_size=MAX_SIZE,
        )
    except (OSError, EOFError, WebSocketException) as error:
        said = str(error) or "no more is known"
        raise ApiError(f"The gateway {_shown(url)} opened no connection: {said}.") from error
    return Socket(connection)


class Socket:
    """An open WebSocket that carries binary frames."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> bytes | None:
        """Return the next frame; None at the end. Text, which no gateway sends, is given as it is
        encoded, for the protocol to refuse.
        """
        try:
            data = await self._connection.recv()
        except ConnectionClosed:
            return None
        return data.encode() if isinstance(data, str) else data

    async def send(self, frame: bytes) -> bool:
        """Write a frame; False when the connection is over."""
        try:
            await self._connection.send(frame)
        except ConnectionClosed:
            return False
        return True

    async def close(self, close: Close) -> None:
        """Close it, telling the gateway why, and wait for the end: two seconds, then it is dropped.

        Whoever closes it later, or is closed by the gateway, waits for the same end.
        """
        await self._connection.close(close.code, close.reason)

    def abort(self) -> None:
        """Drop the connection, for a gateway that does not read what is sent."""
        self._connection.transport.abort()

    @property
    def end(self) -> tuple[int | None, str]:
        """The close code and reason, after the end; the code is None if there was none."""
        return self._connection.close_code, self._connection.close_reason or ""


def _shown(url: str) -> str:
    """Return a URL without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
