"""One open connection: frames go out in order, come in one by one, until its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inngest_asgi.connect.dialling import CLOSE_PATIENCE
from inngest_asgi.connect.protocol.closing import SHUTDOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.connect.dialling import Socket
    from inngest_asgi.connect.protocol.closing import Close


class Line:
    """Reads and writes a socket.

    Args:
        socket: open.
        received: called with each frame that comes.
    """

    def __init__(self, socket: Socket, received: Callable[[bytes], None]) -> None:
        self._socket = socket
        self._received = received
        self._frames: asyncio.Queue[bytes | Close] = asyncio.Queue()

    def send(self, frame: bytes) -> None:
        """Have a frame written after those before it."""
        self._frames.put_nowait(frame)

    def close(self, close: Close) -> None:
        """Have the socket closed after the frames before; soon, even if nobody reads them."""
        self._frames.put_nowait(close)
        asyncio.get_running_loop().call_later(CLOSE_PATIENCE, self._socket.abort)

    async def run(self) -> tuple[int | None, str]:
        """Carry frames until the end, and return the close code and reason; then `leave`."""
        writing = asyncio.create_task(self._write())
        try:
            while (frame := await self._socket.receive()) is not None:
                self._received(frame)
        except asyncio.CancelledError:
            self._socket.abort()
            raise
        finally:
            writing.cancel()
        return self._socket.end

    async def leave(self) -> None:
        """Wait until both sides have hung up, two seconds at most."""
        await self._socket.close(SHUTDOWN)

    async def _write(self) -> None:
        while True:
            frame = await self._frames.get()
            if not isinstance(frame, bytes):
                await self._socket.close(frame)
                return
            if not await self._socket.send(frame):
                return
