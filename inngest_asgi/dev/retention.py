"""Forgets runs that ended long ago, and events that nothing needs; decides when, and how fast.

It wakes when the oldest of them is due, works in small portions with pauses between them, so that
whoever writes meanwhile hardly waits, and gives space back to the disk.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.flow.starts import DAY
from inngest_asgi.dev.store.retention import (
    Mark,
    forget_events,
    forget_runs,
    forget_windows,
    give_back,
    oldest,
)
from inngest_asgi.errors import DevServerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.alarm import Alarm
    from inngest_asgi.dev.records import Changes
    from inngest_asgi.dev.store.store import Store

_PAUSE = 0.05
_REST = 60.0
"""Seconds from one round to the next, at least: what became due meanwhile is done together."""

_log = logging.getLogger(__name__)


class Retention:
    """Keeps what is younger than so many seconds.

    Args:
        clock: tells the time.
        alarm: wakes for the next round.
        store: what is kept.
        keep: seconds since a run ended, or an event came.
    """

    def __init__(self, clock: Clock, alarm: Alarm, store: Store, keep: float) -> None:
        self._clock = clock
        self._alarm = alarm
        self._store = store
        self._keep = keep
        self._waits = False
        self._news = False
        self._round: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look at once, for what became old while no server ran."""
        self._wake_at(self._clock.time())

    def saved(self, changes: Changes) -> None:
        """Take note that there is something that will be old one day."""
        if changes.events:
            self._news = True
            if not self._waits:
                self._wake_at(self._clock.time() + self._keep)

    async def stop(self) -> None:
        """Leave the rest for the next server."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.wait({self._round})

    def _wake_at(self, when: float) -> None:
        self._waits = True
        self._alarm.at(when, self._begin)

    def _begin(self) -> None:
        self._round = asyncio.ensure_future(self._forget())

    async def _forget(self) -> None:
        try:
            await self._forget_all(self._clock.time() - self._keep)
        except DevServerError as error:
            _log.error("Old runs cannot be forgotten: %s", error)

    async def _forget_all(self, before: float) -> None:
        now = self._clock.time()
        await self._store.tidy(lambda db: forget_windows(db, now, now - DAY))
        await self._repeat(lambda db: forget_runs(db, before))
        mark: Mark | None = Mark()
        while mark is not None:
            mark = await self._store.tidy(partial(forget_events, before=before, mark=mark))
            await self._clock.sleep(_PAUSE)
        await self._repeat(give_back)
        self._news = False
        first = await self._store.tidy(lambda db: oldest(db, before))
        self._waits, now = False, self._clock.time()
        if first is None and self._news:  # it came after the question
            first = now
        if first is not None:
            self._wake_at(max(first + self._keep, now + _REST))

    async def _repeat(self, portion: Callable[[Any], bool]) -> None:
        while await self._store.tidy(portion):
            await self._clock.sleep(_PAUSE)
