"""A clock that tests move by hand; it never waits for real time and draws repeatable numbers."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

_START = 1_735_689_600.0
_TURNS = 100
_YEAR = 366 * 86_400.0


class ManualClock:
    """A `Clock` that stands still until it is told to move.

    Args:
        now: where it starts, in Unix seconds.
        seed: what its random numbers and ids follow from; equal seeds give equal ones.
    """

    def __init__(self, now: float = _START, *, seed: int = 0) -> None:
        self._now = now
        self._seed = seed
        self._drawn = 0
        self._order = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def time(self) -> float:
        return self._now

    def nanoseconds(self) -> int:
        return round(self._now * 1_000_000) * 1_000

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self._order += 1
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, self._order, woken))
        await woken

    def random(self) -> float:
        return (int.from_bytes(self.entropy(7)) >> 3) / 2**53

    def entropy(self, size: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_128(f"{self._seed}:{self._drawn}".encode()).digest(size)

    @property
    def next_due(self) -> float | None:
        """When the next sleeper wakes, in Unix seconds; None when nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    @property
    def sleepers(self) -> int:
        """How many sleep on this clock now."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    @property
    def activity(self) -> int:
        """A number that grows whenever somebody uses the clock, so that quiet can be noticed."""
        return self._order + self._drawn

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`, waking those whose time has come, earliest first.

        What wakes runs once the event loop turns; `settle` lets it.
        """
        until = self._now + seconds
        while (due := self.next_due) is not None and due <= until:
            self._now = max(self._now, due)
            heapq.heappop(self._sleepers)[2].set_result(None)
        self._now = until

    async def settle(self) -> None:
        """Let everything run that can go on without time passing."""
        seen = -1
        while seen != self.activity:
            seen = self.activity
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    async def until(
        self,
        awaitable: Awaitable[T],
        *,
        settle: Callable[[], Awaitable[None]] | None = None,
        limit: float = _YEAR,
    ) -> T:
        """Await something, skipping the time that everybody sleeps through.

        Args:
            awaitable: what to wait for.
            settle: waits until nothing can go on without time passing; give one when work is
                done outside the event loop, such as `DevServer.settle`.
            limit: seconds of this clock's time after which to give up.

        Raises:
            TimeoutError: `limit` seconds went by, or nobody sleeps and yet it is not done.
        """
        task = asyncio.ensure_future(awaitable)
        try:
            await self._skip(task, settle or self.settle, self._now + limit)
        finally:
            task.cancel()
        return await task

    async def _skip(
        self, task: asyncio.Future[T], settle: Callable[[], Awaitable[None]], end: float
    ) -> None:
        await settle()
        while not task.done():
            due = self.next_due
            if due is None:
                raise TimeoutError("What is awaited cannot happen: nobody sleeps on this clock.")
            if due > end:
                raise TimeoutError("What is awaited did not happen within the limit.")
            self.advance(max(due - self._now, 0.0))
            await settle()
