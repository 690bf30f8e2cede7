"""An application in a process of its own, which can be started anew while its port stays open.

The socket belongs to the command and is handed to each process: requests that come while the
application starts wait in its queue instead of being refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import signal
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

import click

from inngest_asgi.cli.loading import load_app, show_error
from inngest_asgi.cli.serving import origin_of, served
from inngest_asgi.cli.stopping import for_ever, leave, stop_on_signals, work_until
from inngest_asgi.settings import use_server

if TYPE_CHECKING:
    import socket
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from types import TracebackType

_GRACE = 5.0
"""Seconds that calls in progress have to end before a process is replaced."""
_LONGEST_END = 10.0
"""Seconds after which a process that was asked to end is killed."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to serve.

    Args:
        target: such as "shop.main:app".
        path: where it serves Inngest, if it does not tell.
        listener: the socket it serves on.
        server: the origin of the embedded server.
        cloud: whether that server acts as a cloud.
    """

    target: str
    path: str | None
    listener: socket.socket
    server: str
    cloud: bool = False


class Hosted:
    """One process at a time that serves a program.

    Attributes:
        guessed: whether nothing told where the application serves Inngest.
    """

    def __init__(self, program: Program) -> None:
        self.guessed = False
        self._program = program
        self._process: SpawnProcess | None = None
        self._end: asyncio.Future[list[object]] | None = None

    async def start(self) -> str | None:
        """Start the application.

        Returns:
            The URL where it serves Inngest; None when it could not start, which it has explained
            on standard error.
        """
        spawn = multiprocessing.get_context("spawn")
        reports, reporter = spawn.Pipe(duplex=False)
        self._process = spawn.Process(target=_serve, args=(self._program, reporter), daemon=True)
        self._process.start()
        reporter.close()  # the child's end is the only one left, so its death ends the reports
        with reports:
            report = await asyncio.to_thread(_report, reports)
        if report is None:
            return None
        path, self.guessed = report
        self._end = asyncio.ensure_future(asyncio.to_thread(_ended, self._process))
        return f"{origin_of(self._program.listener)}{path}"

    async def ended(self) -> str:
        """Wait until an application that had started ends by itself.

        Returns:
            How it did, in a few words.
        """
        process = self._process
        if process is None or self._end is None:
            await for_ever()
        await asyncio.wait([self._end])  # unlike it, who waits may be cancelled
        await asyncio.to_thread(process.join)
        return how_it_ended(process.exitcode)

    async def stop(self) -> None:
        """End the process: calls in progress have a few seconds, after that they are dropped."""
        process, self._process, self._end = self._process, None, None
        if process is not None:
            process.terminate()
            await asyncio.to_thread(process.join, _LONGEST_END)
            process.kill()
            await asyncio.to_thread(process.join)


def how_it_ended(code: int | None) -> str:
    """Say in a few words what an exit code means; below zero it is that of a signal."""
    if code is not None and -code in signal.valid_signals():
        return f"by {signal.Signals(-code).name}"
    return f"with exit code {code}"


def _report(reports: Connection) -> tuple[str, bool] | None:
    with contextlib.suppress(EOFError, OSError):
        path, guessed = reports.recv()
        return path, guessed
    return None


def _ended(process: SpawnProcess) -> list[object]:
    """Wait for the end of a process and leave it to be joined, as others may do at any time."""
    return list(wait([process.sentinel]))


def _serve(program: Program, reporter: Connection) -> None:
    """Serve until a signal comes; what happens in the process of the application."""
    with _Told(), stop_on_signals() as stop:
        use_server(program.server, cloud=program.cloud)
        asyncio.run(work_until(stop, _serving(program, reporter)))


class _Told:
    """Prints the error that ends the process, in one sentence where it is the developer's slip."""

    def __enter__(self) -> None:
        """Nothing has happened yet."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, click.ClickException):
            error.show()
        elif kind is not None and error is not None:
            show_error(kind, error, trace)
        leave(SystemExit(int(error is not None)))
        return True


async def _serving(program: Program, reporter: Connection) -> None:
    loaded = load_app(program.target, program.path)
    async with served(loaded.app, program.listener, patience=_GRACE):
        with reporter:
            reporter.send((loaded.path, loaded.guessed))
        await _orphaned()


async def _orphaned() -> None:
    """Wait until the command is gone without having said so: it was killed."""
    command = multiprocessing.parent_process()
    if command is None:
        await for_ever()
    await asyncio.to_thread(command.join)
