"""One thread that owns the database connection and commits whatever has piled up, together.

It knows nothing of what is stored. Each turn of the thread takes all the work that waits and
does it in one transaction, so that many small writes share one commit. WAL with
synchronous=NORMAL: what was committed survives the death of the process at any moment; only a
power loss may take the last moments away, never the consistency of the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from inngest_asgi.dev.options import MEMORY
from inngest_asgi.dev.store.schema import MIGRATIONS
from inngest_asgi.errors import DevServerError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_PRAGMAS = (
    "locking_mode = EXCLUSIVE",
    "auto_vacuum = INCREMENTAL",  # counts for new files, before anything else is written to them
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "journal_size_limit = 16777216",
)


_PRIMARY = 0xFF
_GRAVE = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""Errors after which nothing can be relied on, by SQLite's primary codes."""


class StoreThread:
    """The only one who touches the connection; everybody else hands it functions to call.

    Args:
        path: the database file, made when missing, or ":memory:".
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._broken: DevServerError | None = None
        self._fallen = asyncio.Event()
        self._stopped: DevServerError | None = None
        self.pending = 0
        self.done = 0

    async def open(self) -> None:
        """Open the file and bring its tables up to date.

        Raises:
            DevServerError: the file cannot be used; the message says why.
        """
        threading.Thread(target=self._serve, name="inngest-dev-store", daemon=True).start()
        await self._opened

    @property
    def failure(self) -> DevServerError | None:
        """Why nothing is accepted any more; None while all is well."""
        return self._broken or self._stopped

    async def until_broken(self) -> NoReturn:
        """Wait for as long as everything can be kept.

        Raises:
            DevServerError: nothing can be any more; the message says why.
        """
        await self._fallen.wait()
        raise self._broken or DevServerError("The server's database failed.")

    def ask(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Have `work` read; a question that cannot be answered is nobody else's affair.

        Returns:
            A future like that of `submit`, but for this: unless the file itself is damaged, all
            goes on after an error.
        """
        return self._put(_Work(work, self._loop.create_future(), reads=True))

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Have `work` called with the connection, after all that was handed in before.

        Returns:
            A future that is done once whatever was changed is committed. It holds what `work`
            returned, or a `DevServerError`; after the first one nothing is accepted any more.
        """
        return self._put(_Work(work, self._loop.create_future()))

    async def close(self) -> None:
        """Finish what was handed in, then close the file and end the thread."""
        self._stopped = DevServerError("The server has stopped; start it again.")
        self._work.put(None)
        await self._closed

    def _put(self, work: _Work) -> asyncio.Future[Any]:
        future, refusal = work.future, self.failure
        if refusal is not None:
            future.set_exception(refusal)
            future.exception()  # heard, even when the caller does not wait
            return future
        self.pending += 1
        future.add_done_callback(self._settle)
        self._work.put(work)
        return future

    def _settle(self, future: asyncio.Future[Any]) -> None:
        self.pending -= 1
        self.done += 1
        if not future.cancelled():
            future.exception()  # nobody may be waiting: the next one who writes will hear of it

    def _serve(self) -> None:
        try:
            connection = _connect(self._path)
        except DevServerError as error:
            self._loop.call_soon_threadsafe(self._opened.set_exception, error)
            return
        self._loop.call_soon_threadsafe(self._opened.set_result, None)
        try:
            with contextlib.closing(connection):
                going = True
                while going:
                    batch, going = self._take()
                    self._do(connection, batch)
        finally:
            self._loop.call_soon_threadsafe(self._ended)

    def _ended(self) -> None:
        """Refuse what was handed in while the thread ended; only a bug lets it come to that."""
        left = []
        while not self._work.empty():
            left.append(self._work.get())
        _deliver([item for item in left if item is not None], self._broken)
        self._closed.set_result(None)

    def _take(self) -> tuple[list[_Work], bool]:
        """Wait for work; return all there is, and whether more may come."""
        batch: list[_Work] = []
        item = self._work.get()
        while item is not None:
            batch.append(item)
            try:
                item = self._work.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _do(self, connection: sqlite3.Connection, batch: list[_Work]) -> None:
        try:
            if self._broken is None:
                _transact(connection, batch)
        except sqlite3.Error as error:
            self._break(connection, _sentence(self._path, error))
        except BaseException as error:
            what = f"A bug stopped the server's database thread ({error!r})"
            self._break(connection, f"{what}; start the server again.")
            raise
        finally:
            self._loop.call_soon_threadsafe(_deliver, batch, self._broken)
            if self._broken is not None:
                self._loop.call_soon_threadsafe(self._fallen.set)

    def _break(self, connection: sqlite3.Connection, sentence: str) -> None:
        self._broken = DevServerError(sentence)
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


@dataclass(slots=True)
class _Work:
    call: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]
    reads: bool = False
    result: Any = None
    error: DevServerError | None = None


def _transact(connection: sqlite3.Connection, batch: list[_Work]) -> None:
    connection.execute("BEGIN")
    for item in batch:
        if item.reads:
            _answer(connection, item)
        else:
            item.result = item.call(connection)
    connection.execute("COMMIT")


def _answer(connection: sqlite3.Connection, item: _Work) -> None:
    """Read what is asked; what cannot be read, such as numbers beyond SQLite's, is one's own."""
    try:
        item.result = item.call(connection)
    except (sqlite3.Error, ValueError, OverflowError) as error:
        if _is_grave(error) or not connection.in_transaction:
            raise
        item.error = DevServerError(f"The server's database has no answer to that: {error}.")


def _is_grave(error: Exception) -> bool:
    """Whether an error is the file's, or the disk's, and not that of a question."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & _PRIMARY in _GRAVE


