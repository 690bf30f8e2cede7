"""Has a run cancelled because somebody asked a route to; whether that is allowed is the route's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.dev.cancels import cancel_job
from inngest_asgi.dev.records import Changes

if TYPE_CHECKING:
    from inngest_asgi.dev.web.served import Served


async def cancel(server: Served, run_id: str) -> None:
    """Save that a run is to be cancelled; one that has ended stays as it is."""
    job = cancel_job(run_id, server.clock.time(), "The run was cancelled by the API.")
    await server.commits.commit(Changes(jobs=[job]))
