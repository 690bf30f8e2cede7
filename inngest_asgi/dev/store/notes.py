"""What others note about runs: metadata, spans of user code, and cancellations of many runs.

None of it decides what a run does next, so it is saved apart from what runs change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.metadata import Note, Target
from inngest_asgi.wire.codec import dump_text, loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from inngest_asgi.dev.store.store import Store

_Rows = list[tuple[Any, ...]]


class Notes:
    """Reads and writes what is noted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def metadata(self, run_id: str) -> list[Note]:
        """Return all metadata of a run."""
        rows = await self._rows(
            "SELECT target, kind, fields FROM metadata WHERE run_id = ?", run_id
        )
        return [Note(Target(*loads(row[0])), row[1], loads(row[2])) for row in rows]

    async def put_metadata(self, run_id: str, notes: Iterable[Note]) -> None:
        """Keep metadata of a run, in place of what has the same target and kind."""
        rows: _Rows = [
            (run_id, _target_text(note.target), note.kind, dump_text(note.values)) for note in notes
        ]
        await self._put("INSERT OR REPLACE INTO metadata VALUES (?, ?, ?, ?)", rows)

    async def spans(self, run_id: str) -> list[dict[str, Any]]:
        """Return the spans that user code reported of a run."""
        rows = await self._rows("SELECT document FROM userland_spans WHERE run_id = ?", run_id)
        return [loads(row[0]) for row in rows]

    async def span_count(self, run_id: str) -> int:
        """Return how many spans user code reported of a run."""
        rows = await self._rows("SELECT count(*) FROM userland_spans WHERE run_id = ?", run_id)
        return int(rows[0][0])

    async def put_spans(self, spans: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
        """Keep spans, each with the id of its run and its own."""
        rows: _Rows = [(run_id, span_id, dump_text(one)) for run_id, span_id, one in spans]
        await self._put("INSERT OR REPLACE INTO userland_spans VALUES (?, ?, ?)", rows)

    async def cancellations(self) -> list[dict[str, Any]]:
        """Return all cancellations, oldest first."""
        rows = await self._rows("SELECT document FROM cancellations ORDER BY id")
        return [loads(row[0]) for row in rows]

    async def put_cancellation(self, cancellation: Mapping[str, Any]) -> None:
        """Keep a cancellation under its `id`."""
        rows: _Rows = [(cancellation["id"], dump_text(cancellation))]
        await self._put("INSERT OR REPLACE INTO cancellations VALUES (?, ?)", rows)

    async def drop_cancellation(self, cancellation_id: str) -> None:
        """Forget a cancellation."""
        await self._put("DELETE FROM cancellations WHERE id = ?", [(cancellation_id,)])

    async def _rows(self, sql: str, *values: str) -> _Rows:
        return await self._store.read(lambda connection: connection.execute(sql, values).fetchall())

    async def _put(self, sql: str, rows: _Rows) -> None:
        await self._store.write(sql, rows)


def _target_text(target: Target) -> str:
    return dump_text([target.step_id, target.attempt, target.span_id])
