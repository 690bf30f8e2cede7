"""What is kept, table by table: the embedded server's records in and out of SQLite.

It decides nothing. Rows are made where the records live, on the event loop; only SQL runs in
the store's thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from inngest_asgi.dev.records import (
    App,
    Changes,
    Defer,
    DeferState,
    Function,
    Happening,
    Job,
    JobKind,
    Match,
    MatchKind,
    Memo,
    Record,
    Run,
    RunRow,
    RunStatus,
    Start,
    StoredEvent,
)
from inngest_asgi.dev.store.flow import BATCH_ID, OF_EVENT, batch_events, flow_statements
from inngest_asgi.dev.store.thread import StoreThread
from inngest_asgi.wire.codec import dump_text, loads

if TYPE_CHECKING:
    import asyncio
    import sqlite3
    from collections.abc import Callable, Iterable

    from inngest_asgi.dev.store.flow import Statement
    from inngest_asgi.errors import DevServerError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """All that a server needs in memory when it starts."""

    apps: list[App]
    functions: list[Function]
    jobs: list[Job]
    starts: list[Start]
    last_seq: int


class Store:
    """The embedded server's memory on disk. Use `await Store.open(path)`."""

    def __init__(self, thread: StoreThread) -> None:
        self._thread = thread

    @classmethod
    async def open(cls, path: str) -> Store:
        """Open or make the file.

        Raises:
            DevServerError: it cannot be used; the message says why.
        """
        thread = StoreThread(path)
        await thread.open()
        return cls(thread)

    @property
    def busy(self) -> bool:
        """Whether something that was handed in is not done yet."""
        return self._thread.pending > 0

    @property
    def done(self) -> int:
        """How many things that were handed in are done."""
        return self._thread.done

    @property
    def failure(self) -> DevServerError | None:
        """Why nothing can be kept any more; None while all is well."""
        return self._thread.failure

    def save(self, changes: Changes) -> asyncio.Future[None]:
        """Save all changes in one transaction; await the result before anybody hears of them."""
        statements = _statements(changes)
        return self._thread.submit(lambda connection: _execute(connection, statements))

    def read(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Have `work` read, in the store's thread, after all that was handed in before.

        What it cannot read is a `DevServerError` for whoever asked, and for nobody else.
        """
        return self._thread.ask(work)

    def write(self, sql: str, rows: list[_Row]) -> asyncio.Future[None]:
        """Save what no `Changes` hold: run `sql` for each of the rows, all in one transaction."""
        return self._thread.submit(lambda connection: _execute(connection, [(sql, rows)]))

    def tidy(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Have `work` change what no `Changes` and no rows describe, in a transaction."""
        return self._thread.submit(work)

    async def flush(self) -> None:
        """Wait until all that was handed in before is done."""
        await self._thread.submit(lambda _connection: None)

    async def until_broken(self) -> NoReturn:
        """Wait for as long as everything can be kept.

        Raises:
            DevServerError: nothing can be any more; the message says why.
        """
        await self._thread.until_broken()

    async def close(self) -> None:
        """Finish what is under way and close the file."""
        await self._thread.close()

    async def load(self, forget_starts_before: float) -> Kept:
        """Return what is kept, for a server that starts.

        Jobs that were in progress are handed out again, under a new generation; but a worker may
        still be doing what was sent to it over a socket.

        Args:
            forget_starts_before: Unix seconds; older starts no longer stand in the way.
        """
        return await self._thread.submit(lambda connection: _load(connection, forget_starts_before))

    async def run(self, run_id: str) -> Run | None:
        """Return a run with its memos, in the order they were made, but without its jobs."""
        return await self._thread.ask(lambda connection: _run(connection, run_id))

    async def event(self, internal_id: str) -> StoredEvent | None:
        """Return an event by its internal id."""
        rows = await self._rows(f"{_EVENT} WHERE internal_id = ?", internal_id)
        return StoredEvent(*rows[0]) if rows else None

    async def runs_of_event(self, internal_id: str) -> list[RunRow]:
        """Return the runs an event started, alone or in a batch, oldest first."""
        return await self._run_rows(f"WHERE {OF_EVENT} ORDER BY rowid", internal_id, internal_id)

    async def run_row(self, run_id: str) -> RunRow | None:
        """Return a run as the API shows it."""
        rows = await self._run_rows("WHERE id = ?", run_id)
        return rows[0] if rows else None

    async def unfinished(self) -> list[RunRow]:
        """Return the runs that are scheduled or running, oldest first."""
        statuses = (RunStatus.RUNNING, RunStatus.SCHEDULED)
        return await self._run_rows("WHERE status IN (?, ?) ORDER BY rowid", *statuses)

    async def history(self, run_id: str) -> list[Record]:
        """Return what happened to a run, in order."""
        rows = await self._rows(
            "SELECT seq, at, run_id, event_id, kind, details FROM history"
            " WHERE run_id = ? ORDER BY seq",
            run_id,
        )
        return [_record(row) for row in rows]

    async def event_history(self, internal_id: str) -> list[Record]:
        """Return what happened to an event where it started no run at once, in order."""
        rows = await self._rows(
            "SELECT seq, at, run_id, event_id, kind, details FROM history"
            " WHERE event_id = ? AND run_id = '' ORDER BY seq",
            internal_id,
        )
        return [_record(row) for row in rows]

    async def _run_rows(self, where: str, *values: str | int) -> list[RunRow]:
        rows = await self._rows(f"{_RUN_ROW} {where}", *values)
        return [_run_row_of(row) for row in rows]

    async def _rows(self, query: str, *values: str | int) -> list[Any]:
        return await self._thread.ask(lambda conn: conn.execute(query, values).fetchall())


_Row = tuple[Any, ...]


_RUN_COLUMNS = "id, function_id, event_id, status, queued_at, started_at, ended_at, output"
_RUN_ROW = f"SELECT {_RUN_COLUMNS}, {BATCH_ID} FROM runs"  # noqa: S608
_EVENT = "SELECT internal_id, id, name, ts, received_at, body FROM events"
_COLUMNS = {
    "events": 6,
    "runs": 10,
    "starts": 4,
    "reruns": 4,
    "memos": 6,
    "defers": 5,
    "jobs": 11,
    "apps": 9,
    "functions": 10,
    "history": 6,
}
_PUT = {
    table: f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * columns)})"  # noqa: S608
    for table, columns in _COLUMNS.items()
}
_SET_RUN = (
    "UPDATE runs SET status = ?, started_at = ?, ended_at = ?, output = ?, request_version = ?,"
    " state = ? WHERE id = ?"
)
_NEXT_GENERATION = (
    "UPDATE jobs SET generation = generation + 1 WHERE kind <> 'call' OR value IS NULL"
)
_JOB = (
    "SELECT id, run_id, kind, step_id, due, attempt, generation, race, name, value, waits_for"
    " FROM jobs"
)


