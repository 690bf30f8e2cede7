"""`ctx.logger`: any logger, silent while a call only repeats what earlier calls did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from inngest_asgi.engine.ops import SCOPE

if TYPE_CHECKING:
    from inngest_asgi.engine.run import Machine

SPEAKING = frozenset(
    {
        "critical", "debug", "error", "exception", "fatal", "info", "log", "msg", "notice",
        "success", "trace", "warn", "warning",
    }
)  # fmt: skip
"""What is a logging method, by name: those of the standard library, structlog and loguru."""


class Logger(Protocol):
    """What `Inngest(logger=...)` takes: any object that logs, the standard library's or another."""

    def debug(self, *args: Any, **kwargs: Any) -> Any:
        """Log something for developers."""
        ...

    def info(self, *args: Any, **kwargs: Any) -> Any:
        """Log what happens."""
        ...

    def warning(self, *args: Any, **kwargs: Any) -> Any:
        """Log what may be wrong."""
        ...

    def error(self, *args: Any, **kwargs: Any) -> Any:
        """Log what is wrong."""
        ...

    def exception(self, *args: Any, **kwargs: Any) -> Any:
        """Log what is wrong, with the traceback of the exception that is being handled."""
        ...


class QuietLogger:
    """A logger for one call: its logging methods do nothing while memos replay.

    It speaks from the first new work on: when the last memo has reached the function, and in the
    handlers of steps. All other attributes are those of the logger it stands for.

    Args:
        logger: the logger.
        machine: knows whether memos replay.
    """

    __slots__ = ("_logger", "_machine")

    def __init__(self, logger: Any, machine: Machine) -> None:
        self._logger = logger
        self._machine = machine

    def __repr__(self) -> str:
        return f"<QuietLogger of {self._logger!r}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what `copy` looks for before there is a logger
            raise AttributeError(name)
        value = getattr(self._logger, name)
        return _silence if name in SPEAKING and self._is_quiet() else value

    def _is_quiet(self) -> bool:
        return SCOPE.get().body_of is None and self._machine.replaying


def _silence(*_: Any, **__: Any) -> None:
    """Log nothing."""
