"""`inngest-asgi dev`: the embedded server alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inngest_asgi.cli.console import open_console
from inngest_asgi.cli.serving import listening, origin_of, served
from inngest_asgi.cli.stopping import first_of, for_ever, stop_on_signals, work_until
from inngest_asgi.cli.syncing import described
from inngest_asgi.cli.telling import Telling
from inngest_asgi.clock import SYSTEM_CLOCK
from inngest_asgi.dev import DevOptions, DevServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Sequence

_PAUSE = 2.0
"""Seconds between two questions to an application that is not up yet."""


def dev(urls: Sequence[str], *, port: int, db: str) -> None:
    """Serve until Ctrl-C or SIGTERM, telling what happens.

    Raises:
        click.ClickException: the port is taken.
        DevServerError: the file cannot be used.
        RequestError: what should be a URL is none.
    """
    with (
        listening(port, option="--port", what="the server") as listener,
        stop_on_signals() as stop,
    ):
        asyncio.run(work_until(stop, _work(urls, listener, db)))


async def _work(urls: Sequence[str], listener: socket.socket, db: str) -> None:
    async with DevServer(DevOptions(db=db)) as server:
        session = _Session(server, listener)
        await first_of(session.work(urls), session.telling.tell())


class _Session:
    """What the command does while the server is up."""

    def __init__(self, server: DevServer, listener: socket.socket) -> None:
        self._server = server
        self._listener = listener
        self._console = open_console()
        self.telling = Telling(server, self._console)

    async def work(self, urls: Iterable[str]) -> None:
        """Sync applications and serve, until cancelled."""
        unfinished = await self._server.unfinished()
        async with served(self._server.app, self._listener):
            origin = origin_of(self._listener)
            self._console.print(f"Server       {origin}")
            self._console.print(f"             start applications with INNGEST_DEV={origin}")
            missing = [url for url in urls if not await self._sync(url)]
            self.telling.begin()
            for run in unfinished:
                await self.telling.resume(run.id)
            self._console.print("Serving until Ctrl-C; unfinished runs go on at the next start.")
            await asyncio.gather(*map(self._greet, missing))
            await for_ever()

    async def _sync(self, url: str) -> bool:
        result = await self._server.sync(url)
        if result.ok:
            self._console.print(described(result))
        else:
            self._console.print(f"{result.error} It is asked again every few seconds.", style="red")
        return result.ok

    async def _greet(self, url: str) -> None:
        """Ask an application again until it has registered, and tell that it has."""
        result = None
        while result is None or not result.ok:
            await SYSTEM_CLOCK.sleep(_PAUSE)
            result = await self._server.sync(url)
        self._console.print(described(result))
