"""Where blocking code runs: our own executor, and the way back from its threads to the loop."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from inngest_asgi.middleware.crossing import start

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from contextvars import Context

Ended = tuple[Any, BaseException | None]


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
