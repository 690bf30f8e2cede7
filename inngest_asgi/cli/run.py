"""`inngest-asgi run`: an application and the embedded server, in one process."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console
from rich.json import JSON

from inngest_asgi.cli.dev import synced, tell_all
from inngest_asgi.cli.loading import load_app
from inngest_asgi.cli.serving import listen, origin_of, served, stop_on_signals
from inngest_asgi.cli.timeline import Timeline
from inngest_asgi.dev import DevOptions, DevServer, Happening, Record, RunStatus
from inngest_asgi.settings import use_dev_server
from inngest_asgi.wire.codec import dump_text


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
    db: str


async def run(plan: Plan) -> int:
    """Do it and return the exit code.

    Raises:
        click.ClickException: a port is taken, the application is not to be found or not to be
            synced, or none of its functions is triggered by the event.
        DevServerError: the server's file cannot be used.
    """
    console = Console(highlight=False, soft_wrap=True)
    async with AsyncExitStack() as stack:
        listener = listen(plan.port, option="--port", what="the server")
        app_listener = listen(plan.app_port, option="--app-port", what="the application")
        use_dev_server(origin_of(listener))
        loaded = load_app(plan.target, plan.path)
        # The application is up before the server, whose unfinished runs call it at once.
        await stack.enter_async_context(served(loaded.app, app_listener))
        server = await stack.enter_async_context(DevServer(DevOptions(db=plan.db)))
        await stack.enter_async_context(served(server.app, listener))
        stop = stack.enter_context(stop_on_signals())
        console.print(f"Inngest server at {origin_of(listener)}, application {plan.target}")
        await _sync(server, f"{origin_of(app_listener)}{loaded.path}", console)
        return await _work(plan, server, console, stop)


async def _sync(server: DevServer, url: str, console: Console) -> None:
    result = await server.sync(url)
    if not result.ok:
        raise click.ClickException(f"{result.error}")
    console.print(synced(result))


async def _work(plan: Plan, server: DevServer, console: Console, stop: asyncio.Event) -> int:
    """Send the event, tell of its runs, then serve until stopped, unless once is enough."""
    code = 0
    if plan.event is not None:
        code = await _until(stop, _follow(plan, server, console))
        if plan.once:
            return code
    console.print("Serving; Ctrl-C stops. Unfinished runs go on when it is started again.")
    await _until(stop, tell_all(server, console))
    return code


async def _follow(plan: Plan, server: DevServer, console: Console) -> int:
    event_id = await server.send({"name": plan.event, "data": plan.data})
    if not await server.runs_of(event_id):
        raise click.ClickException(
            f"No function of {plan.target} is triggered by the event {plan.event!r}; "
            "compare its triggers."
        )
    console.print(f"Sent {plan.event}, event {event_id}")
    timeline, code = Timeline(), 0
    async for record in server.watch(event_id=event_id):
        for line in timeline.lines(record):
            console.print(line)
        if record.kind is Happening.RUN_ENDED:
            console.print(_output(record))
            code |= record.details["status"] != RunStatus.COMPLETED.label
    return int(code)


async def _until(stop: asyncio.Event, work: Any) -> int:
    """Do some work until it ends or the command is stopped; a stop counts as success."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result() or 0
    working.cancel()
    return 0


def _output(record: Record) -> JSON:
    return JSON(dump_text(record.details["output"]))
