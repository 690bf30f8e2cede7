"""Calls functions when their time has come, with one sleeping task for all of them."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.clock import Clock


_FEW = 1_000
"""Timers that may be kept although they were cancelled, before it is worth to look for them."""


@dataclass(slots=True)
class Timer:
    """Something to do later; it does nothing once it was done or cancelled."""

    callback: Callable[[], None] | None


class Alarm:
    """A list of things to do later. It wakes for the next due one only: there is no tick."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Timer]] = []
        self._cancelled = 0
        self._order = itertools.count()
        self._sleeper: asyncio.Task[None] | None = None
        self._armed = float("inf")
        self._closed = False

    def at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` at `when` (Unix seconds), or as soon as possible after it."""
        timer = Timer(callback)
        if not self._closed:
            heapq.heappush(self._heap, (when, next(self._order), timer))
            if when < self._armed:
                self._arm()
        return timer

    def cancel(self, timer: Timer) -> None:
        """Forget a timer, and all that its callback holds, long before its time."""
        if timer.callback is None:
            return
        timer.callback = None
        self._cancelled += 1
        if self._cancelled > max(_FEW, len(self._heap) // 2):
            self._heap = [entry for entry in self._heap if entry[2].callback is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def check(self) -> None:
        """Look at the clock anew; for after the machine slept and its timers did not count."""
        if self._heap:
            self._arm()

    def close(self) -> None:
        """Forget everything, and whatever comes later."""
        self._closed = True
        self._heap.clear()
        self._disarm()

    def _arm(self) -> None:
        self._disarm()
        self._armed = self._heap[0][0]
        self._sleeper = asyncio.ensure_future(self._sleep(self._armed - self._clock.time()))

    def _disarm(self) -> None:
        if self._sleeper is not None:
            self._sleeper.cancel()
        self._sleeper = None
        self._armed = float("inf")

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._sleeper = None
        self._armed = float("inf")
        try:
            self._fire()
        finally:
            if self._heap and self._sleeper is None:
                self._arm()

    def _fire(self) -> None:
        now = self._clock.time()
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            callback, timer.callback = timer.callback, None
            if callback is None:
                self._cancelled -= 1
            else:
                callback()
