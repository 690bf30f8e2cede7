"""How a worker introduces itself to gateways: who it is, where it runs, what it can run."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from inngest_asgi.connect.messages import (
    AppConfiguration,
    AuthData,
    SystemAttributes,
    WorkerConnect,
)
from inngest_asgi.version import VERSION
from inngest_asgi.wire.codec import dumps
from inngest_asgi.wire.names import SDK_LANGUAGE

if TYPE_CHECKING:
    from inngest_asgi.clock import Clock
    from inngest_asgi.connect.options import ConnectOptions
    from inngest_asgi.runtime.execute import Runtime
    from inngest_asgi.settings import Settings

FRAMEWORK = "connect"
CAPABILITIES = {"connect": "v1", "trust_probe": "v1"}
URL = "wss://connect"
"""Stands for the connection where a registration wants a URL (connect.md 4.1)."""


def introduction(
    runtimes: tuple[Runtime, ...], options: ConnectOptions, clock: Clock, *, hosted: bool
) -> WorkerConnect:
    """Return the introduction; connection id and tokens come from the server.

    Args:
        runtimes: the applications; what they share is that of the first.
        options: as given.
        clock: tells when the worker was started.
        hosted: whether a host's lifespan runs it, and so may run another like it beside it.

    Raises:
        ConfigError: a variable is wrong.
    """
    settings = runtimes[0].client.settings
    return WorkerConnect(
        connection_id="",
        instance_id=instance_id(options.instance_id, settings, hosted=hosted),
        auth_data=AuthData(),
        apps=tuple(map(_configuration, runtimes)),
        capabilities=dumps(CAPABILITIES),
        system_attributes=SystemAttributes(os.cpu_count() or 0, _memory(), sys.platform),
        environment=settings.env,
        framework=FRAMEWORK,
        platform=settings.platform,
        sdk_version=f"v{VERSION}",
        sdk_language=SDK_LANGUAGE,
        started_at=datetime.fromtimestamp(clock.time(), UTC),
        max_worker_concurrency=options.limit(settings),
    )


def instance_id(told: str | None, settings: Settings, *, hosted: bool) -> str:
    """Return the instance's id: as told, or the platform's, or the host's name.

    Processes that a server runs side by side would share it, and with it a limit that each of
    them reports: so each adds its number. What stand-alone programs say is left as it is.
    """
    name = told or settings.instance_id or socket.gethostname()
    if told is not None and not hosted:
        return name
    is_child = multiprocessing.parent_process() is not None
    return f"{name}-{os.getpid()}" if is_child or settings.is_one_of_several else name


def _configuration(runtime: Runtime) -> AppConfiguration:
    client = runtime.client
    return AppConfiguration(client.app_id, dumps(runtime.index.records(URL)), client.app_version)


def _memory() -> int:
    """Return the machine's memory in bytes; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
