"""The options of `serve`, checked when they are given; what is left out is asked of settings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from inngest_asgi.connect.options import ConnectOptions
from inngest_asgi.errors import ConfigError
from inngest_asgi.runtime.threads import check_executor
from inngest_asgi.settings import checked_origin

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from inngest_asgi.settings import Settings

MAX_BODY_BYTES = 16 * 1024 * 1024


class Streaming(Enum):
    """Whether calls are answered by streams, as `serve` takes it; True and False do as well."""

    FORCE = "force"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How one application is served; `serve` explains each.

    Raises:
        ConfigError: one of them is wrong; the message names it.
    """

    serve_origin: str | None = None
    serve_path: str | None = None
    public_path: str | None = None
    streaming: bool | Streaming | None = None
    cancel_on_disconnect: bool = False
    max_body_bytes: int = MAX_BODY_BYTES
    executor: Executor | None = None
    enable_unauthed_sync: bool | None = None
    connect: bool | ConnectOptions | None = None

    def __post_init__(self) -> None:
        if self.serve_origin is not None:
            origin = checked_origin(self.serve_origin, "serve_origin")
            object.__setattr__(self, "serve_origin", origin)
        _check_path(self.serve_path, "serve_path")
        _check_path(self.public_path, "public_path")
        _check_limit(self.max_body_bytes)
        check_executor(self.executor)
        if not isinstance(self.connect, bool | ConnectOptions | None):
            raise ConfigError(
                f"connect is {self.connect!r}; pass True, False or ConnectOptions(...)."
            )
        if not isinstance(self.streaming, bool | Streaming | None):
            raise ConfigError(
                f"streaming is {self.streaming!r}; pass True, False, Streaming.FORCE or "
                "Streaming.DISABLE."
            )

    def origin(self, settings: Settings) -> str | None:
        """Return the origin to register instead of the request's.

        Raises:
            ConfigError: that of the environment is no origin.
        """
        return self.serve_origin or settings.serve_origin

    def path(self, settings: Settings) -> str | None:
        """Return the path to register instead of the request's."""
        return self.public_path or self.serve_path or settings.serve_path

    def streams(self, settings: Settings) -> bool:
        """Say whether calls are answered by streams.

        Raises:
            ConfigError: INNGEST_STREAMING says neither yes nor no.
        """
        if self.streaming is None:
            return settings.streaming
        return self.streaming in (True, Streaming.FORCE)

    def takes_unsigned_sync(self, settings: Settings) -> bool:
        """Say whether an unsigned PUT may register in cloud mode."""
        told = self.enable_unauthed_sync
        return settings.enable_unauthed_sync if told is None else told


def _check_path(path: str | None, name: str) -> None:
    if path is not None and not path.startswith("/"):
        raise ConfigError(f"{name} is {path!r}; it must start with a slash.")


def _check_limit(size: int) -> None:
    if not isinstance(size, int) or size < 1:
        raise ConfigError(f"max_body_bytes is {size!r}; pass a number of bytes above zero.")
