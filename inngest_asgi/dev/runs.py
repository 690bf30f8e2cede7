"""The runs that something is happening to, kept in memory as long as it does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inngest_asgi.dev.jobs import Jobs
    from inngest_asgi.dev.records import Run
    from inngest_asgi.dev.store.store import Store


class Runs:
    """Gives out one and the same `Run` object to all who work on a run at a time."""

    def __init__(self, store: Store, jobs: Jobs) -> None:
        self._store = store
        self._jobs = jobs
        self._held: dict[str, Run] = {}
        self._loading: dict[str, asyncio.Task[Run | None]] = {}

    def hold(self, run: Run) -> None:
        """Keep a run that was just made, so that it need not be read back."""
        run.jobs = self._jobs.of_run(run.id)
        self._held[run.id] = run

    async def get(self, run_id: str) -> Run | None:
        """Return a run, from memory or from the store; None when there is none of that id."""
        run = self._held.get(run_id)
        if run is not None:
            return run
        if run_id not in self._loading:
            self._loading[run_id] = asyncio.ensure_future(self._load(run_id))
        return await asyncio.shield(self._loading[run_id])

    def release(self, run_id: str) -> None:
        """Forget a run, unless something of it is in progress or due."""
        if not self._jobs.is_active(run_id):
            self._held.pop(run_id, None)
            self._jobs.forget(run_id)

    async def _load(self, run_id: str) -> Run | None:
        try:
            run = await self._store.run(run_id)
        finally:
            del self._loading[run_id]
        if run is not None:
            self.hold(run)
        return run
