"""Tells whoever watches what happens to runs, as it happens; stores nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.records import Changes, Happening, Record
from inngest_asgi.dev.store.flow import still_open

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from inngest_asgi.dev.records import Run, StoredEvent
    from inngest_asgi.dev.store.store import Store


MOST_BEHIND = 10_000
"""Records that are kept for somebody who watches everything and does not come to take them."""


class Watcher:
    """What somebody who watches has not been told yet.

    Who follows some runs misses nothing, and is kept nothing else. Who watches everything and
    falls far behind misses the oldest records: memory must not grow with what nobody reads.
    """

    def __init__(self) -> None:
        self._records: deque[Record] = deque()
        self._news = asyncio.Event()
        self._run_ids: set[str] | None = None
        self._windows: set[str] = set()

    def follow(self, run_ids: Iterable[str], windows: Iterable[str]) -> None:
        """Keep only what concerns some runs, and those that start when some windows close."""
        self._run_ids, self._windows = set(run_ids), set(windows)
        self._records = deque(record for record in self._records if self._concerns(record))

    def put(self, record: Record) -> None:
        """Keep a record, if it is wanted."""
        if not self._concerns(record):
            return
        if self._run_ids is None and len(self._records) >= MOST_BEHIND:
            self._records.popleft()
        self._records.append(record)
        self._news.set()

    async def get(self) -> Record:
        """Wait for the next record."""
        while not self._records:
            self._news.clear()
            await self._news.wait()
        return self._records.popleft()

    def _concerns(self, record: Record) -> bool:
        if self._run_ids is None:
            return True
        if record.details.get("window") in self._windows:
            self._run_ids |= {record.run_id} - {""}
            return True
        return record.run_id in self._run_ids


class Feed:
    """Numbers what happens and hands it to watchers.

    Args:
        last_seq: the number of the last record that is stored.
    """

    def __init__(self, last_seq: int = 0) -> None:
        self._seq = last_seq
        self._watchers: set[Watcher] = set()
        self._listeners: list[Callable[[Changes], None]] = []

    def record(self, run: Run, kind: Happening, at: float, details: dict[str, Any]) -> Record:
        """Return the next record; `publish` it once what it tells is saved."""
        self._seq += 1
        return Record(self._seq, at, run.id, run.event.internal_id, kind, details)

    def event_record(
        self, event: StoredEvent, kind: Happening, at: float, details: dict[str, Any]
    ) -> Record:
        """Return the next record, of an event that started no run, or none yet."""
        self._seq += 1
        return Record(self._seq, at, "", event.internal_id, kind, details)

    def publish(self, records: Iterable[Record]) -> None:
        """Hand records to all who watch."""
        if self._watchers or self._listeners:
            self.saved(Changes(records=list(records)))

    def saved(self, changes: Changes) -> None:
        """Tell what was saved: its records to all who watch, all of it to all who listen."""
        for record in changes.records:
            for watcher in self._watchers:
                watcher.put(record)
        for listener in self._listeners:
            listener(changes)

    @contextlib.contextmanager
    def subscribed(self) -> Iterator[Watcher]:
        """Give somebody who is told of every record until the block is left."""
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    @contextlib.contextmanager
    def listening(self, listener: Callable[[Changes], None]) -> Iterator[None]:
        """Call `listener` with whatever is saved until the block is left; it must not wait."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)


async def watch_all(feed: Feed) -> AsyncIterator[Record]:
    """Yield what happens to any run, from now on, for ever; see `Watcher` for who is slow."""
    with feed.subscribed() as watcher:
        while True:
            yield await watcher.get()


async def watch_runs(feed: Feed, store: Store, run_ids: list[str]) -> AsyncIterator[Record]:
    """Yield what happened to some runs, then what happens, until all of them have ended.

    A run that does not exist counts as ended.
    """
    with feed.subscribed() as watcher:
        async for record in _follow(watcher, store, run_ids, set()):
            yield record


async def watch_event(feed: Feed, store: Store, event_id: str) -> AsyncIterator[Record]:
    """Yield why an event started no run, or what happens to its runs until they have ended.

    An event that is collected with others is waited with; the run that it starts, or that an
    event starts which took its place, is one of its own.
    """
    with feed.subscribed() as watcher:
        history = await store.event_history(event_id)
        windows = [one.details["window"] for one in history if one.kind is Happening.EVENT_WAITING]
        waiting = await store.read(lambda connection: still_open(connection, windows))
        run_ids = [run.id for run in await store.runs_of_event(event_id)]
        watcher.follow(run_ids, waiting)
        for record in history:
            yield record
        async for record in _follow(watcher, store, run_ids, waiting):
            yield record


async def _follow(
    watcher: Watcher, store: Store, run_ids: list[str], windows: set[str]
) -> AsyncIterator[Record]:
    """Yield the past and the future of runs, and of those that start when a window closes."""
    watcher.follow(run_ids, windows)
    open_runs, told = set(run_ids), dict[str, int]()
    for run_id in run_ids:
        history = await store.history(run_id)
        if not history:
            open_runs.discard(run_id)
        for record in history:
            told[run_id] = record.seq
            _note_end(record, open_runs)
            yield record
    while open_runs or windows:
        record = await watcher.get()
        if record.details.get("window") in windows and record.kind is not Happening.EVENT_WAITING:
            windows.discard(record.details["window"])
            if record.run_id not in told:
                open_runs.add(record.run_id)
        if record.run_id in open_runs and record.seq > told.get(record.run_id, 0):
            _note_end(record, open_runs)
            yield record


def _note_end(record: Record, open_runs: set[str]) -> None:
    if record.kind in (Happening.RUN_ENDED, Happening.NOT_STARTED):
        open_runs.discard(record.run_id)
