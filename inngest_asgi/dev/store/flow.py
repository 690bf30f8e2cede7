"""What flow control keeps between servers: rates, open windows, and the events of batches.

It decides nothing, and opens nothing: `Store` runs its SQL with everything else, and
`Store.read` calls its readers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.events import INVOKED
from inngest_asgi.dev.records import StoredEvent, Window, WindowKind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from inngest_asgi.dev.records import Changes, Run

    Statement = tuple[str, list[tuple[Any, ...]]]

BATCH_ID = "(SELECT batch_id FROM batch_events AS b WHERE b.run_id = runs.id AND b.position = 0)"
"""The batch of a row of `runs`, as a column; NULL when it has none."""

OF_EVENT = "(event_id = ? OR id IN (SELECT run_id FROM batch_events WHERE event_id = ?))"
"""What is true of a row of `runs` that an event, bound twice, started alone or in a batch."""


@dataclass(frozen=True, slots=True)
class KeptFlow:
    """What flow control needs in memory when a server starts.

    `asked` are the invocations that debounces hold, by the window's id: somebody waits for them.
    """

    rates: dict[str, float]
    windows: list[Window]
    asked: dict[str, StoredEvent]


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that has not ended, which may repeat another one.

    `body` is its event's JSON, where it was asked for.
    """

    id: str
    started: bool
    repeats: bool
    body: bytes | None


def flow_statements(changes: Changes) -> Iterable[Statement]:
    """Yield the SQL that saves what changes in flow control, with the rows for it."""
    yield "INSERT OR REPLACE INTO rates VALUES (?,?)", list(changes.rates.items())
    yield (
        "INSERT OR REPLACE INTO windows VALUES (?,?,?,?,?,?,?,?)",
        [_window_row(window) for window in changes.windows],
    )
    yield "INSERT OR REPLACE INTO window_events VALUES (?,?,?)", list(changes.window_events)
    gone: list[tuple[Any, ...]] = [(window_id,) for window_id in changes.gone_windows]
    yield "DELETE FROM windows WHERE id = ?", gone
    yield "DELETE FROM window_events WHERE window_id = ?", gone
    yield (
        "INSERT OR REPLACE INTO batch_events VALUES (?,?,?,?)",
        [row for run in changes.new_runs for row in _batch_rows(run)],
    )


def load_flow(connection: sqlite3.Connection, now: float) -> KeptFlow:
    """Return what is kept, but for rates that limit nothing any more: those are forgotten."""
    connection.execute("DELETE FROM rates WHERE clear_at <= ?", (now,))
    rates = connection.execute("SELECT name, clear_at FROM rates")
    windows = connection.execute("SELECT * FROM windows ORDER BY due, id")
    asked = connection.execute(
        "SELECT w.id, e.internal_id, e.id, e.name, e.ts, e.received_at, e.body"
        " FROM windows AS w JOIN window_events AS t ON t.window_id = w.id"
        " JOIN events AS e ON e.internal_id = t.event_id WHERE w.kind = ? AND e.name = ?",
        (WindowKind.DEBOUNCE, INVOKED),
    )
    return KeptFlow(
        rates=dict(rates.fetchall()),
        windows=[_window(row) for row in windows],
        asked={row[0]: StoredEvent(*row[1:]) for row in asked},
    )


def still_open(connection: sqlite3.Connection, window_ids: Iterable[str]) -> set[str]:
    """Return those of some windows that have not closed."""
    query = "SELECT id FROM windows WHERE id = ?"
    rows = [connection.execute(query, (window_id,)).fetchone() for window_id in window_ids]
    return {row[0] for row in rows if row is not None}


def window_events(connection: sqlite3.Connection, window_id: str) -> list[StoredEvent]:
    """Return the events of an open window, in the order they arrived."""
    return _events(connection, "window_events", "window_id", window_id)


def batch_events(
    connection: sqlite3.Connection, run_id: str
) -> tuple[str | None, list[StoredEvent]]:
    """Return the id of a run's batch and its events; None and nothing when it has none."""
    query = "SELECT batch_id FROM batch_events WHERE run_id = ? AND position = 0"
    row = connection.execute(query, (run_id,)).fetchone()
    if row is None:
        return None, []
    return row[0], _events(connection, "batch_events", "run_id", run_id)


def open_runs(connection: sqlite3.Connection, function_id: str, *, bodies: bool) -> list[OpenRun]:
    """Return the runs of a function that have not ended, oldest first.

    Args:
        function_id: a UUID.
        bodies: whether their events are needed.
    """
    body = "(SELECT body FROM events WHERE internal_id = event_id)" if bodies else "NULL"
    rows = connection.execute(
        "SELECT id, started_at IS NOT NULL,"  # noqa: S608
        f" EXISTS (SELECT 1 FROM reruns WHERE run_id = runs.id), {body} FROM runs"
        " WHERE status IN (0, 5) AND +function_id = ? ORDER BY rowid",
        (function_id,),
    )
    return [OpenRun(row[0], bool(row[1]), bool(row[2]), row[3]) for row in rows]


def _events(
    connection: sqlite3.Connection, table: str, column: str, value: str
) -> list[StoredEvent]:
    rows = connection.execute(
        "SELECT e.internal_id, e.id, e.name, e.ts, e.received_at, e.body"  # noqa: S608
        f" FROM {table} AS t JOIN events AS e ON e.internal_id = t.event_id"
        f" WHERE t.{column} = ? ORDER BY t.position",
        (value,),
    )
    return [StoredEvent(*row) for row in rows]


def _window_row(window: Window) -> tuple[Any, ...]:
    about = (window.id, window.function_id, window.kind, window.name)
    return (*about, window.opened_at, window.due, window.size, window.ts)


def _window(row: tuple[Any, ...]) -> Window:
    return Window(row[0], row[1], WindowKind(row[2]), *row[3:])


def _batch_rows(run: Run) -> list[tuple[Any, ...]]:
    return [
        (run.id, position, event.internal_id, run.batch_id)
        for position, event in enumerate(run.batch)
    ]
