"""The events a server sends by itself when a run has ended (server-api.md 6); saves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.records import RunStatus, StoredEvent
from inngest_asgi.wire.codec import Fragment, dumps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inngest_asgi.dev.records import Run

FINISHED = "inngest/function.finished"
FAILED = "inngest/function.failed"


def ending_events(
    run: Run, slug: str, finished_id: str, failed_id: str, now: float
) -> Iterator[StoredEvent]:
    """Yield the events of a run that ended: finished, and failed when it did.

    Args:
        run: the run, ended.
        slug: the function's id as SDKs know it.
        finished_id: internal id for the first event.
        failed_id: internal id for the second, whose id as an event is that of the run.
        now: Unix seconds.
    """
    failed = run.status is RunStatus.FAILED
    event = Fragment(run.event.body)
    data = {
        "function_id": slug,
        "run_id": run.id,
        "event": event,
        "events": [event],
        ("error" if failed else "result"): Fragment(run.output or b"null"),
        "_inngest": {"status": run.status.label},
    }
    yield _stored(FINISHED, finished_id, finished_id, data, now)
    if failed:
        yield _stored(FAILED, failed_id, run.id, data, now)


def _stored(
    name: str, internal_id: str, event_id: str, data: dict[str, Any], now: float
) -> StoredEvent:
    ts = int(now * 1000)
    body = dumps({"name": name, "data": data, "user": {}, "id": event_id, "ts": ts})
    return StoredEvent(internal_id, event_id, name, ts, now, body)
