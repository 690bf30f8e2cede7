"""Arguments and options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from inngest_asgi.errors import CodecError
from inngest_asgi.wire.codec import loads
from inngest_asgi.wire.durations import parse_duration

DEFAULT_DB = ".inngest-asgi/dev.db"
DEFAULT_PORT = 8288
DEFAULT_APP_PORT = 8000
DEFAULT_KEEP = "7d"
FOREVER = "forever"

_HOST_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")


def json_object(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> dict[str, Any] | None:
    """Read a JSON object, or @FILE that holds one."""
    if value is None:
        return None
    document = _json_document(value)
    if not isinstance(document, dict):
        raise click.BadParameter("it must be a JSON object, such as '{\"id\": 1}'.")
    return document


def json_list(ctx: click.Context, param: click.Parameter, value: str | None) -> list[Any] | None:
    """Read a JSON array, or @FILE that holds one."""
    if value is None:
        return None
    document = _json_document(value)
    if not isinstance(document, list):
        raise click.BadParameter("it must be a JSON array, such as '[1, \"a\"]'.")
    return document


def kept_time(ctx: click.Context, param: click.Parameter, value: str) -> str | None:
    """Read for how long to keep things; None for ever."""
    if value == FOREVER:
        return None
    try:
        parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}, or '{FOREVER}'.") from None
    return value


def absolute_path(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Put the slash in front of a URL's path."""
    return value if value is None else f"/{value.lstrip('/')}"


def host_names(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """Check names of hosts: a URL, a port or a pattern would never be what a browser asks for."""
    for name in value:
        if not _HOST_NAME.fullmatch(name):
            raise click.BadParameter(
                f"{name!r} is not the name of a host; write one such as 'dev.example.com', "
                "without https:// and without a port."
            )
    return value


def _json_document(value: str) -> Any:
    try:
        return loads(Path(value[1:]).read_bytes() if value.startswith("@") else value)
    except OSError as error:
        raise click.BadParameter(f"{value[1:]!r} cannot be read: {error.strerror}.") from None
    except CodecError as error:
        raise click.BadParameter(str(error)) from None


app_port_option = click.option(
    "--app-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=DEFAULT_APP_PORT,
    show_default=True,
    help="The application's port; 0 takes any free one.",
)
data_option = click.option(
    "--data", metavar="JSON|@FILE", callback=json_object, help="The event's data, an object."
)
db_option = click.option(
    "--db",
    default=DEFAULT_DB,
    show_default=True,
    metavar="PATH",
    help="The file that keeps events, runs and steps; ':memory:' keeps nothing.",
)
keep_option = click.option(
    "--keep",
    default=DEFAULT_KEEP,
    show_default=True,
    metavar="DURATION",
    callback=kept_time,
    help=f"For how long runs are kept after their end, and events that no run needs; '{FOREVER}' "
    "keeps all.",
)
port_option = click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=DEFAULT_PORT,
    show_default=True,
    help="The server's port; 0 takes any free one.",
)
gateway_port_option = click.option(
    "--connect-gateway-port",
    "connect_port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="The port that workers connect to; 0 takes any free one. By default it is the one after "
    "the server's, if that is free.",
)
path_option = click.option(
    "--path",
    metavar="PATH",
    callback=absolute_path,
    help="Where the application serves Inngest, if it does not tell.",
)
json_option = click.option(
    "--json",
    is_flag=True,
    help="Write JSON for programs, one document a line; what is for people goes to standard error.",
)
