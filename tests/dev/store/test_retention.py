"""Space that is given back to the disk, also by files that an older version made."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from inngest_asgi.dev.records import Changes, StoredEvent
from inngest_asgi.dev.store.retention import Mark, forget_events, give_back
from inngest_asgi.dev.store.schema import MIGRATIONS
from inngest_asgi.dev.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path


def filled_and_emptied(path: Path) -> tuple[int, int]:
    """Save a megabyte of events and forget them; return how large the file was, and is."""

    async def fill() -> None:
        store = await Store.open(str(path))
        body = b"x" * 10_000
        events = [StoredEvent(f"E{n}", "", "a/b", 0, 1.0, body) for n in range(100)]
        await store.save(Changes(events=events))
        await store.close()

    async def empty() -> None:
        store = await Store.open(str(path))
        assert await store.tidy(lambda db: forget_events(db, 2.0, Mark())) is None
        while await store.tidy(give_back):
            pass
        await store.close()

    asyncio.run(fill())
    full = path.stat().st_size
    asyncio.run(empty())
    return full, path.stat().st_size


def test_a_file_shrinks_when_what_it_held_is_forgotten(tmp_path: Path) -> None:
    full, empty = filled_and_emptied(tmp_path / "dev.db")
    assert full > 1_000_000
    assert empty < full / 4


def test_a_file_of_an_older_version_learns_to_shrink(tmp_path: Path) -> None:
    path = tmp_path / "dev.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(MIGRATIONS[0])
        connection.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        connection.execute("INSERT INTO schema_version VALUES (1)")
        connection.commit()
    full, empty = filled_and_emptied(path)
    assert empty < full / 4