def _deliver(batch: list[_Work], error: DevServerError | None) -> None:
    for item in batch:
        if item.future.cancelled():
            continue
        failed = error or item.error
        if failed is not None:
            item.future.set_exception(failed)
        else:
            item.future.set_result(item.result)


def _connect(path: str) -> sqlite3.Connection:
    """Open the file for ourselves alone, with its tables at the newest version."""
    try:
        if path != MEMORY:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    except (OSError, ValueError, sqlite3.Error) as error:
        raise DevServerError(_sentence(path, error)) from error
    try:
        _prepare(path, connection)
    except (sqlite3.Error, DevServerError) as error:
        connection.close()
        if isinstance(error, DevServerError):
            raise
        raise DevServerError(_sentence(path, error)) from error
    return connection


def _prepare(path: str, connection: sqlite3.Connection) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN EXCLUSIVE")
    version = _version(path, connection)
    if version > len(MIGRATIONS):
        raise DevServerError(
            f"{path} was written by a newer version of inngest-asgi; "
            "upgrade, or choose another file."
        )
    for script in MIGRATIONS[version:]:
        for statement in script.split(";"):
            connection.execute(statement)
    connection.execute("UPDATE schema_version SET version = ?", (len(MIGRATIONS),))
    connection.execute("COMMIT")
    if not connection.execute("PRAGMA auto_vacuum").fetchone()[0]:
        _make_shrinkable(connection)


def _make_shrinkable(connection: sqlite3.Connection) -> None:
    """Write an old file anew, once, so that it gives space back; without room it stays as it is."""
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("VACUUM")


def _version(path: str, connection: sqlite3.Connection) -> int:
    """Return the version of the tables: 0 for a new file."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if tables and "schema_version" not in tables:
        raise DevServerError(
            f"{path} is a database of something else; choose another file for the server."
        )
    if not tables:
        connection.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        connection.execute("INSERT INTO schema_version VALUES (0)")
    return int(connection.execute("SELECT version FROM schema_version").fetchone()[0])


def _sentence(path: str, error: Exception) -> str:
    text = str(error)
    if "locked" in text:
        return (
            f"{path} is in use by another process, perhaps another server; "
            "stop that one, or choose another file."
        )
    if "not a database" in text or "malformed" in text:
        return f"{path} is not a database, or is damaged; remove it, or choose another file."
    if "full" in text:
        return f"{path} cannot grow: the disk is full. Make room, then start the server again."
    if Path(path).is_dir():
        return f"{path} is a folder; name a file in it."
    if "readonly" in text or "read-only" in text or not _may_write(path):
        return f"{path} cannot be written; check its permissions, or choose another file."
    reason = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else text
    return f"{path} cannot be used as the server's database: {reason}."


def _may_write(path: str) -> bool:
    """Whether the file, what SQLite keeps beside it, and its folder may be written, as they are."""
    files = (path, f"{path}-wal", str(Path(path).parent))
    return path == MEMORY or all(os.access(file, os.W_OK) for file in files if Path(file).exists())
