"""Reads what the API and the page show: runs and events in pages; it changes nothing.

A page is found on an index first, by the ids of its rows; only then are the rows themselves read,
and outputs only when somebody asks for them. SQL is put together from text of this file; what
comes from outside is bound to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from inngest_asgi.dev.events import TIMER
from inngest_asgi.dev.records import JobKind, Memo, RunRow, RunStatus, StoredEvent
from inngest_asgi.dev.store.filters import (
    EventQuery,
    RunQuery,
    cursor_of,
    events_where,
    marks,
    runs_where,
)
from inngest_asgi.dev.store.flow import BATCH_ID, batch_events
from inngest_asgi.wire.codec import loads

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from inngest_asgi.dev.store.store import Store

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class RunItem:
    """A run in a list, with what is known of its beginning.

    `event_name` is empty, and `cron` None, when the event was deleted meanwhile.
    """

    run: RunRow
    event_name: str
    cron: str | None
    original_run_id: str | None


@dataclass(frozen=True, slots=True)
class JobItem:
    """What is to be done for a run, without what it holds."""

    id: str
    run_id: str
    kind: JobKind
    step_id: str | None
    name: str
    due: float
    attempt: int


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list; `cursor` leads to the next part, None when there is none."""

    items: list[Item]
    cursor: str | None


