"""A small real gateway on a thread of its own, to which workers connect over real sockets.

It stands on the gateway's role alone, and can be told to misbehave.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from ulid import ULID
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from inngest_asgi.connect import messages
from inngest_asgi.connect.frames import from_bytes, to_bytes
from inngest_asgi.connect.messages import ConnectionReady, ExecutorRequest
from inngest_asgi.connect.protocol.gateway_role import GatewayRole
from inngest_asgi.connect.protocol.leases import Leases
from tests.live.servers import PATIENCE, wait_until
from tests.routes.asking import body_of, call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.requests import Request
    from websockets.asyncio.server import ServerConnection

SUBPROTOCOL = Subprotocol("v0.connect.inngest.com")

QUICK = ConnectionReady(0.3, 0.2, 0.0)
"""Heartbeats and lease extensions for tests: seconds where a server has tens of them."""


def new_ulid() -> str:
    return str(ULID())


class Peer:
    """The gateway's end of one connection."""

    def __init__(self, gateway: Gateway, connection: ServerConnection) -> None:
        self._gateway = gateway
        self._connection = connection
        self._writing = asyncio.Lock()
        self.role = GatewayRole(
            gateway.leases, now=gateway.now, authenticate=lambda _: gateway.authenticates
        )
        self.paused = False
        self.heartbeats = 0

    async def serve(self) -> None:
        await self.write()
        with suppress(ConnectionClosed):
            async for data in self._connection:
                assert isinstance(data, bytes)
                self.role.receive(data, self._gateway.now)
                for event in self.role.events():
                    self._gateway.heed(self, event)
                await self.write()
        self.role.lost(self._connection.close_code, self._connection.close_reason or "")

    async def write(self) -> None:
        if self._gateway.frozen:
            return
        async with self._writing:
            with suppress(ConnectionClosed):
                for frame in self.role.data_to_send():
                    await self._connection.send(frame)
            if self.role.closing is not None:
                await self._connection.close(self.role.closing.code, self.role.closing.reason)

    async def request(self, request: ExecutorRequest) -> None:
        self.role.request(request, self._gateway.now)
        await self.write()

    async def drain(self) -> None:
        self.role.drain(self._gateway.now)
        await self.write()

    def kill(self) -> None:
        self._connection.transport.abort()


