"""`inngest-asgi run`: an application and the embedded server, in one process."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from inngest_asgi.cli.arguments import DEFAULT_KEEP
from inngest_asgi.cli.console import open_screen
from inngest_asgi.cli.loading import Loaded, load_app
from inngest_asgi.cli.serving import listening, origin_of, served
from inngest_asgi.cli.stopping import first_of, for_ever, stop_on_signals, work_until
from inngest_asgi.cli.syncing import described
from inngest_asgi.cli.telling import Telling
from inngest_asgi.cli.timeline import held_back
from inngest_asgi.dev import DevOptions, DevServer
from inngest_asgi.settings import use_server

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

_ENDED_BY_SIGNAL = 128
"""Shells add it to the number of the signal that ended a program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the command was asked to do; see `commands.run`."""

    target: str
    event: str | None
    data: dict[str, Any]
    once: bool
    app_port: int
    path: str | None
    port: int
    gateway_port: int | None = None
    db: str
    keep: str | None = DEFAULT_KEEP
    json: bool = False


def run(plan: Plan) -> int:
    """Do it and return the exit code.

    0 when the work went well, or when serving was ended by Ctrl-C or SIGTERM; 1 when a run that
    counts did not complete; 128 and the signal's number when it was to end by itself, but a
    signal came first.

    Raises:
        click.ClickException: a port is taken, the application is not to be found or not to be
            synced, or none of its functions is triggered by the event.
        DevServerError: the server's file cannot be used.
    """
    with (
        listening(plan.port, option="--port", what="the server") as listener,
        listening(plan.app_port, option="--app-port", what="the application") as app_listener,
    ):
        use_server(origin_of(listener))
        loaded = load_app(plan.target, plan.path)
        with stop_on_signals() as stop:
            work = _work(plan, loaded, listener, app_listener)
            return exit_code(asyncio.run(work_until(stop, work)), stop.signal, once=plan.once)


def exit_code(code: int | None, number: int | None, *, once: bool) -> int:
    """Return the exit code for a result of the work, or for a signal that came before."""
    if code is None and number is not None and once:
        return _ENDED_BY_SIGNAL + number
    return code or 0


async def _work(
    plan: Plan, loaded: Loaded, listener: socket.socket, app_listener: socket.socket
) -> int | None:
    async with AsyncExitStack() as stack:
        # The application may be on another port than the one unfinished runs know.
        options = DevOptions(db=plan.db, keep=plan.keep, hold=True, gateway_port=plan.gateway_port)
        server = await stack.enter_async_context(DevServer(options))
        await stack.enter_async_context(served(server.app, listener))
        await stack.enter_async_context(served(loaded.app, app_listener))
        # The server goes first: calls that the application drops then are no failed attempts.
        stack.push_async_callback(server.stop)
        stack.push_async_callback(_drain, loaded)
        session = _Session(plan, server, listener)
        url = f"{origin_of(app_listener)}{loaded.path}"
        works = [session.work(url, loaded), session.telling.tell()]
        if plan.once:  # what cannot be saved does not end; without an end in sight, /health tells
            works.append(server.store.until_broken())
        return await first_of(*works)


async def _drain(loaded: Loaded) -> None:
    """Let a connect worker finish while there is a server to take its replies."""
    worker = loaded.inngest_app.worker if loaded.inngest_app is not None else None
    if worker is not None:
        await worker.close(wait=True)


class _Session:
    """What the command does while application and server are up."""

    def __init__(self, plan: Plan, server: DevServer, listener: socket.socket) -> None:
        self._plan = plan
        self._server = server
        self._listener = listener
        screen = open_screen(json=plan.json)
        self._notices = screen.notices
        self.telling = Telling(server, screen)
        self.telling.note_ends()

    async def work(self, url: str, loaded: Loaded) -> int:
        """Sync, send the event, follow its runs, and go on unless that is all there is to do."""
        await self._sync(url, loaded)
        self.telling.begin()
        unfinished = [run.id for run in await self._server.unfinished()]
        for run_id in unfinished:
            await self.telling.resume(run_id)
        self._server.release()
        code = await self._follow(unfinished)
        if self._plan.once:
            return code
        self._notices.print("Serving until Ctrl-C; unfinished runs go on at the next start.")
        return await for_ever()

    async def _sync(self, url: str, loaded: Loaded) -> None:
        result = await self._server.sync(url)
        if not result.ok:
            advice = " Where it serves Inngest is told by --path PATH." if loaded.guessed else ""
            raise click.ClickException(f"{result.error}{advice}")
        self._notices.print(f"Server       {origin_of(self._listener)}")
        self._notices.print(described(result))

    async def _follow(self, unfinished: list[str]) -> int:
        """Return 0 when the runs that count have completed, 1 when not all of them did."""
        if self._plan.event is not None:
            return await self._outcome(await self._send(self._plan.event))
        if not self._plan.once:
            return 0
        if not unfinished:
            self._notices.print("There is no event to send and no unfinished run: nothing to do.")
        return await self._outcome(unfinished)

    async def _send(self, name: str) -> list[str]:
        """Send the event, and return the ids of the runs it started once they have ended."""
        self._notices.print(f"Event        {name}")
        event_id = await self._server.send({"name": name, "data": self._plan.data})
        records = [record async for record in self._server.watch(event_id=event_id)]
        run_ids = {record.run_id for record in records if record.run_id}
        if records and not run_ids:
            why = "; ".join(f"{one.details['function']} {held_back(one)}" for one in records)
            raise click.ClickException(f"The event {name!r} started no run: {why}.")
        if not run_ids:
            raise click.ClickException(
                f"The event {name!r} started no run. What {self._plan.target} is triggered by: "
                f"{', '.join(self._triggers()) or 'no event'}."
            )
        return sorted(run_ids)

    async def _outcome(self, run_ids: Iterable[str]) -> int:
        ends = await self.telling.ends_of(run_ids)
        return int(not all(end.ok for end in ends))

    def _triggers(self) -> list[str]:
        functions = self._server.registry.functions
        events = {one.get("event") for function in functions for one in function.triggers}
        return sorted(event for event in events if event and not event.startswith("inngest/"))
