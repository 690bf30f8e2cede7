"""How commands end: when their work has, or at the first Ctrl-C or SIGTERM, without a traceback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

T = TypeVar("T")

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """The wish to end a command. Use `stop_on_signals`, which makes it known.

    Attributes:
        signal: the number of the signal that came; None while none did.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._requested = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def request(self, number: int, frame: object = None) -> None:
        """Note a signal; the next one ends the process at once, as the system does by itself."""
        if self.signal is not None:  # both came before Python could handle the first
            signal.raise_signal(number)
        self.signal = number
        for one in _STOP_SIGNALS:
            signal.signal(one, signal.SIG_DFL)
        if self._loop is None:
            self._requested.set()
        else:
            self._loop.call_soon_threadsafe(self._requested.set)

    async def requested(self) -> None:
        """Wait until a signal comes."""
        self._loop = asyncio.get_running_loop()
        await self._requested.wait()


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Turn Ctrl-C and SIGTERM into a wish to stop inside the block."""
    stop = Stop()
    before = {number: signal.signal(number, stop.request) for number in _STOP_SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def work_until(stop: Stop, work: Coroutine[Any, Any, T]) -> T | None:
    """Do a command's work.

    Returns:
        What it returned; None when the command was stopped before.
    """
    try:
        return await first_of(work, stop.requested())
    finally:
        # A loop waits for the threads of `asyncio.to_thread` when it is closed. Nobody needs what
        # the user's code does there any more, so the loop gets another, idle executor to close.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))


async def first_of(*works: Coroutine[Any, Any, T]) -> T:
    """Do several things until one has ended; the others are cancelled, and waited for.

    Returns:
        What the first one in the list that ended returned.

    Raises:
        Exception: whatever one of them raised, while it was cancelled, too.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    ended = [task for task in tasks if not task.cancelled()]
    failed = [task for task in ended if task.exception() is not None]
    return (failed or ended)[0].result()


async def for_ever() -> NoReturn:
    """Wait until cancelled."""
    never: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
    await never


def leave(ended: SystemExit) -> None:
    """End the process now if threads still run; else do nothing.

    The interpreter would wait for them, and blocking code of the user's may take hours. What it
    does is not recorded any more: it is done again when the command is started again.
    """
    running = (one for one in threading.enumerate() if one is not threading.main_thread())
    if any(not one.daemon for one in running):
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
