"""A network between workers and a server that can be told to fail, and that listens in.

It carries TCP from two ports of its own to two of the server: the API's, byte by byte, and the
gateway's, frame by frame.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from inngest_asgi.connect import messages
from inngest_asgi.connect.frames import to_frame
from tests.live.websocket_frames import Frame, frame_of, read_frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

_CHUNK = 65536


class Way(Enum):
    """A direction."""

    UP = "to the gateway"
    DOWN = "to the worker"


@dataclass(frozen=True, slots=True)
class Trick:
    """What is done to a frame.

    Args:
        change: makes what is sent in its place; None to send it after the next one.
        ends: whether the connection breaks then.
        early: whether it is meant for a handshake, not for what follows.
    """

    change: Callable[[Frame], bytes] | None
    ends: bool = False
    early: bool = False


TRICKS = {
    "garbled": Trick(lambda frame: frame.garbled),
    "garbled-handshake": Trick(lambda frame: frame.garbled, early=True),
    "broken": Trick(lambda frame: frame.broken),
    "cut": Trick(lambda frame: frame.raw[: len(frame.raw) // 2], ends=True),
    "doubled": Trick(lambda frame: frame.raw * 2),
    "swapped": Trick(None),
}


@dataclass(eq=False)
class Channel:
    """One TCP connection through the proxy, from `near` (the worker) to `far` (the server).

    Attributes:
        instance: whose it is, once the worker has said so.
        ready: whether its handshake is over.
        swallowed: whether nothing arrives any more, and nobody is told.
        ended: the directions that are closed.
        held: a frame that is sent after the next one, for each direction.
    """

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    instance: str = ""
    ready: bool = False
    swallowed: bool = False
    ended: set[Way] = field(default_factory=set)
    held: dict[Way, Frame] = field(default_factory=dict)

    def writer(self, way: Way) -> asyncio.StreamWriter:
        return self.far if way is Way.UP else self.near

    def abort(self) -> None:
        for writer in (self.near, self.far):
            writer.transport.abort()


class ChaosProxy:
    """The network. All of it is for one loop.

    Args:
        api_port: where the server's API is.
        gateway_port: where its gateway is.

    Attributes:
        api: the port that stands for the API.
        gateway: the port that stands for the gateway.
        acknowledged: the requests that workers have acknowledged, and who did.
        settled: the requests whose replies the gateway has acknowledged.
        delay: seconds that each frame takes.
    """

    def __init__(self, api_port: int, gateway_port: int) -> None:
        self.api = self.gateway = 0
        self.acknowledged: dict[str, str] = {}
        self.settled: set[str] = set()
        self.delay = 0.0
        self._ports = (api_port, gateway_port)
        self._channels: set[Channel] = set()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._tricks: dict[Way, deque[tuple[Trick, asyncio.Future[str]]]] = {
            way: deque() for way in Way
        }
        self._connected: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._news = asyncio.Condition()
        self._carrying: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def carrying(self) -> AsyncIterator[None]:
        """Carry connections inside the context; at its end all of them are dropped."""
        api = await asyncio.start_server(self._carry_bytes, "127.0.0.1", 0)
        gateway = await asyncio.start_server(self._carry_frames, "127.0.0.1", 0)
        self.api, self.gateway = (one.sockets[0].getsockname()[1] for one in (api, gateway))
        try:
            yield
        finally:
            api.close()
            gateway.close()
            self.drop()
            for task in self._carrying:
                task.cancel()
            await asyncio.gather(*self._carrying, return_exceptions=True)

    # What may be asked.

    @property
    def ready(self) -> list[Channel]:
        """The connections of workers that are through their handshake."""
        return [one for one in self._channels if one.ready and not one.swallowed]

    async def connected(self, instance: str, since: float) -> float:
        """Wait until a worker is accepted anew, and return when that was."""
        return await self._after(self._connected, instance, since)

    async def heard(self, instance: str, since: float) -> float:
        """Wait until a worker hears from the gateway, and return when that was."""
        return await self._after(self._heard, instance, since)

    async def took(self, instance: str, function: str, since: float) -> float:
        """Wait until a worker acknowledges a request for a function, and return when that was."""
        return await self._after(self._took, f"{instance} {function}", since)

    # Faults.

    def drop(self) -> None:
        """Break all connections, without a word."""
        for channel in list(self._channels):
            channel.abort()

    def half_close(self, way: Way) -> None:
        """End one direction of the workers' connections; the other one goes on."""
        for channel in self.ready:
            self._end(channel, way)

    def swallow(self) -> None:
        """Have nothing arrive any more on the workers' connections, in either direction."""
        for channel in self.ready:
            channel.swallowed = True

    def freeze(self) -> None:
        """Accept what comes, and forward nothing."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Forward all that came meanwhile."""
        self._thawed.set()

    def drain(self) -> None:
        """Tell each worker that its gateway shuts down."""
        for channel in self.ready:
            channel.near.write(frame_of(to_frame(messages.GatewayClosing())))

    async def play(self, trick: str, way: Way) -> str:
        """Do something to the next frame that it can be done to, and return whose that was."""
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tricks[way].append((TRICKS[trick], done))
        return await done

    # The rest is how.

    async def _after(self, times: dict[str, float], key: str, since: float) -> float:
        async with self._news:
            await self._news.wait_for(lambda: times.get(key, 0.0) > since)
            return times[key]

    async def _carry_bytes(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await self._carry(reader, writer, self._ports[0], self._pump_bytes)

    async def _carry_frames(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await self._carry(reader, writer, self._ports[1], self._pump_frames)

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        port: int,
        pump: Callable[[Channel, Way, asyncio.StreamReader], Awaitable[None]],
    ) -> None:
        """Carry one connection until both of its directions have ended."""
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)
        await self._thawed.wait()
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        channel = Channel(writer, far)
        self._channels.add(channel)
        try:
            await asyncio.gather(
                self._until_end(pump, channel, Way.UP, reader),
                self._until_end(pump, channel, Way.DOWN, far_reader),
            )
        finally:
            self._channels.discard(channel)
            channel.abort()

    async def _until_end(
        self,
        pump: Callable[[Channel, Way, asyncio.StreamReader], Awaitable[None]],
        channel: Channel,
        way: Way,
        reader: asyncio.StreamReader,
    ) -> None:
        """Carry one direction, then pass its end on: an orderly one in order."""
        try:
            await pump(channel, way, reader)
        except asyncio.IncompleteReadError:
            if not channel.swallowed:
                self._end(channel, way)
        except ConnectionError:
            if not channel.swallowed:
                channel.abort()

    def _end(self, channel: Channel, way: Way) -> None:
        channel.ended.add(way)
        with suppress(OSError):
            channel.writer(way).write_eof()

    async def _pump_bytes(self, channel: Channel, way: Way, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(_CHUNK):
            await self._write(channel, way, data)
        raise asyncio.IncompleteReadError(b"", None)

    async def _pump_frames(self, channel: Channel, way: Way, reader: asyncio.StreamReader) -> None:
        await self._write(channel, way, await reader.readuntil(b"\r\n\r\n"))
        while True:
            frame = await read_frame(reader)
            message = frame.message
            self._overhear(channel, message)
            await asyncio.sleep(self.delay)
            await self._write(channel, way, self._in_place_of(frame, channel, way))
            await self._tell(channel, message)

    async def _write(self, channel: Channel, way: Way, data: bytes) -> None:
        await self._thawed.wait()
        writer = channel.writer(way)
        if not channel.swallowed and way not in channel.ended:
            writer.write(data)
            await writer.drain()

    def _in_place_of(self, frame: Frame, channel: Channel, way: Way) -> bytes:
        """Return what is sent when a frame has come."""
        held = channel.held.pop(way, None)
        before = held.raw if held else b""
        found = self._trick_for(frame, channel, way)
        if found is None:
            return before + frame.raw
        trick, done = found
        if trick.change is not None:
            changed = trick.change(frame)
        elif held is None or not _may_swap(held, frame):
            channel.held[way] = frame
            return before
        else:
            before, changed = b"", frame.raw + held.raw
        self._tricks[way].popleft()
        if not done.cancelled():
            done.set_result(channel.instance)
        if trick.ends:
            asyncio.get_running_loop().call_soon(channel.abort)
        return before + changed

    def _trick_for(
        self, frame: Frame, channel: Channel, way: Way
    ) -> tuple[Trick, asyncio.Future[str]] | None:
        if not self._tricks[way] or frame.message is None:
            return None
        trick, done = self._tricks[way][0]
        return (trick, done) if channel.ready is not trick.early else None

    def _overhear(self, channel: Channel, message: messages.Message | None) -> None:
        match message:
            case messages.WorkerConnect():
                channel.instance = message.instance_id
            case messages.RequestAck():
                self.acknowledged[message.request_id] = channel.instance
            case messages.ReplyAck():
                self.settled.add(message.request_id)

    async def _tell(self, channel: Channel, message: messages.Message | None) -> None:
        """Have those go on who wait for something that a worker has heard, or said."""
        now = time.monotonic()
        if channel.swallowed or channel.near.is_closing():
            return
        match message:
            case messages.RequestAck():
                self._took[f"{channel.instance} {message.function_slug}"] = now
            case messages.ConnectionReady():
                channel.ready = True
                self._connected[channel.instance] = self._heard[channel.instance] = now
            case messages.GatewayHeartbeat():
                self._heard[channel.instance] = now
            case _:
                return
        async with self._news:
            self._news.notify_all()


def _may_swap(first: Frame, second: Frame) -> bool:
    """Tell whether it makes no difference to the protocol which of two frames comes first."""
    ids = [getattr(frame.message, "request_id", None) for frame in (first, second)]
    return None not in ids and ids[0] != ids[1]
