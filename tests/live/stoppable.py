"""Applications that are run in a process of their own and told to stop in the middle of work."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

import inngest_asgi as inngest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

client = inngest.Inngest("shop", is_production=False)
ORDERED = inngest.TriggerEvent(event="shop/ordered")


@client.create_function(fn_id="async", trigger=ORDERED)
async def slow(ctx: inngest.Context) -> str:
    await asyncio.sleep(1)
    return "done"


@client.create_function(fn_id="blocking", trigger=ORDERED)
def slow_sync(ctx: inngest.ContextSync) -> str:
    time.sleep(1)
    return "done"


@client.create_function(fn_id="sender", trigger=ORDERED)
def sender(ctx: inngest.ContextSync) -> str:
    """Make use of everything that runs in the background: the pool, the portal, connections."""
    try:
        client.send_sync(inngest.Event(name="shop/paid"))
    except inngest.SendEventsError:
        return "nobody listens"
    return "sent"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield


inngest_app = inngest.serve(client)
fastapi_app = FastAPI(lifespan=lifespan)
inngest.attach(fastapi_app, inngest_app)