class Queries:
    """Asks the store what the API and the page show."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def runs(self, query: RunQuery) -> Page[RunItem]:
        """Return a page of runs.

        Raises:
            ValueError: the cursor is none of ours.
        """
        where = runs_where(query)
        order = "DESC" if query.newest_first else "ASC"
        time = query.time.value
        found = f"SELECT id FROM runs {where.sql} ORDER BY {time} {order}, id {order} LIMIT ?"  # noqa: S608
        output = "runs.output" if query.outputs else "NULL"
        rows = await self._rows(
            f"SELECT {_run_columns(output)} FROM ({found}) AS page JOIN runs USING (id)"  # noqa: S608
            f" {_RUN_JOINS} ORDER BY runs.{time} {order}, runs.id {order}",
            [*where.values, query.limit + 1],
        )
        items = [_run_item(row) for row in rows[: query.limit]]
        if len(rows) <= query.limit:
            return Page(items, None)
        last = items[-1].run
        return Page(items, cursor_of(getattr(last, time), last.id))

    async def run(self, run_id: str) -> RunItem | None:
        """Return a run with its output."""
        rows = await self._rows(
            f"SELECT {_run_columns('runs.output')} FROM runs {_RUN_JOINS} WHERE runs.id = ?",  # noqa: S608
            [run_id],
        )
        return _run_item(rows[0]) if rows else None

    async def known_runs(self, run_ids: Sequence[str]) -> set[str]:
        """Return those of some ids that a run has."""
        return await self._store.read(lambda connection: _known_runs(connection, run_ids))

    async def runs_of_events(
        self, event_ids: Sequence[str], *, outputs: bool = False
    ) -> dict[str, list[RunItem]]:
        """Return the runs that events started, alone or in batches, as they were queued.

        Args:
            event_ids: the events' internal ids, which are the keys of the answer.
            outputs: whether to read what the runs returned.
        """
        output = "runs.output" if outputs else "NULL"
        gaps = marks(event_ids)
        pairs = (
            f"SELECT event_id, id AS run_id FROM runs WHERE event_id IN ({gaps})"  # noqa: S608
            f" UNION SELECT event_id, run_id FROM batch_events WHERE event_id IN ({gaps})"
        )
        rows = await self._rows(
            f"SELECT {_run_columns(output)}, pairs.event_id FROM ({pairs}) AS pairs"  # noqa: S608
            f" JOIN runs ON runs.id = pairs.run_id {_RUN_JOINS} ORDER BY runs.rowid",
            [*event_ids, *event_ids],
        )
        found: dict[str, list[RunItem]] = {event_id: [] for event_id in event_ids}
        for row in rows:
            found[row[-1]].append(_run_item(row))
        return found

    async def events_of_run(self, run_id: str) -> list[StoredEvent]:
        """Return the events that started a run: one, or those of its batch, as they arrived."""
        return await self._store.read(lambda connection: _events_of_run(connection, run_id))

    async def memos(self, run_id: str, *, values: bool) -> dict[str, Memo]:
        """Return what a run's steps left, by hashed id, in the order in which they ended.

        Args:
            run_id: the run.
            values: whether to read their values; they are empty otherwise.
        """
        value = "value" if values else "x''"
        rows = await self._rows(
            f"SELECT step_id, name, op, {value} FROM memos WHERE run_id = ? ORDER BY position",  # noqa: S608
            [run_id],
        )
        return {row[0]: Memo(*row) for row in rows}

    async def run_counts(self) -> dict[RunStatus, int]:
        """Return how many runs there are of each status that any run has."""
        rows = await self._rows("SELECT status, count(*) FROM runs GROUP BY status", [])
        return {RunStatus(status): count for status, count in rows}

    async def jobs(self, run_id: str, limit: int) -> list[JobItem]:
        """Return what is in the queue for a run, the next first."""
        rows = await self._rows(
            "SELECT id, run_id, kind, step_id, name, due, attempt FROM jobs"
            " WHERE run_id = ? ORDER BY due, rowid LIMIT ?",
            [run_id, limit],
        )
        return [JobItem(row[0], row[1], JobKind(row[2]), *row[3:]) for row in rows]

    async def job_counts(self) -> dict[JobKind, int]:
        """Return how many jobs of each kind are in the queue, those that wait included."""
        rows = await self._rows("SELECT kind, count(*) FROM jobs GROUP BY kind", [])
        return {JobKind(kind): count for kind, count in rows}

    async def started_by(self, function_id: str, event_id: str) -> str | None:
        """Return the run that an event's own id started of a function, within 24 hours."""
        rows = await self._rows(
            "SELECT run_id FROM starts WHERE function_id = ? AND event_id = ?",
            [function_id, event_id],
        )
        return rows[0][0] if rows else None

    async def events(self, query: EventQuery) -> Page[StoredEvent]:
        """Return a page of events, newest first; its cursor is the last one's internal id."""
        where = events_where(query)
        rows = await self._rows(
            f"SELECT {_EVENT_COLUMNS} FROM events {where.sql}"  # noqa: S608
            " ORDER BY internal_id DESC LIMIT ?",
            [*where.values, query.limit + 1],
        )
        items = [StoredEvent(*row) for row in rows[: query.limit]]
        return Page(items, items[-1].internal_id if len(rows) > query.limit else None)

    async def event_names(self) -> list[str]:
        """Return the names of all events there are, sorted."""
        rows = await self._rows("SELECT DISTINCT name FROM events ORDER BY name", [])
        return [row[0] for row in rows]

    async def _rows(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        return await self._store.read(lambda connection: connection.execute(sql, values).fetchall())


_EVENT_COLUMNS = "internal_id, id, name, ts, received_at, body"
_EVENT_OF_RUN = "LEFT JOIN events AS e ON e.internal_id = runs.event_id"
_RUN_JOINS = f"{_EVENT_OF_RUN} LEFT JOIN reruns ON reruns.run_id = runs.id"


def _run_columns(output: str) -> str:
    return (
        "runs.id, runs.function_id, runs.event_id, runs.status, runs.queued_at, runs.started_at,"
        f" runs.ended_at, {output}, {BATCH_ID}, coalesce(e.name, ''),"
        f" CASE e.name WHEN '{TIMER}' THEN e.body END, reruns.original_run_id"
    )


def _run_item(row: tuple[Any, ...]) -> RunItem:
    run = RunRow(row[0], row[1], row[2], RunStatus(row[3]), *row[4:9])
    cron = loads(row[10])["data"].get("cron") if row[10] is not None else None
    return RunItem(run, row[9], cron, row[11])


def _known_runs(connection: sqlite3.Connection, run_ids: Sequence[str]) -> set[str]:
    """Ask for one after the other: a query has room for so many values only."""
    query = "SELECT id FROM runs WHERE id = ?"
    rows = (connection.execute(query, (run_id,)).fetchone() for run_id in run_ids)
    return {row[0] for row in rows if row is not None}


def _events_of_run(connection: sqlite3.Connection, run_id: str) -> list[StoredEvent]:
    _, batch = batch_events(connection, run_id)
    rows = connection.execute(
        f"SELECT {_EVENT_COLUMNS} FROM events"  # noqa: S608
        " WHERE internal_id = (SELECT event_id FROM runs WHERE id = ?)",
        (run_id,),
    )
    return batch or [StoredEvent(*row) for row in rows]
