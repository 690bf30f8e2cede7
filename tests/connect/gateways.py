"""A gateway in memory: sockets whose other end is the gateway's role, on the test's own loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from inngest_asgi.connect import messages
from inngest_asgi.connect.frames import to_frame
from inngest_asgi.connect.protocol.gateway_role import GatewayRole
from inngest_asgi.connect.protocol.leases import Leases
from tests.connect.pairs import CONNECTION_ID, INTERVALS, ulids

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import ExecutorRequest, Response
    from inngest_asgi.connect.opening import NotOpened, Opening
    from inngest_asgi.connect.protocol.closing import Close


class MemorySocket:
    """What `dial` returns, and the gateway's role behind it.

    Attributes:
        frozen: whether nothing that is sent arrives, nor ever will.
    """

    def __init__(self, leases: Leases) -> None:
        self.role = GatewayRole(leases, now=0.0)
        self.said: list[object] = []
        self.acknowledges = True
        self.frozen = False
        self.end: tuple[int | None, str] = (None, "")
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._closed = asyncio.Event()
        self.write()

    async def receive(self) -> bytes | None:
        return await self._frames.get()

    async def send(self, frame: bytes) -> bool:
        if self.frozen:
            await self._closed.wait()
        if self._closed.is_set():
            return False
        self.role.receive(frame, 0.0)
        for event in self.role.events():
            self.said.append(event)
            if isinstance(event, messages.WorkerConnect):
                self.role.ready(INTERVALS, 0.0)
            if isinstance(event, messages.Response) and self.acknowledges:
                self.role.stored(event.request_id)
        self.write()
        return True

    async def close(self, close: Close) -> None:
        self.hang_up(close.code, close.reason)

    def abort(self) -> None:
        self.hang_up(None, "")

    def hang_up(self, code: int | None, reason: str) -> None:
        if not self._closed.is_set():
            self._closed.set()
            self.end = (code, reason)
            self._frames.put_nowait(None)

    def request(self, request: ExecutorRequest) -> None:
        self.role.request(request, 0.0)
        self.write()

    def say(self, message: messages.Message) -> None:
        self._frames.put_nowait(to_frame(message))

    def write(self) -> None:
        for frame in self.role.data_to_send():
            self._frames.put_nowait(frame)


class MemoryServer:
    """Stands for `Opening` and `Exchange`.

    Attributes:
        sockets: those that were opened.
        refusals: what comes of the next attempts to open one.
        flushed: replies that came over HTTP.
        flush_errors: what the next flushes raise.
    """

    def __init__(self, *refusals: NotOpened) -> None:
        self.sockets: list[MemorySocket] = []
        self.refusals = list(refusals)
        self.flushed: list[Response] = []
        self.flush_errors: list[Exception] = []
        self.hangs = False
        self.closed = False
        self._leases = Leases(ulids())

    @property
    def is_ready(self) -> bool:
        """Whether the newest connection takes requests."""
        return bool(self.sockets) and self.sockets[-1].role.routable

    @property
    def opening(self) -> Opening:
        return cast("Opening", self)

    @property
    def exchange(self) -> Any:
        return self

    async def open(self, excluded: tuple[str, ...]) -> Any:
        if self.hangs:
            await asyncio.Event().wait()
        if self.refusals:
            return self.refusals.pop(0)
        start = messages.StartResponse(CONNECTION_ID, "ws://x", f"group-{len(self.sockets)}")
        self.sockets.append(MemorySocket(self._leases))
        return start, self.sockets[-1]

    async def flush(self, response: Response) -> None:
        if self.flush_errors:
            raise self.flush_errors.pop(0)
        self.flushed.append(response)

    async def aclose(self) -> None:
        self.closed = True
