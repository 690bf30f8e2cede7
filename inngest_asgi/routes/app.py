"""`InngestApp`, the one ASGI application, and `serve`, which makes it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from inngest_asgi.clock import SYSTEM_CLOCK, Clock
from inngest_asgi.errors import ConfigError
from inngest_asgi.functions.collection import FunctionIndex
from inngest_asgi.lifespan.manager import LifespanManager
from inngest_asgi.routes.execute import Execute
from inngest_asgi.routes.guard import Caller, Guard, Handle
from inngest_asgi.routes.health import Health
from inngest_asgi.routes.introspect import Introspect
from inngest_asgi.routes.messages import Request, Response
from inngest_asgi.routes.origin import Place, place_of
from inngest_asgi.routes.register import Register
from inngest_asgi.runtime.execute import Runtime
from inngest_asgi.runtime.threads import Threads
from inngest_asgi.settings import checked_origin
from inngest_asgi.wire.names import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor
    from contextlib import AbstractAsyncContextManager

    from starlette.types import Receive, Scope, Send

    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.functions.function import Function

DEFAULT_PATH = "/api/inngest"
MAX_BODY_BYTES = 16 * 1024 * 1024

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
    serve_origin: str | None = None,
    serve_path: str | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    executor: Executor | None = None,
    enable_unauthed_sync: bool | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> InngestApp:
    """Make the ASGI application that serves a client's functions.

    Run it directly (`uvicorn module:inngest_app`), mount it, or `attach` it.

    Args:
        client: the application's client.
        functions: what to serve; by default everything declared on the client until the
            application is first used.
        serve_origin: scheme and host to register ("https://shop.example"), where a proxy hides
            them; by default INNGEST_SERVE_ORIGIN, else those of the request.
        serve_path: the path to answer at and to register; by default INNGEST_SERVE_PATH, else
            "/api/inngest", or the path it is mounted at.
        max_body_bytes: the largest request body to accept; larger ones get a 413.
        executor: where blocking functions run; by default threads of the application's own.
        enable_unauthed_sync: whether an unsigned PUT may register in cloud mode; by default
            INNGEST_ENABLE_UNAUTHED_SYNC, else yes.
        clock: time and chance, for tests.

    Raises:
        ConfigError: an argument is wrong, or the functions are (duplicate ids, another client's).
    """
    return InngestApp(
        client,
        functions,
        serve_origin=serve_origin,
        serve_path=serve_path,
        max_body_bytes=max_body_bytes,
        executor=executor,
        enable_unauthed_sync=enable_unauthed_sync,
        clock=clock,
    )


class InngestApp:
    """The ASGI application. Made by `serve`, which explains the arguments.

    GET inspects, PUT registers, POST executes; /health/live and /health/ready tell its state.
    """

    def __init__(
        self,
        client: Inngest,
        functions: Iterable[Function[Any]] | None = None,
        *,
        serve_origin: str | None = None,
        serve_path: str | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        executor: Executor | None = None,
        enable_unauthed_sync: bool | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if serve_origin is not None:
            serve_origin = checked_origin(serve_origin, "serve_origin")
        _check_path(serve_path)
        _check_limit(max_body_bytes)
        self.client = client
        self._serve_path = serve_path
        index = client.index if functions is None else FunctionIndex.of(client.app_id, functions)
        threads = Threads(executor, lambda: client.settings.thread_pool_size)
        runtime = Runtime(client, index, threads=threads, clock=clock)
        self._guard = guard = Guard(client, clock)
        execute = Execute(runtime, guard, max_body_bytes=max_body_bytes)
        register = Register(
            client,
            index,
            guard,
            serve_origin=serve_origin,
            serve_path=serve_path,
            max_body_bytes=max_body_bytes,
            enable_unauthed_sync=enable_unauthed_sync,
        )
        introspect = Introspect(
            client, index, guard, serve_origin=serve_origin, serve_path=serve_path
        )
        self._methods: dict[str, Handle] = {"POST": execute, "PUT": register, "GET": introspect}
        self._manager = LifespanManager(client, threads)
        self._health = Health(client, index, self._manager, register, execute)

    def __repr__(self) -> str:
        return f"<InngestApp of {self.client!r}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI: lifespan and http; a websocket is closed."""
        if scope["type"] == "http":
            response = await self._respond(Request(scope, receive))
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
        return self._serve_path or self.client.settings.serve_path or DEFAULT_PATH

    async def _respond(self, request: Request) -> Response:
        place = place_of(request.scope, self.serve_path)
        if place is Place.ENDPOINT:
            handle = self._methods.get(request.method, _refuse_method)
            return await self._guard.answer(request, handle)
        if place is Place.LIVE:
            return self._health.live()
        return self._health.ready() if place is Place.READY else _NOT_FOUND


async def _refuse_method(request: Request, caller: Caller) -> Response:
    document = {
        "code": ErrorCode.METHOD_NOT_ALLOWED,
        "message": f"{request.method} is not supported here; use GET, PUT or POST.",
    }
    return Response.json(405, document, allow="GET, PUT, POST")


def _check_path(path: str | None) -> None:
    if path is not None and not path.startswith("/"):
        raise ConfigError(f"serve_path is {path!r}; it must start with a slash.")


def _check_limit(size: int) -> None:
    if not isinstance(size, int) or size < 1:
        raise ConfigError(f"max_body_bytes is {size!r}; pass a number of bytes above zero.")
