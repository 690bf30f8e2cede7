"""Ends calls that last too long, watching all of them with one alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.alarm import Alarm


class Deadlines:
    """Cancels tasks that are not done some time after they were handed in.

    Args:
        seconds: how long each may last.
    """

    def __init__(self, clock: Clock, alarm: Alarm, seconds: float) -> None:
        self._clock = clock
        self._alarm = alarm
        self._seconds = seconds
        self._open: dict[asyncio.Future[Any], float] = {}
        self._armed = False

    def watch(self, task: asyncio.Future[Any]) -> None:
        """Cancel `task` when its time is over."""
        self._open[task] = self._clock.time() + self._seconds
        task.add_done_callback(self._forget)
        self._arm()

    def _forget(self, task: asyncio.Future[Any]) -> None:
        self._open.pop(task, None)

    def _arm(self) -> None:
        """Wake for the oldest task; they were handed in, and end, in order."""
        if self._open and not self._armed:
            self._armed = True
            self._alarm.at(next(iter(self._open.values())), self._check)

    def _check(self) -> None:
        self._armed = False
        now = self._clock.time()
        for task in [task for task, deadline in self._open.items() if deadline <= now]:
            task.cancel()
            self._forget(task)
        self._arm()
