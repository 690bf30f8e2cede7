"""The commands that ask a running server: `runs`, `events` and `send`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import click

from inngest_asgi.cli import send as send_command
from inngest_asgi.cli.arguments import DEFAULT_PORT, data_option, json_list, json_option
from inngest_asgi.cli.asking import Server
from inngest_asgi.cli.console import open_console
from inngest_asgi.cli.tables import events_table, run_tree, runs_table
from inngest_asgi.wire.codec import dump_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.console import RenderableType

T = TypeVar("T")

_STATUSES = ("queued", "running", "completed", "failed", "cancelled")

_url = click.option(
    "--url",
    help="The server to ask; by default the one that INNGEST_BASE_URL or INNGEST_DEV names, as for "
    f"applications, or else http://127.0.0.1:{DEFAULT_PORT}.",
)
_run_id = click.argument("run_id", metavar="RUN")


def _limit(most: int) -> Callable[[Any], Any]:
    return click.option(
        "--limit",
        type=click.IntRange(1, most),
        default=20,
        show_default=True,
        metavar="N",
        help="How many, at most.",
    )


@click.group("runs")
def runs() -> None:
    """List, show, cancel and repeat runs on a running server."""


@runs.command("list")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(_STATUSES, case_sensitive=False),
    help="Only runs of this status; may be given several times.",
)
@click.option("--app", metavar="ID", help="Only runs of this application.")
@click.option("--function", metavar="ID", help="Only runs of this function; needs --app.")
@_limit(100)
@_url
@json_option
def list_runs(
    *,
    statuses: tuple[str, ...],
    app: str | None,
    function: str | None,
    limit: int,
    url: str | None,
    json: bool,
) -> None:
    """List runs, the newest first."""
    if function and not app:
        raise click.UsageError("--function is the id within an application; name it with --app ID.")
    filters = {"status": [one.upper() for one in statuses], "app_id": app, "function_id": function}
    _show(url, lambda server: server.runs(**filters, limit=limit), runs_table, json=json)


@runs.command("show")
@_run_id
@_url
@json_option
def show_run(run_id: str, *, url: str | None, json: bool) -> None:
    """Show what a run did, step by step, and what came of it."""
    _show(url, lambda server: server.run(run_id), run_tree, json=json)


@runs.command("cancel")
@_run_id
@_url
@json_option
def cancel_run(run_id: str, *, url: str | None, json: bool) -> None:
    """Cancel a run: no further step of it starts."""
    _show(url, lambda server: server.cancel(run_id), _told_run, json=json)


@runs.command("rerun")
@_run_id
@click.option(
    "--from-step", metavar="STEP", help="Keep what the steps before this one returned; its id."
)
@click.option(
    "--input",
    metavar="JSON",
    callback=json_list,
    help="The arguments of that step, an array, instead of those it had.",
)
@_url
@json_option
def rerun(
    run_id: str, *, from_step: str | None, input: list[Any] | None, url: str | None, json: bool
) -> None:
    """Do again what a run did, as a new run, and print the new run's id."""
    if input is not None and from_step is None:
        raise click.UsageError("--input is the input of a step; name it with --from-step STEP.")
    _show(url, lambda server: server.rerun(run_id, from_step, input), _told_run, json=json)


@click.group("events")
def events() -> None:
    """List events on a running server."""


@events.command("list")
@click.option("--name", metavar="NAME", help="Only events of this name.")
@_limit(50)
@_url
@json_option
def list_events(*, name: str | None, limit: int, url: str | None, json: bool) -> None:
    """List events, the newest first."""
    _show(url, lambda server: server.events(name=name, limit=limit), events_table, json=json)


@click.command("send")
@click.argument("name")
@data_option
@click.option("--id", "event_id", help="A de-duplication id: runs start once per id in 24 hours.")
@_url
@click.option("--event-key", help="The event key; by default INNGEST_EVENT_KEY, if it is set.")
@json_option
def send(
    name: str,
    *,
    data: dict[str, Any] | None,
    event_id: str | None,
    url: str | None,
    event_key: str | None,
    json: bool,
) -> None:
    """Send an event to a running server and print its id."""
    sending = send_command.send(name, data or {}, event_id, url=url, event_key=event_key)
    sent = asyncio.run(sending)
    click.echo(dump_text({"ids": [sent]}) if json else sent)


def _show(
    url: str | None,
    question: Callable[[Server], Awaitable[T]],
    drawn: Callable[[T], RenderableType],
    *,
    json: bool,
) -> None:
    async def ask() -> T:
        async with Server(url) as server:
            return await question(server)

    answer, console = asyncio.run(ask()), open_console()
    console.print(dump_text(answer) if json else drawn(answer))


def _told_run(answer: dict[str, Any]) -> str:
    return str(answer["runId"])
