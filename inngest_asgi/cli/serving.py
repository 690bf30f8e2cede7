"""Runs ASGI applications on the current event loop with uvicorn, several side by side."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import warnings
from typing import TYPE_CHECKING, Any, cast

import click
import uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    App = Callable[[Any, Any, Any], Awaitable[None]]

LOCALHOST = "127.0.0.1"
_OWN_ADDRESSES = {"0.0.0.0": LOCALHOST, "::": "::1"}  # noqa: S104 - told apart, not listened on
"""How this machine reaches what listens on every address."""
_GRACE = 2
"""Seconds that requests which do not let themselves be cancelled have to end."""

_log = logging.getLogger("uvicorn.error")


@contextlib.contextmanager
def listening(
    port: int, *, option: str, what: str, host: str = LOCALHOST
) -> Iterator[socket.socket]:
    """Hold a port of this machine inside the context.

    Args:
        port: 0 takes any free one.
        option: the option that changes the port, for the error.
        what: what is to listen there, for the error.
        host: the address to listen on; this machine's own by default.

    Raises:
        click.ClickException: it is taken, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise click.ClickException(
                    f"{host!r} is no address of this machine. Choose one with --host ADDRESS, such "
                    f"as {LOCALHOST}, or 0.0.0.0 for all of them."
                ) from None
            way_out = "Choose" if error.errno == errno.EACCES else "Stop what uses it, or choose"
            raise click.ClickException(
                f"Port {port}, meant for {what}, cannot be used: {error.strerror}. "
                f"{way_out} another with {option} PORT (0 takes any free one)."
            ) from None
        yield listener


def origin_of(listener: socket.socket) -> str:
    """Return the URL, without a path, by which this machine reaches what listens on a socket."""
    host, port = listener.getsockname()[:2]
    host = _OWN_ADDRESSES.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.asynccontextmanager
async def served(
    app: App, listener: socket.socket, *, patience: float = 0.0
) -> AsyncIterator[None]:
    """Serve an application on a socket inside the context; its lifespan is run.

    Args:
        app: an ASGI application.
        listener: the socket, which stays open.
        patience: seconds that requests in progress have to end when the context is left; after
            that they are dropped.

    Raises:
        click.ClickException: its lifespan failed to start.
    """
    droppable = _Droppable(app)
    server = _Server(_configured(droppable))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await _until_up(server, serving)
        yield
    finally:
        await droppable.drop(patience)
        # uvicorn looks ten times a second whether it should exit; there is no need to wait for it.
        serving.cancel()
        await asyncio.wait([serving])
        if server.started:
            await server.shutdown(sockets=[listener])


def _configured(app: App) -> uvicorn.Config:
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE
    )
    with warnings.catch_warnings():
        # Older versions of uvicorn import a part of websockets that is on its way out.
        warnings.simplefilter("ignore", DeprecationWarning)
        config.load()
    return config


async def _until_up(server: _Server, serving: asyncio.Task[None]) -> None:
    up = asyncio.create_task(server.up.wait())
    try:
        await asyncio.wait([serving, up], return_when=asyncio.FIRST_COMPLETED)
    finally:
        up.cancel()
    if serving.done():
        await serving
        raise click.ClickException("The application's lifespan failed to start; see above.")


class _Server(uvicorn.Server):
    """A server that says when it is up, and leaves signals to the command: two would fight."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # newer versions of uvicorn: the lifespan failed
            self.should_exit = True
        if self.started:
            self.up.set()


class _Droppable:
    """An application whose requests can be dropped, so that the server need not wait for them.

    Whoever made them is gone by then: the embedded server stops before the application does.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._requests: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request = cast("asyncio.Task[Any]", asyncio.current_task())
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)
        await self._app(scope, receive, send)

    async def drop(self, patience: float) -> None:
        """Cancel the requests that do not end soon, and wait for them.

        What uvicorn complains of then is no news.
        """
        if self._requests and patience:
            await asyncio.wait(self._requests, timeout=patience)
        requests = set(self._requests)
        for request in requests:
            request.cancel()
        if requests:
            _log.disabled = True
            await asyncio.wait(requests, timeout=_GRACE)
            _log.disabled = False