class Gateway:
    """The gateway, the API before it, and what both have seen.

    Attributes:
        peers: the connections, oldest first, those that are over included.
        starts: the start requests, as (headers, record).
        replies: the replies by request id, in order, whichever way they came.
        flushed: ids of the requests whose replies were flushed.
        start_statuses: what start answers next, before it is 200 again.
        flush_statuses: the same of flush.
        good_key: the only bearer that is let in, if it is set.
        acknowledges: whether replies on the socket are acknowledged.
        authenticates: whether session tokens are taken.
        sync_error: what syncs are refused with, if at all.
        frozen: whether nothing is written any more.
        extends: whether leases are extended.
    """

    def __init__(self, intervals: ConnectionReady = QUICK, *, lease: float = 0.8) -> None:
        self.leases = Leases(new_ulid, duration=lease)
        self.intervals = intervals
        self.peers: list[Peer] = []
        self.starts: list[tuple[dict[str, str], messages.StartRequest]] = []
        self.replies: dict[str, list[messages.Response]] = {}
        self.flushed: list[str] = []
        self.lost: list[str] = []
        self.acks: list[str] = []
        self.extensions: list[str] = []
        self.start_statuses: list[int] = []
        self.flush_statuses: list[int] = []
        self.good_key: str | None = None
        self.acknowledges = True
        self.authenticates = True
        self.sync_error = ""
        self.frozen = False
        self._groups = count(1)
        self._ids = count(1)
        self._ports = (0, 0)

    @property
    def now(self) -> float:
        return self._loop.time()

    # For tests, from other threads.

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def socket_port(self) -> int:
        return self._ports[1]

    @property
    def ready(self) -> list[Peer]:
        """The connections that take requests, oldest first."""
        return [peer for peer in list(self.peers) if peer.role.routable]

    def wait_for_worker(self) -> Peer:
        wait_until(lambda: bool(self.ready))
        return self.ready[-1]

    def send(self, fn_id: str, *, app: str = "shop", peer: Peer | None = None, **more: Any) -> str:
        """Send a request for a function to the newest worker, and return its id."""
        request_id = f"request-{next(self._ids)}"
        request = ExecutorRequest(
            **{
                "request_id": request_id,
                "account_id": "account",
                "env_id": "env",
                "app_id": "app",
                "app_name": app,
                "function_slug": f"{app}-{fn_id}",
                "step_id": "step",
                "request_payload": body_of(call()),
                "system_trace_ctx": b"{}",
                "user_trace_ctx": b"{}",
                "run_id": f"run-of-{request_id}",
                "job_id": "job",
            }
            | more
        )
        self.on_loop((peer or self.wait_for_worker()).request(request))
        return request_id

    def reply(self, request_id: str) -> messages.Response:
        """Wait for the reply to a request."""
        wait_until(lambda: request_id in self.replies)
        return self.replies[request_id][0]

    def answer(self, request_id: str) -> Any:
        """Wait for the reply to a request, and return its document."""
        return json.loads(self.reply(request_id).body)

    def on_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def call(self, work: Callable[..., Any], *args: Any) -> None:
        self._loop.call_soon_threadsafe(work, *args)

    # Its thread.

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,))
        self._thread.start()
        assert started.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the gateway did not stop"

    def _run(self, started: threading.Event) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._live(started))

    async def _live(self, started: threading.Event) -> None:
        ticking = asyncio.create_task(self._tick())
        async with serve(self._connected, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as sockets:
            with listening() as listener:
                self._ports = (listener.getsockname()[1], sockets.sockets[0].getsockname()[1])
                async with self._serving_http(listener):
                    started.set()
                    await self._stop.wait()
        ticking.cancel()

    @asynccontextmanager
    async def _serving_http(self, listener: socket.socket) -> AsyncIterator[None]:
        routes = [
            Route("/v0/connect/start", self._start, methods=["POST"]),
            Route("/v0/connect/flush", self._flush, methods=["POST"]),
        ]
        server = uvicorn.Server(
            uvicorn.Config(Starlette(routes=routes), ws="none", lifespan="off", log_config=None)
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield  # what comes before it is up waits in the socket's queue
        serving.cancel()  # it looks ten times a second whether it should exit
        await asyncio.wait([serving])
        server.force_exit = True
        await server.shutdown(sockets=[listener])

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            self.leases.tick(self.now)
            self.lost += [one.request_id for one in self.leases.lost()]
            for peer in self.peers:
                if not peer.role.ended:
                    peer.role.tick(self.now)
                    await peer.write()

    async def _connected(self, connection: ServerConnection) -> None:
        peer = Peer(self, connection)
        self.peers.append(peer)
        await peer.serve()

    def heed(self, peer: Peer, event: Any) -> None:
        match event:
            case messages.WorkerConnect() if self.sync_error:
                peer.role.sync_failed("bad_function", self.sync_error)
            case messages.WorkerConnect():
                peer.role.ready(self.intervals, self.now)
            case messages.WorkerPause():
                peer.paused = True
            case messages.RequestAck():
                self.acks.append(event.request_id)
            case messages.ExtendLease():
                self.extensions.append(event.request_id)
            case messages.Response():
                if self.acknowledges:
                    self._store(event)
                    peer.role.stored(event.request_id)

    def _store(self, response: messages.Response) -> None:
        self.leases.finish(response.request_id)
        self.replies.setdefault(response.request_id, []).append(response)

    async def _start(self, request: Request) -> Response:
        record = from_bytes(messages.StartRequest, await request.body())
        self.starts.append((dict(request.headers), record))
        if self.start_statuses:
            return JSONResponse({"error": "told to fail"}, self.start_statuses.pop(0))
        if self._is_refused(request):
            return JSONResponse({"error": "who are you?"}, 401)
        answer = messages.StartResponse(
            connection_id=new_ulid(),
            gateway_endpoint=f"ws://127.0.0.1:{self._ports[1]}/v0/connect",
            gateway_group=f"group-{next(self._groups)}",
            session_token="session",
            sync_token="sync",
        )
        return Response(to_bytes(answer), media_type="application/octet-stream")

    async def _flush(self, request: Request) -> Response:
        body = await request.body()
        if self.flush_statuses:
            return JSONResponse({"error": "told to fail"}, self.flush_statuses.pop(0))
        response = from_bytes(messages.Response, body)
        self.flushed.append(response.request_id)
        self._store(response)
        return Response(to_bytes(messages.FlushResponse(response.request_id)))

    def _is_refused(self, request: Request) -> bool:
        told = request.headers.get("authorization")
        return self.good_key is not None and told != f"Bearer {self.good_key}"


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


def environment(gateway: Gateway) -> dict[str, str]:
    """Return the environment of a process that is to use a gateway."""
    return os.environ | {"INNGEST_DEV": gateway.url}
