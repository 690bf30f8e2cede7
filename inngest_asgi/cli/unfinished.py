"""Finds the runs that a server left unfinished, before the next one goes on with them."""

from __future__ import annotations

from inngest_asgi.dev.options import MEMORY
from inngest_asgi.dev.store import Store


async def unfinished_runs(db: str) -> list[str]:
    """Return the ids of the runs that a server on this file goes on with, soonest first.

    Raises:
        DevServerError: the file cannot be used; the message says why.
    """
    if db == MEMORY:
        return []
    store = await Store.open(db)
    try:
        kept = await store.load(forget_starts_before=0)
    finally:
        await store.close()
    return list(dict.fromkeys(job.run_id for job in kept.jobs))
