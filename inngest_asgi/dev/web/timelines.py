"""Gathers what a run's timeline is made of, for whoever shows it; it knows no shapes of replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.dev.metadata import attach
from inngest_asgi.dev.trace import trace
from inngest_asgi.dev.userland import attach_spans

if TYPE_CHECKING:
    from inngest_asgi.dev.records import RunRow
    from inngest_asgi.dev.spans import Span
    from inngest_asgi.dev.web.served import Served


async def timeline(server: Served, run: RunRow, *, outputs: bool) -> Span:
    """Return the timeline of a run, with all that was noted about it.

    Args:
        server: who knows.
        run: the run.
        outputs: whether to read what its steps left, which may be much.
    """
    name = server.registry.function(run.function_id).name
    memos = await server.queries.memos(run.id, values=outputs)
    root = trace(run, name, await server.store.history(run.id), memos)
    attach_spans(root, await server.notes.spans(run.id))
    attach(root, await server.notes.metadata(run.id))
    return root
