"""Runs that a server left behind, read from its file."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.cli.unfinished import unfinished_runs
from inngest_asgi.dev.records import Changes, Job, JobKind
from inngest_asgi.dev.store import Store
from inngest_asgi.errors import DevServerError

if TYPE_CHECKING:
    from pathlib import Path


async def keep(db: str, *jobs: Job) -> None:
    store = await Store.open(db)
    await store.save(Changes(jobs=list(jobs)))
    await store.close()


def test_runs_with_something_to_do_are_unfinished(tmp_path: Path) -> None:
    db = str(tmp_path / "dev.db")
    jobs = [
        Job("1", "later", JobKind.SLEEP, "step", 20.0),
        Job("2", "soon", JobKind.CALL, None, 10.0),
        Job("3", "soon", JobKind.CALL, "step", 30.0),
    ]
    asyncio.run(keep(db, *jobs))
    assert asyncio.run(unfinished_runs(db)) == ["soon", "later"]


def test_a_new_file_has_none(tmp_path: Path) -> None:
    assert asyncio.run(unfinished_runs(str(tmp_path / "dev.db"))) == []


def test_memory_has_none() -> None:
    assert asyncio.run(unfinished_runs(":memory:")) == []


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    db = tmp_path / "dev.db"
    connection = sqlite3.connect(db)
    connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    with pytest.raises(DevServerError, match="something else"):
        asyncio.run(unfinished_runs(str(db)))
