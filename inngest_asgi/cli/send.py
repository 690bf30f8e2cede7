"""`inngest-asgi send`: one event to a running server."""

from __future__ import annotations

from typing import Any

from inngest_asgi.client.inngest import Inngest
from inngest_asgi.settings import checked_origin
from inngest_asgi.wire.events import Event


async def send(
    name: str, data: dict[str, Any], event_id: str | None, *, url: str | None, event_key: str | None
) -> str:
    """Send an event and return its internal id; for `url` see `asking.Server`.

    Raises:
        SendEventsError: the server did not take it.
        ConfigError: the name is reserved, or the URL is none.
    """
    origin = None if url is None else checked_origin(url, "--url")
    client = Inngest(
        "inngest-asgi", is_production=False, event_api_base_url=origin, event_key=event_key
    )
    async with client:
        ids = await client.send(Event(name=name, data=data, id=event_id))
    return ids[0]
