"""The one way anything happens: it is saved, and only then does anybody hear of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inngest_asgi.dev.jobs import Jobs
    from inngest_asgi.dev.pauses import Pauses
    from inngest_asgi.dev.records import Changes, Job
    from inngest_asgi.dev.store.store import Store
    from inngest_asgi.dev.watch import Feed


class Commits:
    """Saves changes, then lets the queue and the watchers know of them."""

    def __init__(self, store: Store, jobs: Jobs, feed: Feed, pauses: Pauses) -> None:
        self._store = store
        self._jobs = jobs
        self._feed = feed
        self._pauses = pauses

    async def commit(self, changes: Changes, done: Job | None = None) -> None:
        """Save `changes`; when that is done, release `done` and make new jobs available.

        A caller that is cancelled does not keep what was handed in from being saved, nor saved
        jobs from being done.

        Raises:
            DevServerError: nothing was saved, and nothing can be any more.
        """
        saving = self._save(changes)
        saving.add_done_callback(lambda _: self._saved(saving, changes, done))
        await asyncio.shield(saving)

    def note(self, changes: Changes) -> None:
        """Save what nothing depends on, without waiting for it."""
        self._save(changes)
        self._jobs.put(changes.jobs)
        self._feed.saved(changes)

    def _save(self, changes: Changes) -> asyncio.Future[None]:
        """Hand changes to the store: from now on, what happens may match their pauses."""
        saving = self._store.save(changes)
        self._pauses.drop(changes.gone_jobs)
        self._jobs.gone(changes.gone_jobs)
        self._pauses.add(changes.jobs)
        return saving

    def _saved(self, saving: asyncio.Future[None], changes: Changes, done: Job | None) -> None:
        if saving.exception() is not None:
            return
        if done is not None:
            self._jobs.release(done)
        self._jobs.put(changes.jobs)
        self._feed.saved(changes)
