"""Forgets what is old, a little at a time, and gives its space back; what is old, others decide.

Each function is handed to `Store.tidy`, does so little that nobody notices, and says whether
there is more to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3

RUNS_AT_ONCE = 100
EVENTS_AT_ONCE = 500
PAGES_AT_ONCE = 256

_OF_RUNS = (
    *("memos", "history", "batch_events", "reruns", "metadata", "userland_spans", "defers"),
    "jobs",
)
_NEEDED = (
    "EXISTS (SELECT 1 FROM runs WHERE event_id = internal_id)"
    " OR EXISTS (SELECT 1 FROM batch_events AS b WHERE b.event_id = internal_id)"
    " OR EXISTS (SELECT 1 FROM window_events AS w WHERE w.event_id = internal_id)"
)


class Mark(NamedTuple):
    """How far one has come among the events: when the last one came, and its row."""

    received_at: float = -1.0
    row: int = 0


def forget_runs(connection: sqlite3.Connection, before: float) -> bool:
    """Forget runs that ended before a moment (Unix seconds), with all that is theirs alone.

    That an event started a function is not forgotten with the run: it must not do so again.

    Returns:
        Whether there may be more of them.
    """
    ended = connection.execute(
        "SELECT id FROM runs WHERE ended_at < ? ORDER BY ended_at LIMIT ?", (before, RUNS_AT_ONCE)
    ).fetchall()
    for table in _OF_RUNS:
        connection.executemany(f"DELETE FROM {table} WHERE run_id = ?", ended)  # noqa: S608
    connection.executemany("DELETE FROM runs WHERE id = ?", ended)
    return len(ended) == RUNS_AT_ONCE


def forget_events(connection: sqlite3.Connection, before: float, mark: Mark) -> Mark | None:
    """Forget events that came before a moment (Unix seconds) and that nothing needs any more.

    Args:
        connection: the store's.
        before: the moment.
        mark: what an earlier call returned, to go on there.

    Returns:
        How far it came; None when it has seen all of them.
    """
    seen = connection.execute(
        f"SELECT received_at, rowid, internal_id, {_NEEDED} FROM events"  # noqa: S608
        " WHERE received_at < ? AND (received_at, rowid) > (?, ?)"
        " ORDER BY received_at, rowid LIMIT ?",
        (before, *mark, EVENTS_AT_ONCE),
    ).fetchall()
    free = [(internal_id,) for _, _, internal_id, needed in seen if not needed]
    connection.executemany("DELETE FROM history WHERE event_id = ? AND run_id = ''", free)
    connection.executemany("DELETE FROM events WHERE internal_id = ?", free)
    return Mark(*seen[-1][:2]) if len(seen) == EVENTS_AT_ONCE else None


def forget_windows(connection: sqlite3.Connection, now: float, starts_before: float) -> None:
    """Forget what stands in the way of nothing any more: old starts, and rates that are clear."""
    connection.execute("DELETE FROM starts WHERE at < ?", (starts_before,))
    connection.execute("DELETE FROM rates WHERE clear_at <= ?", (now,))


def give_back(connection: sqlite3.Connection) -> bool:
    """Make the file smaller by pages that hold nothing; tell whether there are more of them."""
    connection.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()
    (left,) = connection.execute("PRAGMA freelist_count").fetchone()
    return bool(left)


def oldest(connection: sqlite3.Connection, since: float) -> float | None:
    """Return when the first run ended, or event came, at or after a moment; None for neither."""
    times = connection.execute(
        "SELECT min(ended_at) FROM runs WHERE ended_at >= ?"
        " UNION ALL SELECT min(received_at) FROM events WHERE received_at >= ?",
        (since, since),
    )
    return min((time for (time,) in times if time is not None), default=None)
