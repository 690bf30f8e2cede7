"""`InngestApp`, the one ASGI application, and `serve`, which makes it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from inngest_asgi.client.inngest import Inngest
from inngest_asgi.clock import SYSTEM_CLOCK, Clock
from inngest_asgi.functions import checks
from inngest_asgi.functions.collection import FunctionIndex
from inngest_asgi.lifespan.connecting import FORGOTTEN, Connecting
from inngest_asgi.lifespan.manager import LifespanManager
from inngest_asgi.routes.execute import Execute
from inngest_asgi.routes.facts import Facts
from inngest_asgi.routes.guard import Caller, Guard, Handle
from inngest_asgi.routes.health import Health
from inngest_asgi.routes.introspect import Introspect
from inngest_asgi.routes.messages import Request, Response
from inngest_asgi.routes.options import MAX_BODY_BYTES, Options, Streaming
from inngest_asgi.routes.origin import Place, place_of
from inngest_asgi.routes.register import Register
from inngest_asgi.runtime.execute import Runtime
from inngest_asgi.runtime.threads import Threads
from inngest_asgi.wire.names import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor
    from contextlib import AbstractAsyncContextManager

    from starlette.types import Receive, Scope, Send

    from inngest_asgi.connect.options import ConnectOptions
    from inngest_asgi.connect.worker import Worker
    from inngest_asgi.functions.function import Function

DEFAULT_PATH = "/api/inngest"

_NOT_FOUND = Response.json(
    404,
    {
        "code": ErrorCode.NOT_FOUND,
        "message": "Nothing is served here; Inngest's endpoint is at the serve path.",
    },
)


def serve(
    client: Inngest,
    functions: Iterable[Function[Any]] | None = None,
    *,
    connect: bool | ConnectOptions | None = None,
    serve_origin: str | None = None,
    serve_path: str | None = None,
    public_path: str | None = None,
    streaming: bool | Streaming | None = None,
    cancel_on_disconnect: bool = False,
    max_body_bytes: int = MAX_BODY_BYTES,
    executor: Executor | None = None,
    enable_unauthed_sync: bool | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> InngestApp:
    """Make the ASGI application that serves a client's functions.

    Run it directly (`uvicorn module:inngest_app`), mount it, or `attach` it. What is left out is
    looked for in the variable named, then decided as told.

    Args:
        client: the application's client.
        functions: what to serve; by default all declared on the client before its first use.
        connect: also run a connect worker, from the start of the host to its end, by
            `ConnectOptions` or as True by the usual ones (INNGEST_CONNECT; no).
        serve_origin: scheme and host to register ("https://shop.example"), where a proxy hides
            them (INNGEST_SERVE_ORIGIN; those of the request).
        serve_path: the path to answer at and to register (INNGEST_SERVE_PATH; "/api/inngest", or
            the path it is mounted at).
        public_path: the path to register instead, where a proxy changes it.
        streaming: answer calls at once and keep the connection alive until their function ends,
            for hosts that end silent requests (INNGEST_STREAMING; no).
        cancel_on_disconnect: cancel a function whose caller goes away; by default it ends.
        max_body_bytes: the largest request body to accept; larger ones get a 413.
        executor: the threads blocking functions run in; by default some of the application's own.
        enable_unauthed_sync: whether an unsigned PUT may register in cloud mode
            (INNGEST_ENABLE_UNAUTHED_SYNC; yes).
        clock: time and chance, for tests.

    Raises:
        ConfigError: an argument is wrong, or the functions are (duplicate ids, another client's).
    """
    checks.of_kind(client, Inngest, "serve: client")
    options = Options(
        connect=connect,
        serve_origin=serve_origin,
        serve_path=serve_path,
        public_path=public_path,
        streaming=streaming,
        cancel_on_disconnect=cancel_on_disconnect,
        max_body_bytes=max_body_bytes,
        executor=executor,
        enable_unauthed_sync=enable_unauthed_sync,
    )
    index = client.index if functions is None else FunctionIndex.of(client.app_id, functions)
    return InngestApp(client, index, options, clock)


class InngestApp:
    """The ASGI application. Made by `serve`, which explains how.

    GET inspects, PUT registers, POST executes; /health/live and /health/ready tell its state.
    """

    def __init__(
        self, client: Inngest, index: FunctionIndex, options: Options, clock: Clock
    ) -> None:
        self.client = client
        self._options = options
        self._facts = facts = Facts(client, index, options)
        self._guard = guard = Guard(client, facts, clock)
        threads = Threads(options.executor, lambda: client.settings.thread_pool_size)
        runtime = Runtime(client, index, threads=threads, clock=clock)
        execute = Execute(runtime, guard, options, clock)
        register = Register(client, facts, guard, options)
        introspect = Introspect(facts, guard)
        self._methods: dict[str, Handle] = {"POST": execute, "PUT": register, "GET": introspect}
        self._connecting = Connecting(runtime, told=options.connect, clock=clock)
        self._manager = LifespanManager(client, threads, self._connecting)
        self._health = Health(
            client, index, self._manager, self._connecting, register, execute, guard
        )
        self._index = index
        self._looked_for_lifespan = False

    def __repr__(self) -> str:
        return f"<InngestApp of {self.client!r}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI: lifespan and http; a websocket is closed."""
        if scope["type"] == "http":
            if not self._looked_for_lifespan:
                self._look_for_lifespan()
            place = place_of(scope, self.serve_path)
            request = Request(scope, receive)
            if place is Place.ENDPOINT:
                handle = self._methods.get(request.method, _refuse_method)
                response = await self._guard.answer(request, handle)
            else:
                response = await self._respond_beside(place, request)
            await response.send(send)
        elif scope["type"] == "lifespan":
            await self._manager.serve(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    def lifespan(self, app: object = None) -> AbstractAsyncContextManager[None]:
        """Return the application's lifespan, for hosts that take one: `FastAPI(lifespan=...)`."""
        return self._manager.run()

    @cached_property
    def serve_path(self) -> str:
        """The path it answers at when it is not mounted; settled when it is first asked for."""
        told = self._options.serve_path or self.client.settings.serve_path or DEFAULT_PATH
        return f"/{told.lstrip('/')}"

    @property
    def framework(self) -> str:
        """What servers are told it is served by: "asgi", or the name of a host.

        `attach` sets it to "fastapi" or "starlette"; where you mount it, set it yourself.
        """
        return self._facts.framework

    @framework.setter
    def framework(self, name: str) -> None:
        self._facts.framework = name

    @property
    def functions(self) -> tuple[Function[Any], ...]:
        """What it serves, in order."""
        return self._index.functions

    @property
    def connect_options(self) -> ConnectOptions | None:
        """How it connects beside serving HTTP; None when it does not."""
        return self._connecting.options

    @property
    def worker(self) -> Worker | None:
        """Its connect worker since the host has started; None before, or when it has none."""
        return self._connecting.worker

    def _look_for_lifespan(self) -> None:
        """Say once, and loudly, that a worker is missing because the host runs no lifespan."""
        self._looked_for_lifespan = True
        if self._connecting.is_forgotten:
            self.client.logger.error("%s: %s", self, FORGOTTEN)

    async def _respond_beside(self, place: Place, request: Request) -> Response:
        if place is Place.LIVE:
            return self._health.live()
        return await self._health.ready(request) if place is Place.READY else _NOT_FOUND


async def _refuse_method(request: Request, caller: Caller) -> Response:
    document = {
        "code": ErrorCode.METHOD_NOT_ALLOWED,
        "message": f"{request.method} is not supported here; use GET, PUT or POST.",
    }
    return Response.json(405, document, allow="GET, PUT, POST")
