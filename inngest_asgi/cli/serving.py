"""Runs ASGI applications on the current event loop with uvicorn, several side by side."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from typing import TYPE_CHECKING, Any

import click
import uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def listen(port: int, *, option: str, what: str) -> socket.socket:
    """Take a port on this machine.

    Args:
        port: 0 takes any free one.
        option: the option that changes the port, for the error.
        what: what is to listen there, for the error.

    Raises:
        click.ClickException: it is taken, or may not be used.
    """
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(("127.0.0.1", port))
        taken.listen()
    except OSError as error:
        taken.close()
        raise click.ClickException(
            f"Port {port}, meant for {what}, cannot be used: {error.strerror}. "
            f"Stop what uses it, or choose another with {option} PORT."
        ) from None
    return taken


def origin_of(listener: socket.socket) -> str:
    """Return the URL of what listens on a socket, without a path."""
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


@contextlib.asynccontextmanager
async def served(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    """Serve an application on a socket inside the context; its lifespan is run.

    Raises:
        click.ClickException: its lifespan failed to start.
    """
    server = _Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait([serving, ready], return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if serving.done():
        await serving
        raise click.ClickException("The application's lifespan failed to start; see above.")
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@contextlib.contextmanager
def stop_on_signals() -> Iterator[asyncio.Event]:
    """Give an event that Ctrl-C or SIGTERM sets; a second Ctrl-C interrupts as usual."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def note() -> None:
        stop.set()
        _forget(loop)

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, note)
    try:
        yield stop
    finally:
        _forget(loop)


class _Server(uvicorn.Server):
    """A server that says when it is up, and leaves signals to the command: two would fight."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.ready.set()


def _forget(loop: asyncio.AbstractEventLoop) -> None:
    for number in _STOP_SIGNALS:
        loop.remove_signal_handler(number)
