"""State that is too large for a call: fetched from the API instead (http.md 11.2, use_api)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from inngest_asgi.wire.calls import Call, finished_order

if TYPE_CHECKING:
    from inngest_asgi.client.api import Api


async def with_state(call: Call, api: Api) -> Call:
    """Return the call with its memos and events, both fetched at once.

    Raises:
        ApiError: they could not be fetched; the server will try the call again.
    """
    steps = asyncio.ensure_future(api.fetch_steps(call.run_id))
    events = asyncio.ensure_future(api.fetch_batch(call.run_id))
    try:
        found, batch = await asyncio.gather(steps, events)
    finally:
        steps.cancel()  # when one has failed, the other would be tried again for nothing
        events.cancel()
    return replace(
        call, steps=found, events=batch or call.events, order=finished_order(call.order, found)
    )