def _execute(connection: sqlite3.Connection, statements: list[Statement]) -> None:
    for sql, rows in statements:
        if len(rows) == 1:
            connection.execute(sql, rows[0])
        else:
            connection.executemany(sql, rows)


def _statements(changes: Changes) -> list[Statement]:
    return [statement for statement in _all_statements(changes) if statement[1]]


def _all_statements(changes: Changes) -> Iterable[Statement]:
    yield _PUT["events"], [_event_row(event) for event in changes.events]
    yield _PUT["runs"], [_new_run_row(run) for run in changes.new_runs]
    yield _PUT["starts"], [_start_row(start) for start in changes.starts]
    yield _PUT["reruns"], [_rerun_row(run) for run in changes.new_runs if run.original_run_id]
    yield _PUT["memos"], [_memo_row(*memo) for memo in changes.memos]
    yield _PUT["defers"], [_defer_row(*defer) for defer in changes.defers]
    yield "DELETE FROM defers WHERE run_id = ?", _over(changes.runs)
    yield _SET_RUN, [_run_row(run) for run in changes.runs]
    yield "DELETE FROM jobs WHERE id = ?", [(job,) for job in changes.gone_jobs]
    yield _PUT["jobs"], [_job_row(job) for job in changes.jobs]
    yield "DELETE FROM apps WHERE id = ?", [(app,) for app in changes.gone_apps]
    yield _PUT["apps"], [_app_row(app) for app in changes.apps]
    yield _PUT["functions"], [_function_row(one) for one in changes.functions]
    yield _PUT["history"], [_record_row(record) for record in changes.records]
    yield from flow_statements(changes)


def _event_row(event: StoredEvent) -> _Row:
    return (event.internal_id, event.id, event.name, event.ts, event.received_at, event.body)


def _start_row(start: Start) -> _Row:
    return (start.function_id, start.event_id, start.run_id, start.at)


def _new_run_row(run: Run) -> _Row:
    event = run.event.internal_id
    return (run.id, run.function_id, event, run.status, run.queued_at, *_run_row(run)[1:6])


def _rerun_row(run: Run) -> _Row:
    """Return what a run repeats; the arguments of one of its steps at most are replaced."""
    replaced = next(iter(run.inputs.items()), (None, None))
    return (run.id, run.original_run_id, *replaced)


def _run_row(run: Run) -> _Row:
    state = dump_text([run.force_plan, run.discoveries, run.sets, run.idle, run.pending])
    times = (run.started_at, run.ended_at)
    return (run.status, *times, run.output, run.request_version, state, run.id)


def _memo_row(run_id: str, position: int, memo: Memo) -> _Row:
    return (run_id, position, memo.step_id, memo.name, memo.op, memo.value)


