"""Records in and out of the file, also of files that an older version wrote."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.dev.records import Changes, Job, JobKind, Match, MatchKind
from inngest_asgi.dev.store.schema import MIGRATIONS
from inngest_asgi.dev.store.store import Kept, Store

if TYPE_CHECKING:
    from pathlib import Path


def kept(path: Path, changes: Changes | None = None) -> Kept:
    """Save changes, then say what the next server finds."""

    async def main() -> Kept:
        if changes is not None:
            store = await Store.open(str(path))
            await store.save(changes)
            await store.close()
        store = await Store.open(str(path))
        found = await store.load(forget_starts_before=0.0)
        await store.close()
        return found

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (None, None),
        (b'{"error":{}}', None),
        (None, Match(MatchKind.EVENT, "a/b", "event.data.x == 'é'", '{"data":{"x":1}}')),
        (b"null", Match(MatchKind.SIGNAL, "go")),
        (None, Match(MatchKind.INVOKE, "R.s")),
    ],
    ids=["plain", "value", "event", "signal", "invoke"],
)
def test_a_job_comes_back_as_it_was(
    tmp_path: Path, value: bytes | None, match: Match | None
) -> None:
    job = Job("J", "R", JobKind.WAIT, "s", 5.0, attempt=1, race=True, name="n")
    job.value, job.match = value, match
    (back,) = kept(tmp_path / "dev.db", Changes(jobs=[job])).jobs
    job.generation += 1
    assert back == job


def test_a_file_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "dev.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(MIGRATIONS[0])
        connection.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        connection.execute("INSERT INTO schema_version VALUES (1)")
        connection.execute("INSERT INTO jobs VALUES ('J','R','sleep','s',5.0,0,1,0,'nap')")
        connection.commit()
    (job,) = kept(path).jobs
    assert job == Job("J", "R", JobKind.SLEEP, "s", 5.0, generation=2, name="nap")


@pytest.mark.parametrize(
    ("kind", "value", "generation"),
    [(JobKind.CALL, None, 2), (JobKind.CALL, b"request", 1), (JobKind.FETCH, b"{}", 2)],
    ids=["call", "call-that-a-worker-has", "fetch"],
)
def test_only_what_is_handed_out_again_has_a_new_generation(
    tmp_path: Path, kind: JobKind, value: bytes | None, generation: int
) -> None:
    job = Job("J", "R", kind, None, 5.0)
    job.value = value
    (back,) = kept(tmp_path / "dev.db", Changes(jobs=[job])).jobs
    assert (back.generation, back.value) == (generation, value)
