"""`inngest-asgi dev`: the embedded server alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.console import Console

from inngest_asgi.cli.serving import listen, origin_of, served, stop_on_signals
from inngest_asgi.cli.timeline import Timeline
from inngest_asgi.dev import DevOptions, DevServer, SyncResult

if TYPE_CHECKING:
    from collections.abc import Iterable


async def dev(urls: Iterable[str], *, port: int, db: str) -> None:
    """Serve until Ctrl-C, telling what happens.

    Raises:
        click.ClickException: the port is taken.
        DevServerError: the file cannot be used.
    """
    console = Console(highlight=False, soft_wrap=True)
    listener = listen(port, option="--port", what="the server")
    async with DevServer(DevOptions(db=db)) as server, served(server.app, listener):
        with stop_on_signals() as stop:
            origin = origin_of(listener)
            console.print(f"Inngest server at {origin}; Ctrl-C stops it.")
            console.print(f"Point applications at it with INNGEST_DEV={origin}")
            for url in urls:
                result = await server.sync(url)
                console.print(synced(result) if result.ok else f"[red]{result.error}[/red]")
            telling = asyncio.create_task(tell_all(server, console))
            await stop.wait()
            telling.cancel()


def synced(result: SyncResult) -> str:
    """Say what a sync that went well brought."""
    count = f"{result.functions} function{'' if result.functions == 1 else 's'}"
    return f"Synced {result.app_name} at {result.url}: {count}"


async def tell_all(server: DevServer, console: Console) -> None:
    """Print what happens to any run, until it is cancelled."""
    timeline = Timeline()
    async for record in server.watch():
        for line in timeline.lines(record):
            console.print(line)
