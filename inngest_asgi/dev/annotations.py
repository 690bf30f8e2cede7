"""Attaches metadata to runs while others do so, too; what it may be is decided in `metadata`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inngest_asgi.dev.metadata import updated
from inngest_asgi.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inngest_asgi.dev.metadata import Note, Target, Update
    from inngest_asgi.dev.store.notes import Notes
    from inngest_asgi.dev.store.queries import Queries


class Annotations:
    """Adds to the metadata of runs, one request at a time."""

    def __init__(self, queries: Queries, notes: Notes) -> None:
        self._queries = queries
        self._notes = notes
        self._lock = asyncio.Lock()

    async def add(self, run_id: str, changes: Iterable[tuple[Target, list[Update]]]) -> None:
        """Attach metadata to a run: all of it, or none.

        Raises:
            RequestError: there is no such run (404), or it would have too much (413).
            DevServerError: it could not be saved.
        """
        async with self._lock:
            if not await self._queries.known_runs([run_id]):
                raise RequestError(f"There is no run {run_id}.", code="not_found", status=404)
            known = {(one.target, one.kind): one for one in await self._notes.metadata(run_id)}
            fresh: dict[tuple[Target, str], Note] = {}
            for target, updates in changes:
                for note in updated(known.values(), target, updates):
                    known[target, note.kind] = fresh[target, note.kind] = note
            await self._notes.put_metadata(run_id, fresh.values())
