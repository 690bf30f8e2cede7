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
    steps, events = await asyncio.gather(api.fetch_steps(call.run_id), api.fetch_batch(call.run_id))
    return replace(
        call, steps=steps, events=events or call.events, order=finished_order(call.order, steps)
    )
