"""Events that the server sends by itself (server-api.md 6): their names, and the shape of all."""

from __future__ import annotations

from typing import Any

from inngest_asgi.dev.records import StoredEvent
from inngest_asgi.wire.codec import dumps

FINISHED = "inngest/function.finished"
FAILED = "inngest/function.failed"
CANCELLED = "inngest/function.cancelled"
INVOKED = "inngest/function.invoked"
TIMER = "inngest/scheduled.timer"
DEFERRED = "inngest/deferred.schedule"


def server_event(
    name: str,
    data: dict[str, Any],
    *,
    internal_id: str,
    now: float,
    event_id: str | None = None,
    ts: int | None = None,
    **more: Any,
) -> StoredEvent:
    """Return an event, as the server keeps it.

    Args:
        name: one of those above.
        data: what it tells.
        internal_id: a new ULID.
        now: Unix seconds.
        event_id: its own id; the internal one by default.
        ts: Unix milliseconds; now by default.
        more: other fields of an event.

    Raises:
        CodecError: it cannot be written as JSON.
    """
    event_id = event_id or internal_id
    ts = ts or int(now * 1000)
    body = {"name": name, "data": data, "user": {}, "id": event_id, "ts": ts, **more}
    return StoredEvent(internal_id, event_id, name, ts, now, dumps(body))
