"""`inngest-asgi dev`: the embedded server, for applications that run elsewhere or are run by it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inngest_asgi.cli.changes import Changes
from inngest_asgi.cli.console import open_screen
from inngest_asgi.cli.hosted import Hosted, Program
from inngest_asgi.cli.loading import split_target
from inngest_asgi.cli.serving import listening, origin_of, served
from inngest_asgi.cli.status import Status
from inngest_asgi.cli.stopping import first_of, for_ever, stop_on_signals, work_until
from inngest_asgi.cli.syncing import described
from inngest_asgi.cli.telling import Telling
from inngest_asgi.clock import SYSTEM_CLOCK
from inngest_asgi.dev import DevServer

if TYPE_CHECKING:
    import socket

    from rich.console import Console

    from inngest_asgi.dev import DevOptions, SyncResult

_PAUSE = 2.0
"""Seconds between two questions to an application that is not up yet."""
_BREATH = 0.5
"""Seconds before an application that has ended by itself is started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the command was asked to do; see `commands.dev`.

    Args:
        options: how the server works.
        ports: where to look for applications; none: nowhere.
    """

    options: DevOptions
    host: str
    target: str | None = None
    urls: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    reload: bool = False
    app_port: int = 0
    path: str | None = None
    port: int
    json: bool = False
    verbose: bool = False


def dev(plan: Plan) -> None:
    """Serve until Ctrl-C or SIGTERM, telling what happens.

    Raises:
        click.ClickException: a port is taken, or the target is none that a change could mend.
        DevServerError: the file cannot be used.
        RequestError: what should be a URL is none.
    """
    if plan.target is not None:
        split_target(plan.target)
    with ExitStack() as stack:
        listener = stack.enter_context(
            listening(plan.port, option="--port", what="the server", host=plan.host)
        )
        program = None
        if plan.target is not None:
            app_listener = stack.enter_context(
                listening(plan.app_port, option="--app-port", what="the application")
            )
            origin, cloud = origin_of(listener), plan.options.is_cloud
            program = Program(plan.target, plan.path, app_listener, origin, cloud)
        stop = stack.enter_context(stop_on_signals())
        asyncio.run(work_until(stop, _work(plan, listener, program)))


async def _work(plan: Plan, listener: socket.socket, program: Program | None) -> None:
    async with AsyncExitStack() as stack:
        hosted = changes = None
        if program is not None:
            hosted = Hosted(program)
            stack.push_async_callback(hosted.stop)
            if plan.reload:
                changes = await stack.enter_async_context(Changes(Path.cwd()))
        server = await stack.enter_async_context(DevServer(plan.options))
        screen, origin = open_screen(json=plan.json), origin_of(listener)
        status = Status(server, screen, origin)
        telling = Telling(server, screen, brief=not plan.verbose)
        session = _Session(plan, server, screen.notices, status, telling)
        await stack.enter_async_context(served(server.app, listener))
        work = session.work(origin, hosted, changes)
        await first_of(work, telling.tell(), status.show())


@dataclass(frozen=True, slots=True)
class _Session:
    """What the command does while the server is up."""

    plan: Plan
    server: DevServer
    notices: Console
    status: Status
    telling: Telling

    async def work(self, origin: str, hosted: Hosted | None, changes: Changes | None) -> None:
        """Sync applications and start our own, until cancelled."""
        unfinished = await self.server.unfinished()
        self.notices.print(f"Server       {origin}")
        if hosted is None:
            variable = "INNGEST_BASE_URL" if self.plan.options.is_cloud else "INNGEST_DEV"
            self.notices.print(f"             start applications with {variable}={origin}")
        missing = [url for url in self.plan.urls if not await self._sync(url)]
        if hosted is not None:
            await self._start(hosted)
        self.telling.begin()
        for run in unfinished:
            await self.telling.resume(run.id)
        self.server.release()
        self.notices.print("Serving until Ctrl-C; unfinished runs go on at the next start.")
        await asyncio.gather(
            *map(self._greet, missing), self._discover(), self._follow(hosted, changes), for_ever()
        )

    async def _start(self, hosted: Hosted) -> None:
        """Start our application and have it register."""
        url = await hosted.start()
        if url is None:
            advice = "Mend it and save." if self.plan.reload else "Mend it and start again."
            text = f"{self.plan.target} could not be started. {advice}"
            self.notices.print(text, style="red")
            return
        advice = "Where it serves Inngest is told by --path PATH." if hosted.guessed else ""
        self._tell(await self.server.sync(url), advice)

    async def _follow(self, hosted: Hosted | None, changes: Changes | None) -> None:
        """Start our application anew whenever its code changes, or it has ended by itself."""
        while hosted is not None:
            await first_of(self._reload(changes), self._revive(hosted))
            await hosted.stop()
            await self._start(hosted)

    async def _reload(self, changes: Changes | None) -> None:
        """Wait for a change of the code."""
        if changes is None:
            await for_ever()
        self.notices.print(f"Reloading    {await changes.next()}")

    async def _revive(self, hosted: Hosted) -> None:
        """Wait until our application has ended by itself, and a little longer."""
        how = await hosted.ended()
        text = f"{self.plan.target} has ended {how}. It is started again."
        self.notices.print(text, style="red")
        await SYSTEM_CLOCK.sleep(_BREATH)

    async def _sync(self, url: str) -> bool:
        result = await self.server.sync(url)
        self._tell(result, "It is asked again every few seconds.")
        return result.ok

    async def _greet(self, url: str) -> None:
        """Ask an application again until it has registered, and tell that it has."""
        result = None
        while result is None or not result.ok:
            await SYSTEM_CLOCK.sleep(_PAUSE)
            result = await self.server.sync(url)
        self._tell(result)

    async def _discover(self) -> None:
        if self.plan.ports:
            async for result in self.server.discover(self.plan.ports):
                self._tell(result, "It is left alone.")

    def _tell(self, result: SyncResult, advice: str = "") -> None:
        if result.ok:
            self.notices.print(described(result))
        else:
            self.notices.print(f"{result.error} {advice}".rstrip(), style="red")
        self.status.refresh()
