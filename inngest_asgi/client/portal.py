"""How blocking code awaits: one background event loop per process, in a daemon thread.

It is started when first needed, once per process (a forked child starts its own), and ended when
the interpreter exits. It knows nothing of what it runs.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from inngest_asgi.errors import InngestError

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

_EXIT_WAIT = 5.0


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the background loop and wait for it, from any other thread.

    It sees the caller's context variables. What it raises is raised here, with its traceback;
    when the wait is interrupted, it is cancelled.

    Raises:
        InngestError: this is the background loop's own thread, which would wait for itself.
    """
    try:
        loop = blocking_loop()
    except InngestError:
        coroutine.close()
        raise
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result()
    finally:
        future.cancel()


def blocking_loop() -> asyncio.AbstractEventLoop:
    """Return the background loop, started if need be, for a thread that is going to wait on it.

    Raises:
        InngestError: this is the background loop's own thread, which would wait for itself.
    """
    portal = _portals.setdefault(os.getpid(), _Portal())
    if portal.is_current_thread():
        raise InngestError(
            "A blocking call was made on the loop that carries out blocking calls and would wait "
            "for itself; await the async form here."
        )
    return portal.loop()


def background_loop() -> asyncio.AbstractEventLoop | None:
    """Return this process's background loop, or None when nothing has needed it yet."""
    portal = _portals.get(os.getpid())
    return None if portal is None else portal.loop()


class _Portal:
    """A thread that only runs an event loop, until it is told to stop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop = asyncio.Event()

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop; the first caller starts it."""
        with self._lock:
            if self._loop is None:
                self._loop = self._start()
            return self._loop

    def is_current_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Cancel what still runs, close the connections, and wait a little for both."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_EXIT_WAIT)

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, args=(loop,), name="inngest-portal", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:
            loop.close()
            raise
        return loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._stopped())

    async def _stopped(self) -> None:
        await self._stop.wait()


# By process: a forked child never finds its parent's portal, whose thread it does not have and
# whose lock may be held for ever. A portal that loses the race for its place was never started.
_portals: dict[int, _Portal] = {}


def _close_at_exit() -> None:
    portal = _portals.pop(os.getpid(), None)
    if portal is not None:
        portal.close()


# At import, so that what a program registers later, and which may still send, runs before it.
atexit.register(_close_at_exit)