def _defer_row(run_id: str, defer: Defer) -> _Row:
    return (run_id, defer.step_id, defer.slug, defer.input, defer.state)


def _over(runs: list[Run]) -> list[_Row]:
    """Return the runs that ended, and whose deferred functions were started with that."""
    return [(run.id,) for run in runs if run.status.ended and run.defers]


def _job_row(job: Job) -> _Row:
    count = (job.attempt, job.generation)
    about = (job.id, job.run_id, job.kind, job.step_id, job.due, *count, job.race, job.name)
    return (*about, job.value, None if job.match is None else _match_text(job.match))


def _match_text(match: Match) -> str:
    return dump_text([match.kind, match.key, match.expression, match.given])


def _app_row(app: App) -> _Row:
    about = (app.sdk, app.framework, app.app_version, app.checksum)
    return (app.id, app.name, app.url, *about, app.synced_at, app.error)


def _function_row(function: Function) -> _Row:
    return (
        *(function.id, function.app_id, function.slug, function.name, function.url),
        *(function.max_attempts, dump_text(function.triggers), dump_text(function.config)),
        *(function.created_at, function.archived_at),
    )


def _record_row(record: Record) -> _Row:
    about = (record.seq, record.run_id, record.event_id, record.at)
    return (*about, record.kind, dump_text(record.details))


def _load(connection: sqlite3.Connection, before: float) -> Kept:
    connection.execute(_NEXT_GENERATION)
    connection.execute("DELETE FROM starts WHERE at < ?", (before,))
    starts = connection.execute("SELECT * FROM starts ORDER BY at")
    last = connection.execute("SELECT coalesce(max(seq), 0) FROM history").fetchone()
    return Kept(
        apps=[App(*row) for row in connection.execute("SELECT * FROM apps ORDER BY name")],
        functions=[_function(row) for row in connection.execute("SELECT * FROM functions")],
        jobs=[_job(row) for row in connection.execute(f"{_JOB} ORDER BY due, rowid")],
        starts=[Start(*row) for row in starts],
        last_seq=int(last[0]),
    )


def _function(row: _Row) -> Function:
    triggers, config = loads(row[6]), loads(row[7])
    return Function(*row[:6], triggers, config, *row[8:])  # type: ignore[call-arg]


def _job(row: _Row) -> Job:
    match = None if row[10] is None else _match(*loads(row[10]))
    made = Job(*row[:2], JobKind(row[2]), *row[3:7], bool(row[7]), row[8])  # type: ignore[call-arg]
    made.value, made.match = row[9], match
    return made


def _match(kind: str, key: str, expression: str, given: str) -> Match:
    return Match(MatchKind(kind), key, expression, given)


def _defer(step_id: str, slug: str, input: bytes, state: str) -> Defer:
    return Defer(step_id, slug, input, DeferState(state))


def _record(row: _Row) -> Record:
    return Record(*row[:4], Happening(row[4]), loads(row[5]))  # type: ignore[call-arg]


def _run_row_of(row: _Row) -> RunRow:
    return RunRow(*row[:3], RunStatus(row[3]), *row[4:])  # type: ignore[call-arg]


def _run(connection: sqlite3.Connection, run_id: str) -> Run | None:
    row = connection.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
    event_id = None if row is None else row[2]
    event = connection.execute(f"{_EVENT} WHERE internal_id = ?", (event_id,)).fetchone()
    if row is None or event is None:
        return None
    force_plan, discoveries, sets, idle, pending = loads(row[9])
    memos = connection.execute(
        "SELECT step_id, name, op, value FROM memos WHERE run_id = ? ORDER BY position", (run_id,)
    )
    known = {memo[0]: Memo(*memo) for memo in memos}
    defers = connection.execute(
        "SELECT step_id, slug, input, state FROM defers WHERE run_id = ? ORDER BY rowid", (run_id,)
    )
    batch_id, batch = batch_events(connection, run_id)
    rerun = connection.execute(
        "SELECT original_run_id, step_id, input FROM reruns WHERE run_id = ?", (run_id,)
    )
    original, replaced, given = rerun.fetchone() or (None, None, b"")
    return Run(
        id=run_id,
        function_id=row[1],
        event=StoredEvent(*event),
        queued_at=row[4],
        status=RunStatus(row[3]),
        started_at=row[5],
        ended_at=row[6],
        output=row[7],
        request_version=row[8],
        force_plan=force_plan,
        discoveries=discoveries,
        sets=sets,
        idle=idle,
        pending=pending,
        memos=known,
        memo_bytes=sum(len(memo.value) for memo in known.values()),
        batch_id=batch_id,
        batch=tuple(batch),
        original_run_id=original,
        inputs={} if replaced is None else {replaced: given},
        defers={row[0]: _defer(*row) for row in defers},
    )
