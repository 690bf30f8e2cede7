"""Where blocking code runs: our own executor, and the way back from its threads to the loop."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from inngest_asgi.errors import ConfigError
from inngest_asgi.middleware.crossing import start

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from contextvars import Context

Ended = tuple[Any, BaseException | None]

# Told by their names: importing them takes longer than all the rest of `serve`.
_NOT_THREADS = frozenset({"ProcessPoolExecutor", "InterpreterPoolExecutor"})


class Threads:
    """An executor made on first use; one given by the user is used as it is and left open.

    Args:
        given: the user's executor, if any.
        size: gives the number of threads when the executor is made.
    """

    def __init__(self, given: Executor | None, size: Callable[[], int]) -> None:
        self._given = given
        self._size = size
        self._own: ThreadPoolExecutor | None = None

    @property
    def executor(self) -> Executor:
        """The executor, made now if it was not yet."""
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = ThreadPoolExecutor(self._size(), thread_name_prefix="inngest")
        return self._own

    def close(self) -> None:
        """Let running work end on its own, take no new work; a later use starts afresh."""
        if self._own is not None:
            self._own.shutdown(wait=False)
            self._own = None


def loop_runner(loop: asyncio.AbstractEventLoop) -> Callable[[Awaitable[Any], Context], Ended]:
    """Return what a pool thread calls to run an awaitable on the loop, in a context, and wait."""

    def run(awaitable: Awaitable[Any], context: Context) -> Ended:
        return start(loop, awaitable, context).result()

    return run


def check_executor(executor: Executor | None) -> None:
    """Check what a user gives as `executor`.

    Raises:
        ConfigError: it is none, or its threads are not this process's.
    """
    kinds = {kind.__name__ for kind in type(executor).__mro__}
    if not isinstance(executor, Executor | None) or kinds & _NOT_THREADS:
        raise ConfigError(
            f"executor is a {type(executor).__name__}; blocking functions need threads of this "
            "process, so pass a ThreadPoolExecutor, or leave it out for one of our own."
        )
