"""The commands and their options; what they do is in modules of their own."""

from __future__ import annotations

import sys
from typing import Any

import click

from inngest_asgi.cli import dev as dev_command
from inngest_asgi.cli import run as run_command
from inngest_asgi.cli.arguments import (
    app_port_option,
    data_option,
    db_option,
    gateway_port_option,
    host_names,
    json_option,
    keep_option,
    path_option,
    port_option,
)
from inngest_asgi.cli.connect import connect
from inngest_asgi.cli.ports import gateway_port
from inngest_asgi.cli.remote import events, runs, send
from inngest_asgi.cli.serving import LOCALHOST
from inngest_asgi.dev import USUAL_PORTS, DevOptions
from inngest_asgi.errors import InngestError
from inngest_asgi.settings import Settings, web_port
from inngest_asgi.version import VERSION
from inngest_asgi.wire.names import ServerKind


class _Group(click.Group):
    """Turns the package's own errors into one sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InngestError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="inngest-asgi")
def commands() -> None:
    """Run and try durable functions; nothing but Python is needed."""


@commands.command("run")
@click.argument("target", metavar="MODULE:APP")
@click.option("--event", metavar="NAME", help="Send this event once the application is synced.")
@data_option
@click.option(
    "--once/--no-once",
    default=None,
    envvar="ONCE",
    show_envvar=True,
    help="Exit when the event's runs have ended: with 0 if all completed, with 1 if not; without "
    "--event, when all unfinished runs have. The default with --event where there is no terminal.",
)
@app_port_option
@path_option
@port_option
@gateway_port_option
@db_option
@keep_option
@json_option
def run(
    target: str,
    *,
    event: str | None,
    data: dict[str, Any] | None,
    once: bool | None,
    app_port: int,
    path: str | None,
    port: int,
    connect_port: int | None,
    db: str,
    keep: str | None,
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
        gateway_port=gateway_port(connect_port, port=port, app_port=app_port, host=LOCALHOST),
        db=db,
        keep=keep,
        json=json,
    )
    sys.exit(run_command.run(plan))


def discovery_ports() -> tuple[int, ...]:
    """Return where to look for applications: the usual ports, and the one platforms set."""
    own = web_port()
    return USUAL_PORTS if own is None else (own, *USUAL_PORTS)


def cloud_keys() -> dict[str, Any]:
    """Return the options of a server that acts as a cloud, with the keys of the environment.

    Raises:
        click.UsageError: a key is missing.
    """
    settings = Settings()
    if settings.signing_key is None or settings.event_key is None:
        raise click.UsageError(
            "--cloud needs keys: set INNGEST_SIGNING_KEY, such as signkey-test-12345678, and "
            "INNGEST_EVENT_KEY, here and for the applications."
        )
    keys = {"signing_key": settings.signing_key, "event_keys": (settings.event_key,)}
    return {"kind": ServerKind.CLOUD.value, **keys}


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
@app_port_option
@path_option
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
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    callback=host_names,
    help="Answer under this name, too, such as a tunnel's; may be given several times.",
)
@port_option
@gateway_port_option
@db_option
@keep_option
@click.option(
    "--cloud",
    is_flag=True,
    help="Act as a cloud: calls are signed and keys are checked, with the keys that are in "
    "INNGEST_SIGNING_KEY and INNGEST_EVENT_KEY.",
)
@click.option("-v", "--verbose", is_flag=True, help="Tell of each step, too.")
@json_option
def dev(
    target: str | None,
    *,
    urls: tuple[str, ...],
    discovery: bool,
    poll_interval: float,
    retry_interval: float | None,
    host: str,
    port: int,
    app_port: int,
    connect_port: int | None,
    db: str,
    keep: str | None,
    cloud: bool,
    hosts: tuple[str, ...],
    **more: Any,
) -> None:
    """Run the embedded server, and MODULE:APP in a process of its own that follows its code.

    Without MODULE:APP, for applications that run elsewhere, of any Inngest SDK. Runs that were
    under way when the command was stopped, or killed, go on.
    """
    named = target is not None or bool(urls)
    options = DevOptions(
        db=db,
        keep=keep,
        poll_interval=poll_interval,
        retry_interval=retry_interval,
        hold=target is not None,
        hosts=hosts,
        gateway_port=gateway_port(connect_port, port=port, app_port=app_port, host=host),
        gateway_host=host,
        **(cloud_keys() if cloud else {}),
    )
    ports = discovery_ports() if discovery and not named else ()
    more |= {"host": host, "port": port, "app_port": app_port, "ports": ports}
    dev_command.dev(dev_command.Plan(target=target, urls=urls, options=options, **more))


for _command in (connect, runs, events, send):
    commands.add_command(_command)
