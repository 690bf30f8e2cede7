"""How a worker connects, checked when it is given; what is left out is asked of settings later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions import checks
from inngest_asgi.wire.durations import to_timedelta

if TYPE_CHECKING:
    from inngest_asgi.settings import Settings
    from inngest_asgi.wire.durations import Duration

Rewrite = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectOptions:
    """How a worker connects: `serve(client, connect=ConnectOptions(...))`.

    What is left out is looked for in the variable named, then decided as told.

    Args:
        instance_id: what the worker is called; a limit is one for all connections of an id
            (RENDER_INSTANCE_ID, FLY_MACHINE_ID, HOSTNAME; the host's name). Where a server runs
            several processes, each adds its own number.
        max_worker_concurrency: requests the worker takes at a time; 0 for no limit
            (INNGEST_CONNECT_MAX_WORKER_CONCURRENCY; no limit).
        rewrite_gateway_endpoint: is given the gateway's URL and returns the one to use, called
            on the worker's own thread.
        gateway_url: the gateway's URL, whatever the server says
            (INNGEST_CONNECT_GATEWAY_URL; the server's).
        shutdown_timeout: how long requests in progress may take once the worker stops; by default
            as long as they need.
        connect_timeout: how long a host's start-up waits for the first attempt to connect. When it
            fails, or takes longer, the application serves HTTP, is not ready, and goes on trying.

    Raises:
        ConfigError: one of them is wrong; the message names it.
    """

    instance_id: str | None = None
    max_worker_concurrency: int | None = None
    rewrite_gateway_endpoint: Rewrite | None = None
    gateway_url: str | None = None
    shutdown_timeout: Duration | None = None
    connect_timeout: Duration = 5_000

    def __post_init__(self) -> None:
        if self.instance_id is not None:
            checks.text(self.instance_id, "connect: instance_id")
        if self.max_worker_concurrency is not None:
            checks.whole(self.max_worker_concurrency, "connect: max_worker_concurrency", least=0)
        if self.gateway_url is not None:
            _check_gateway_url(self.gateway_url, "connect: gateway_url")
        rewrite = self.rewrite_gateway_endpoint
        if rewrite is not None and not callable(rewrite):
            raise ConfigError(
                f"connect: rewrite_gateway_endpoint is {rewrite!r}; pass a function that takes a "
                "URL and returns one."
            )
        _ = (self.startup_seconds, self.shutdown_seconds)

    @property
    def startup_seconds(self) -> float:
        """`connect_timeout` in seconds."""
        return _seconds(self.connect_timeout, "connect_timeout")

    @property
    def shutdown_seconds(self) -> float | None:
        """`shutdown_timeout` in seconds; None for no limit."""
        told = self.shutdown_timeout
        return None if told is None else _seconds(told, "shutdown_timeout")

    def limit(self, settings: Settings) -> int | None:
        """Return how many requests the worker takes at a time; None or 0 for no limit.

        Raises:
            ConfigError: the variable is not a whole number.
        """
        told = self.max_worker_concurrency
        return settings.connect_max_worker_concurrency if told is None else told

    def gateway(self, endpoint: str, settings: Settings) -> str:
        """Return the URL of the gateway to use where the server named this endpoint.

        Raises:
            ConfigError: it is no WebSocket URL.
        """
        told = self.gateway_url or settings.connect_gateway_url
        if told is not None:
            return _check_gateway_url(told, "INNGEST_CONNECT_GATEWAY_URL")
        if self.rewrite_gateway_endpoint is None:
            return endpoint
        url = self.rewrite_gateway_endpoint(endpoint)
        return _check_gateway_url(url, "What rewrite_gateway_endpoint returned")


def _seconds(duration: Duration, name: str) -> float:
    return to_timedelta(duration, field=f"connect: {name}").total_seconds()


def _check_gateway_url(url: str, name: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except (ValueError, TypeError, AttributeError):
        good = False
    if not good:
        raise ConfigError(
            f"{name} is {url!r}; pass a URL such as 'wss://gateway.example/v0/connect'."
        )
    return url
