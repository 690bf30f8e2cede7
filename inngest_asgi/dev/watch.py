"""Tells whoever watches what happens to runs, as it happens; stores nothing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.records import Changes, Happening, Record
from inngest_asgi.dev.store.flow import still_open

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from inngest_asgi.dev.records import Run, StoredEvent
    from inngest_asgi.dev.store.store import Store


class Feed:
    """Numbers what happens and hands it to watchers.

    Args:
        last_seq: the number of the last record that is stored.
    """

    def __init__(self, last_seq: int = 0) -> None:
        self._seq = last_seq
        self._watchers: set[asyncio.Queue[Record]] = set()
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
                watcher.put_nowait(record)
        for listener in self._listeners:
            listener(changes)

    @contextlib.contextmanager
    def subscribed(self) -> Iterator[asyncio.Queue[Record]]:
        """Give a queue that receives every record until the block is left."""
        watcher: asyncio.Queue[Record] = asyncio.Queue()
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
    """Yield what happens to any run, from now on, for ever."""
    with feed.subscribed() as queue:
        while True:
            yield await queue.get()


async def watch_runs(feed: Feed, store: Store, run_ids: list[str]) -> AsyncIterator[Record]:
    """Yield what happened to some runs, then what happens, until all of them have ended.

    A run that does not exist counts as ended.
    """
    with feed.subscribed() as queue:
        async for record in _follow(queue, store, run_ids, set()):
            yield record


async def watch_event(feed: Feed, store: Store, event_id: str) -> AsyncIterator[Record]:
    """Yield why an event started no run, or what happens to its runs until they have ended.

    An event that is collected with others is waited with; the run that it starts, or that an
    event starts which took its place, is one of its own.
    """
    with feed.subscribed() as queue:
        history = await store.event_history(event_id)
        for record in history:
            yield record
        windows = [one.details["window"] for one in history if one.kind is Happening.EVENT_WAITING]
        waiting = await store.read(lambda connection: still_open(connection, windows))
        runs = await store.runs_of_event(event_id)
        async for record in _follow(queue, store, [run.id for run in runs], waiting):
            yield record


async def _follow(
    queue: asyncio.Queue[Record], store: Store, run_ids: list[str], windows: set[str]
) -> AsyncIterator[Record]:
    """Yield the past and the future of runs, and of those that start when a window closes."""
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
        record = await queue.get()
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
