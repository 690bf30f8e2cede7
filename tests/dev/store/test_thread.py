"""The database thread: shared commits, refusals in words, and what is on disk after it ends."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev.store.schema import MIGRATIONS
from inngest_asgi.dev.store.thread import StoreThread
from inngest_asgi.errors import DevServerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def open_once(path: str) -> None:
    async def main() -> None:
        thread = StoreThread(path)
        await thread.open()
        await thread.close()

    asyncio.run(main())


def executing(*statements: str) -> Callable[[sqlite3.Connection], None]:
    def work(connection: sqlite3.Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    return work


def test_a_file_and_its_folder_are_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "dev.db"
    open_once(str(path))
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("SELECT version FROM schema_version").fetchone()
        assert version == len(MIGRATIONS)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_opening_again_keeps_what_is_there(tmp_path: Path) -> None:
    path = str(tmp_path / "dev.db")

    async def main() -> list[tuple[str]]:
        for _ in range(2):
            thread = StoreThread(path)
            await thread.open()
            await thread.submit(executing("INSERT OR IGNORE INTO starts VALUES ('f', 'e', 'r', 1)"))
            rows = await thread.submit(lambda c: c.execute("SELECT run_id FROM starts").fetchall())
            await thread.close()
        return rows

    assert asyncio.run(main()) == [("r",)]


def not_a_database(path: Path) -> None:
    path.write_bytes(b"these are notes, not tables " * 100)


def of_something_else(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")


def of_the_future(path: Path) -> None:
    open_once(str(path))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE schema_version SET version = 999")


def a_folder(path: Path) -> None:
    path.mkdir()


def under_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("")


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (not_a_database, "is not a database, or is damaged"),
        (of_something_else, "is a database of something else"),
        (of_the_future, "was written by a newer version"),
        (a_folder, "is a folder; name a file in it"),
        (under_a_file, "cannot be used as the server's database"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(
    prepare: object, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "folder" / "dev.db"
    path.parent.mkdir()
    assert callable(prepare)
    prepare(path)
    with pytest.raises(DevServerError, match=says) as caught:
        open_once(str(path))
    assert str(path) in str(caught.value)


def test_a_file_that_may_not_be_written_is_told_from_a_broken_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "dev.db"
    path.write_text("")

    def broken(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(sqlite3, "connect", broken)
    with pytest.raises(DevServerError, match=r"cannot be used .*: disk I/O error\.$"):
        open_once(str(path))
    monkeypatch.setattr(os, "access", lambda file, mode: file != str(tmp_path))
    with pytest.raises(DevServerError, match="check its permissions"):
        open_once(str(path))


def test_a_file_in_use_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "dev.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DevServerError, match="in use by another process"):
            open_once(str(path))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("attempt to write a readonly database", "check its permissions"),
        ("database or disk is full", "the disk is full"),
        ("database disk image is malformed", "is damaged"),
    ],
)
def test_failures_while_running_are_said_in_words(text: str, says: str) -> None:
    async def main() -> None:
        def fail(connection: sqlite3.Connection) -> None:
            raise sqlite3.OperationalError(text)

        thread = StoreThread(":memory:")
        await thread.open()
        with pytest.raises(DevServerError, match=says):
            await thread.submit(fail)
        await thread.close()

    asyncio.run(main())


def test_a_change_that_fails_leaves_nothing_behind_and_nothing_follows(tmp_path: Path) -> None:
    path = str(tmp_path / "dev.db")

    async def main() -> None:
        thread = StoreThread(path)
        await thread.open()
        await thread.submit(executing("INSERT INTO starts VALUES ('f', 'e', 'r', 1)"))
        failing = thread.submit(executing("DELETE FROM starts", "nonsense"))
        following = thread.submit(executing("DELETE FROM starts"))
        for refused in (failing, following, thread.submit(executing("DELETE FROM starts"))):
            with pytest.raises(DevServerError, match="nonsense"):
                await refused
        await thread.close()

    asyncio.run(main())
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM starts").fetchone() == (1,)


def test_a_result_that_nobody_waits_for_any_more_is_dropped() -> None:
    async def main() -> None:
        thread = StoreThread(":memory:")
        await thread.open()
        gone = thread.submit(lambda connection: 1)
        gone.cancel()
        assert await thread.submit(lambda connection: 2) == 2
        assert thread.pending == 0
        await thread.close()

    asyncio.run(main())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_the_thread_lets_nobody_wait_for_ever(tmp_path: Path) -> None:
    path = str(tmp_path / "dev.db")
    begun, others_wait = threading.Event(), threading.Event()

    def with_a_bug(connection: sqlite3.Connection) -> None:
        begun.set()
        others_wait.wait(10)
        connection.execute("DELETE FROM starts WHERE at = ?", (2**70,))

    async def main() -> None:
        thread = StoreThread(path)
        await thread.open()
        failing = thread.submit(with_a_bug)
        await asyncio.to_thread(begun.wait, 10)
        others = [thread.submit(lambda _: None) for _ in range(3)]
        others_wait.set()
        for future in (failing, *others):
            with pytest.raises(DevServerError, match="A bug stopped"):
                await future
        with pytest.raises(DevServerError, match="start the server again"):
            await thread.submit(lambda connection: None)
        await thread.close()

    asyncio.run(asyncio.wait_for(main(), 10))
    for one in threading.enumerate():
        if one.name == "inngest-dev-store":
            one.join(10)  # its traceback belongs to this test, not to the next
    open_once(path)


def test_what_comes_while_the_store_closes_is_refused_and_does_not_hang() -> None:
    async def main() -> None:
        thread = StoreThread(":memory:")
        await thread.open()
        closing = asyncio.ensure_future(thread.close())
        await asyncio.sleep(0)
        with pytest.raises(DevServerError, match="has stopped"):
            await thread.submit(lambda connection: None)
        await closing

    asyncio.run(asyncio.wait_for(main(), 10))


def test_what_was_handed_in_before_the_store_closes_is_done() -> None:
    async def main() -> list[Any]:
        thread = StoreThread(":memory:")
        await thread.open()
        before = [thread.submit(lambda connection, n=n: n) for n in range(50)]  # type: ignore[misc]
        await thread.close()
        return await asyncio.gather(*before)

    assert asyncio.run(asyncio.wait_for(main(), 10)) == list(range(50))


def test_a_path_that_no_file_can_have_is_refused_and_does_not_hang() -> None:
    with pytest.raises(DevServerError, match="cannot be used"):
        open_once("a\0b")
