"""The commands and their options; what they do is in modules of their own."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from inngest_asgi.cli import dev as dev_command
from inngest_asgi.cli import run as run_command
from inngest_asgi.cli import send as send_command
from inngest_asgi.cli.serving import LOCALHOST
from inngest_asgi.dev import USUAL_PORTS, DevOptions
from inngest_asgi.errors import CodecError, InngestError
from inngest_asgi.settings import web_port
from inngest_asgi.version import VERSION
from inngest_asgi.wire.codec import loads

DEFAULT_DB = ".inngest-asgi/dev.db"
DEFAULT_PORT = 8288
DEFAULT_APP_PORT = 8000


class _Group(click.Group):
    """Turns the package's own errors into one sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InngestError as error:
            raise click.ClickException(str(error)) from error


def _data(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, Any] | None:
    """Read a JSON object, or @FILE that holds one."""
    if value is None:
        return None
    try:
        document = loads(Path(value[1:]).read_bytes() if value.startswith("@") else value)
    except OSError as error:
        raise click.BadParameter(f"{value[1:]!r} cannot be read: {error.strerror}.") from None
    except CodecError as error:
        raise click.BadParameter(str(error)) from None
    if not isinstance(document, dict):
        raise click.BadParameter("it must be a JSON object, such as '{\"id\": 1}'.")
    return document


def _path(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    return value if value is None else f"/{value.lstrip('/')}"


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="inngest-asgi")
def commands() -> None:
    """Run and try durable functions; nothing but Python is needed."""


_app_port = click.option(
    "--app-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=DEFAULT_APP_PORT,
    show_default=True,
    help="The application's port; 0 takes any free one.",
)
_data_option = click.option(
    "--data", metavar="JSON|@FILE", callback=_data, help="The event's data, an object."
)
_db = click.option(
    "--db",
    default=DEFAULT_DB,
    show_default=True,
    metavar="PATH",
    help="The file that keeps events, runs and steps; ':memory:' keeps nothing.",
)
_port = click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=DEFAULT_PORT,
    show_default=True,
    help="The server's port; 0 takes any free one.",
)


_path_option = click.option(
    "--path",
    metavar="PATH",
    callback=_path,
    help="Where the application serves Inngest, if it does not tell.",
)
_json = click.option(
    "--json",
    is_flag=True,
    help="Write JSON for programs, one document a line; what is for people goes to standard error.",
)


@commands.command("run")
@click.argument("target", metavar="MODULE:APP")
@click.option("--event", metavar="NAME", help="Send this event once the application is synced.")
@_data_option
@click.option(
    "--once/--no-once",
    default=None,
    envvar="ONCE",
    show_envvar=True,
    help="Exit when the event's runs have ended: with 0 if all completed, with 1 if not; without "
    "--event, when all unfinished runs have. The default with --event where there is no terminal.",
)
@_app_port
@_path_option
@_port
@_db
@_json
def run(
    target: str,
    *,
    event: str | None,
    data: dict[str, Any] | None,
    once: bool | None,
    app_port: int,
    path: str | None,
    port: int,
    db: str,
    json: bool,
) -> None:
    """Run an application and the embedded server in one process.

    MODULE:APP is an ASGI application: what inngest.serve() made, or a host it is attached to.
    Runs that were under way when the command was stopped, or killed, go on.
    """
    if data is not None and event is None:
        raise click.UsageError("--data is the data of an event; name it with --event NAME.")
    if port == app_port != 0:
        raise click.UsageError(f"--port and --app-port are both {port}; they must differ.")
    plan = run_command.Plan(
        target=target,
        event=event,
        data=data or {},
        once=ends_by_itself(once, event, terminal=sys.stdout.isatty()),
        app_port=app_port,
        path=path,
        port=port,
        db=db,
        json=json,
    )
    sys.exit(run_command.run(plan))


def discovery_ports() -> tuple[int, ...]:
    """Return where to look for applications: the usual ports, and the one platforms set."""
    own = web_port()
    return USUAL_PORTS if own is None else (own, *USUAL_PORTS)


def ends_by_itself(once: bool | None, event: str | None, *, terminal: bool) -> bool:  # noqa: FBT001
    """Whether `run` ends when all is done: as told, else with an event and no terminal."""
    if once is not None:
        return once
    return event is not None and not terminal


@commands.command("dev")
@click.argument("target", metavar="[MODULE:APP]", required=False)
@click.option(
    "-u",
    "--sdk-url",
    "urls",
    multiple=True,
    metavar="URL",
    help="Sync the application at this URL; may be given several times.",
)
@click.option(
    "--reload/--no-reload",
    default=True,
    show_default=True,
    help="Start MODULE:APP anew when a Python file in the working directory changes.",
)
@_app_port
@_path_option
@click.option(
    "--discovery/--no-discovery",
    default=True,
    show_default=True,
    help="Look for applications on the usual ports of this machine, and on $PORT, when neither "
    "MODULE:APP nor a URL is given.",
)
@click.option(
    "--poll-interval",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="The time between two syncs of the known applications; 0: they are synced once.",
)
@click.option(
    "--retry-interval",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="The time between two attempts, instead of ever longer ones.",
)
@click.option(
    "--host",
    default=LOCALHOST,
    show_default=True,
    metavar="ADDRESS",
    help="Where the server listens; 0.0.0.0 lets other machines and containers in.",
)
@_port
@_db
@click.option("-v", "--verbose", is_flag=True, help="Tell of each step, too.")
@_json
def dev(
    target: str | None,
    *,
    urls: tuple[str, ...],
    discovery: bool,
    poll_interval: float,
    retry_interval: float | None,
    db: str,
    **more: Any,
) -> None:
    """Run the embedded server, and MODULE:APP in a process of its own that follows its code.

    Without MODULE:APP, for applications that run elsewhere, of any Inngest SDK. Runs that were
    under way when the command was stopped, or killed, go on.
    """
    named = target is not None or bool(urls)
    options = DevOptions(
        db=db, poll_interval=poll_interval, retry_interval=retry_interval, hold=target is not None
    )
    ports = discovery_ports() if discovery and not named else ()
    dev_command.dev(
        dev_command.Plan(target=target, urls=urls, options=options, ports=ports, **more)
    )


@commands.command("send")
@click.argument("name")
@_data_option
@click.option("--id", "event_id", help="A de-duplication id: runs start once per id in 24 hours.")
@click.option(
    "--url",
    default=f"http://127.0.0.1:{DEFAULT_PORT}",
    show_default=True,
    help="The server to send to.",
)
@click.option("--event-key", help="The event key; by default INNGEST_EVENT_KEY, if it is set.")
def send(
    name: str, *, data: dict[str, Any] | None, event_id: str | None, url: str, event_key: str | None
) -> None:
    """Send an event to a running server and print its id."""
    sending = send_command.send(name, data or {}, event_id, url=url, event_key=event_key)
    click.echo(asyncio.run(sending))
