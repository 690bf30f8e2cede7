"""Functions that run over a connection of the application's own: no open port, no time limit.

inngest-asgi dev
INNGEST_DEV=1 uvicorn examples.connect:app
inngest-asgi send videos/uploaded --data '{"name": "holiday"}'

Ctrl-C while a video is encoded: it is finished, and only then the process ends. Without HTTP:

INNGEST_DEV=1 inngest-asgi connect examples.connect:inngest_app --health-port 8080
"""

from __future__ import annotations

import time

from fastapi import FastAPI

import inngest_asgi as inngest

client = inngest.Inngest(app_id="videos")


@client.create_function(fn_id="publish", trigger=inngest.TriggerEvent(event="videos/uploaded"))
async def publish(ctx: inngest.Context) -> str:
    """Encode a video, which takes its time, and tell its owner."""
    name = str(ctx.event.data["name"])
    file = await ctx.step.run("encode", encode, name)
    return await ctx.step.run("tell", tell, file)


def encode(name: str) -> str:
    """Keep a thread busy for five seconds."""
    time.sleep(5)
    return f"{name}.webm"


async def tell(file: str) -> str:
    """Say that it is there."""
    return f"{file} is there"


inngest_app = inngest.serve(client, connect=True)
app = FastAPI()
inngest.attach(app, inngest_app)
