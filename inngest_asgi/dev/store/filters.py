"""Which runs and events one may ask for, and the conditions in SQL that say so; it asks nothing.

Conditions are put together from text of this file; what comes from outside is bound to them.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.events import DEFERRED
from inngest_asgi.dev.store.flow import OF_EVENT
from inngest_asgi.errors import CodecError
from inngest_asgi.wire.codec import dumps, loads
from inngest_asgi.wire.names import INTERNAL_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from inngest_asgi.dev.records import RunStatus

_LONGEST_TEXT = 1_000
_AFTER_ALL_IDS = "~"
"""Sorts behind every character of an id."""


class TimeField(StrEnum):
    """The time of a run that a list is ordered and limited by."""

    QUEUED = "queued_at"
    STARTED = "started_at"
    ENDED = "ended_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Which runs to list.

    Args:
        statuses: only these; empty: all.
        function_ids: only runs of these functions (UUIDs); None: all.
        app_ids: only runs of these apps (UUIDs); None: all.
        event_id: only runs of the event with this internal id.
        time: orders the list. A run that has no such time yet is not in it, unless it is `QUEUED`.
        since: only runs whose `time` is at or after this, in Unix seconds.
        until: only runs whose `time` is before this.
        text: only runs whose id or event id begins with it, or whose function or event name
            contains it.
        deferred: only runs that were, or were not, scheduled by another run.
        newest_first: the order.
        cursor: where the last page ended.
        limit: how many at most.
        outputs: whether to read what the runs returned.
    """

    statuses: tuple[RunStatus, ...] = ()
    function_ids: tuple[str, ...] | None = None
    app_ids: tuple[str, ...] | None = None
    event_id: str | None = None
    time: TimeField = TimeField.QUEUED
    since: float | None = None
    until: float | None = None
    text: str = ""
    deferred: bool | None = None
    newest_first: bool = True
    cursor: str | None = None
    limit: int = 20
    outputs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Which events to list, newest first.

    Args:
        name: only events of this name.
        since: only events received after this, in Unix seconds.
        until: only events received before this.
        text: only events whose internal id begins with it, whose own id it is, or whose name
            contains it.
        internal: whether to list those that servers send by themselves.
        cursor: only events older than the one with this internal id.
        limit: how many at most.
    """

    name: str | None = None
    since: float | None = None
    until: float | None = None
    text: str = ""
    internal: bool = True
    cursor: str | None = None
    limit: int = 20


class Where:
    """Conditions that all must hold."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[Any] = []

    @property
    def sql(self) -> str:
        """The conditions as a clause, empty when there are none; `values` fill its gaps."""
        return f"WHERE {' AND '.join(self._conditions)}" if self._conditions else ""

    def add(self, condition: str, *values: Any) -> None:
        """Add a condition with as many gaps as there are values."""
        self._conditions.append(condition)
        self.values += values

    def add_if(self, condition: str, value: Any) -> None:
        """Add a condition with one gap, unless there is no value for it."""
        if value is not None:
            self.add(condition, value)

    def add_any_of(self, condition: str, values: Iterable[Any]) -> None:
        """Add a condition with one gap, for as many marks as there are values."""
        values = list(values)
        self.add(condition.format(marks(values)), *values)


def runs_where(query: RunQuery) -> Where:
    """Return what is true of the rows of `runs` that a query lists.

    Raises:
        ValueError: its cursor is none of ours.
    """
    where, time = Where(), query.time.value
    if query.time is not TimeField.QUEUED:
        where.add(f"{time} IS NOT NULL")
    if query.statuses:
        where.add_any_of("status IN ({})", [int(status) for status in query.statuses])
    if query.function_ids is not None:
        where.add_any_of("function_id IN ({})", query.function_ids)
    if query.app_ids is not None:
        functions = "function_id IN (SELECT id FROM functions WHERE app_id IN ({}))"
        where.add_any_of(functions, query.app_ids)
    if query.event_id is not None:
        where.add(OF_EVENT, query.event_id, query.event_id)
    where.add_if(f"{time} >= ?", query.since)
    where.add_if(f"{time} < ?", query.until)
    if query.text:
        _add_run_text(where, query.text)
    if query.deferred is not None:
        negated = "" if query.deferred else "NOT "
        deferred = "(SELECT internal_id FROM events WHERE name = ?)"
        where.add(f"event_id {negated}IN {deferred}", DEFERRED)
    if query.cursor is not None:
        sign = "<" if query.newest_first else ">"
        where.add(f"({time}, id) {sign} (?, ?)", *_read_cursor(query.cursor))
    return where


def _add_run_text(where: Where, text: str) -> None:
    like, prefix = _contains(text), text.upper()
    ids = (prefix, prefix + _AFTER_ALL_IDS)
    where.add(
        "(id BETWEEN ? AND ? OR event_id BETWEEN ? AND ?"
        " OR function_id IN (SELECT id FROM functions"
        r"  WHERE slug LIKE ? ESCAPE '\' OR name LIKE ? ESCAPE '\')"
        " OR event_id IN (SELECT internal_id FROM events WHERE id = ?"
        r"  UNION ALL SELECT internal_id FROM events WHERE name LIKE ? ESCAPE '\'))",
        *(*ids, *ids, like, like, text, like),
    )


def events_where(query: EventQuery) -> Where:
    """Return what is true of the rows of `events` that a query lists."""
    where = Where()
    where.add_if("name = ?", query.name)
    where.add_if("received_at > ?", query.since)
    where.add_if("received_at < ?", query.until)
    where.add_if("internal_id < ?", query.cursor)
    if not query.internal:
        where.add("name NOT BETWEEN ? AND ?", INTERNAL_PREFIX, INTERNAL_PREFIX + _AFTER_ALL_IDS)
    if query.text:
        prefix = query.text.upper()
        where.add(
            r"(internal_id BETWEEN ? AND ? OR id = ? OR name LIKE ? ESCAPE '\')",
            *(prefix, prefix + _AFTER_ALL_IDS, query.text, _contains(query.text)),
        )
    return where


def _contains(text: str) -> str:
    r"""Return the pattern for LIKE ... ESCAPE '\' that finds a text anywhere.

    SQLite gives up on patterns that are very long; nothing that is looked for is.
    """
    text = text[:_LONGEST_TEXT]
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"


def cursor_of(time: float, run_id: str) -> str:
    """Return what leads to the rows behind a run, in a list ordered by a time."""
    return base64.urlsafe_b64encode(dumps([time, run_id])).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[float, str]:
    try:
        time, run_id = loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, CodecError):
        raise ValueError("the cursor is not one that a list of runs gave") from None
    if not isinstance(time, float) or not isinstance(run_id, str):
        raise ValueError("the cursor is not one that a list of runs gave")
    return time, run_id


def marks(values: Sequence[Any]) -> str:
    """Return as many gaps as there are values, for `IN (...)`."""
    return ",".join("?" * len(values))
