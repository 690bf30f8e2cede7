"""Applications with a connect worker, under hosts of each kind, to be run in processes."""

from __future__ import annotations

import asyncio
import time

from fastapi import FastAPI

import inngest_asgi as inngest

client = inngest.Inngest("shop", is_production=False)
ORDERED = inngest.TriggerEvent(event="shop/ordered")


@client.create_function(fn_id="slow", trigger=ORDERED)
async def slow(ctx: inngest.Context) -> str:
    await asyncio.sleep(0.7)
    return "slow"


@client.create_function(fn_id="blocking", trigger=ORDERED)
def blocking(ctx: inngest.ContextSync) -> str:
    time.sleep(0.7)
    return "blocking"


inngest_app = inngest.serve(client, connect=True)

attached_app = FastAPI()
inngest.attach(attached_app, inngest.serve(client, connect=True))

lifespan_app = FastAPI(lifespan=inngest_app.lifespan)
lifespan_app.mount("/api/inngest", inngest_app)

forgotten_app = FastAPI()
forgotten_app.mount("/api/inngest", inngest_app)
