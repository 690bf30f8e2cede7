"""B7's other end, a process of its own: `python -m benchmarks.gateway SECONDS PYTHON MODULE`.

A gateway without a server behind it: it starts a worker, fires requests at it and prints as JSON
how many were answered in a second, and how late at half that load. It stands on the class that the
embedded server's gateway stands on. An echo gets the same frames from a bare socket instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from ulid import ULID
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from benchmarks.load import BenchmarkError, free_port
from benchmarks.workloads import APP_ID, without_steps
from inngest_asgi.connect import messages
from inngest_asgi.connect.frames import from_bytes, to_bytes, to_frame
from inngest_asgi.connect.protocol.gateway_role import GatewayRole
from inngest_asgi.connect.protocol.leases import Leases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.requests import Request
    from websockets.asyncio.server import ServerConnection

AT_ONCE = 32
"""Requests under way at full load."""
ECHO = "benchmarks.sides.connect_echo"

_PATIENCE = 30.0
_WARM_UP = 1.0
_PACE = 0.001
_SUBPROTOCOL: Any = "v0.connect.inngest.com"
_CALL = without_steps()
_NAME = re.compile(rb"request-\d+")


@dataclass
class Firing:
    """Requests out, answers in, and how long each took."""

    socket: ServerConnection
    role: GatewayRole
    is_echo: bool
    leases: Leases
    on_ready: Callable[[], None] = lambda: None
    refill: bool = True
    latencies: list[float] = field(default_factory=list)
    _began: dict[str, float] = field(default_factory=dict)
    _names: Iterator[int] = field(default_factory=count)

    async def fire(self, requests: int = 1) -> None:
        """Send so many requests."""
        for _ in range(requests):
            name = f"request-{next(self._names)}"
            self._began[name] = _now()
            if self.is_echo:
                await self.socket.send(to_frame(_request(name)))
            else:
                self.role.request(_request(name), _now())
                await self.write()

    async def listen(self) -> None:
        """Take what comes until the socket is gone; at full load each answer is a new request."""
        with contextlib.suppress(ConnectionClosed):
            async for data in self.socket:
                frame = data.encode() if isinstance(data, str) else data
                answered = self._echoed(frame) if self.is_echo else self._heard(frame)
                for name in answered:
                    self.latencies.append(_now() - self._began.pop(name))
                    if self.refill:
                        await self.fire()
                await self.write()

    def _echoed(self, frame: bytes) -> list[str]:
        return [name.decode() for name in _NAME.findall(frame)]

    def _heard(self, frame: bytes) -> list[str]:
        self.role.receive(frame, _now())
        answered = []
        for event in self.role.events():
            if isinstance(event, messages.WorkerConnect):
                self.role.ready(messages.ConnectionReady(10.0, 30.0), _now())
            elif isinstance(event, messages.WorkerReady):
                self.on_ready()
            elif isinstance(event, messages.Response):
                if event.status is not messages.ResponseStatus.DONE:
                    raise BenchmarkError(f"The worker answered {event.body[:200]!r}.")
                self.leases.finish(event.request_id)
                self.role.stored(event.request_id)
                answered.append(event.request_id)
        return answered

    async def write(self) -> None:
        """Write what the role has to say."""
        for frame in self.role.data_to_send():
            await self.socket.send(frame)


async def main(seconds: float, command: list[str]) -> dict[str, float]:
    """Start the worker, put load on it, and return the figures."""
    connected: asyncio.Future[Firing] = asyncio.get_running_loop().create_future()
    is_echo = ECHO in command

    async def hold(socket: ServerConnection) -> None:
        leases = Leases(lambda: str(ULID()))
        role = GatewayRole(leases, now=_now())
        firing = Firing(socket, role, is_echo, leases)
        if not is_echo:
            await firing.write()
            firing.on_ready = partial(connected.set_result, firing)
        else:
            connected.set_result(firing)
        await firing.listen()

    protocols = None if is_echo else [_SUBPROTOCOL]
    async with serve(hold, "127.0.0.1", 0, subprotocols=protocols, compression=None) as gateway:
        url = f"ws://127.0.0.1:{gateway.sockets[0].getsockname()[1]}/v0/connect"
        async with _starts(url) as origin:
            argument, environment = url if is_echo else origin, {"INNGEST_DEV": origin}
            worker = await asyncio.create_subprocess_exec(
                *command, argument, env=os.environ | environment
            )
            try:
                firing = await asyncio.wait_for(connected, _PATIENCE)
                return await _measured(firing, seconds)
            finally:
                worker.kill()
                await worker.wait()


async def _measured(firing: Firing, seconds: float) -> dict[str, float]:
    await firing.fire(AT_ONCE)
    await asyncio.sleep(_WARM_UP)
    before = len(firing.latencies)
    await asyncio.sleep(seconds)
    rate = (len(firing.latencies) - before) / seconds
    firing.refill = False
    await asyncio.sleep(0.2)
    firing.latencies.clear()
    await _at(firing, rate / 2, seconds)
    await asyncio.sleep(0.5)
    late = sorted(firing.latencies)
    if not late:
        raise BenchmarkError("The worker answered nothing.")
    return {"rate": rate, "p99": 1000 * late[int(len(late) * 0.99)]}


async def _at(firing: Firing, rate: float, seconds: float) -> None:
    """Fire at a steady rate, whatever is answered."""
    began, fired = _now(), 0
    while (passed := _now() - began) < seconds:
        due = int(passed * rate) - fired
        await firing.fire(due)
        fired += due
        await asyncio.sleep(_PACE)


@contextlib.asynccontextmanager
async def _starts(url: str) -> AsyncIterator[str]:
    """Answer start requests; gives the origin of whoever does."""

    async def start(request: Request) -> Response:
        reply = messages.StartResponse(str(ULID()), url, "gw", "session", "sync")
        return Response(to_bytes(reply), media_type="application/octet-stream")

    async def flush(request: Request) -> Response:
        reply = from_bytes(messages.Response, await request.body())
        return Response(to_bytes(messages.FlushResponse(reply.request_id)))

    table = [
        Route("/v0/connect/start", start, methods=["POST"]),
        Route("/v0/connect/flush", flush, methods=["POST"]),
    ]
    port = free_port()
    config = uvicorn.Config(Starlette(routes=table), port=port, log_level="error", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it has no other way to tell
        await asyncio.sleep(_PACE)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


def _request(name: str) -> messages.ExecutorRequest:
    return messages.ExecutorRequest(
        request_id=name,
        app_name=APP_ID,
        function_slug=f"{APP_ID}-{_CALL.function}",
        step_id="step",
        request_payload=_CALL.body,
        system_trace_ctx=b"{}",
        user_trace_ctx=b"{}",
        run_id="run",
    )


def _now() -> float:
    return asyncio.get_running_loop().time()


if __name__ == "__main__":
    figures = asyncio.run(main(float(sys.argv[1]), sys.argv[2:]))
    sys.stdout.write(json.dumps(figures))
