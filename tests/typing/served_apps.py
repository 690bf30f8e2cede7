"""Applications as users serve them: what must type-check, and what must not.

Nothing here runs. mypy reads it with the rest of the project; an ignored error that no longer
occurs is an error itself.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, assert_type

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

import inngest_asgi as inngest

if TYPE_CHECKING:
    from starlette.types import ASGIApp

client = inngest.Inngest("shop")


@client.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="shop/ordered"))
async def pay(ctx: inngest.Context) -> int:
    return 1


def served() -> ASGIApp:
    """Every option of serve; what it makes is an ASGI application to type checkers, too."""
    assert_type(inngest.serve(client), inngest.InngestApp)
    return inngest.serve(
        client,
        [pay],
        serve_origin="https://shop.example",
        serve_path="/api/inngest",
        max_body_bytes=1024,
        executor=ThreadPoolExecutor(),
        enable_unauthed_sync=False,
        public_path="/inngest",
        streaming=inngest.Streaming.FORCE,
        cancel_on_disconnect=True,
    )


async def hosted(app: inngest.InngestApp) -> None:
    """Every way into a host."""
    starlette = Starlette(routes=[Mount("/api/inngest", app=app)], lifespan=app.lifespan)
    fastapi = FastAPI(lifespan=app.lifespan)
    fastapi.mount("/api/inngest", app)
    inngest.attach(fastapi, app)
    inngest.attach(starlette, app, path="/durable")
    inngest.attach(starlette, app, "/durable")
    async with AsyncExitStack() as stack:
        assert_type(await stack.enter_async_context(app.lifespan()), None)


def refused(app: inngest.InngestApp) -> None:
    """What users may get wrong is an error before anything runs."""
    inngest.serve("shop")  # type: ignore[arg-type]
    inngest.serve(client, pay)  # type: ignore[arg-type]
    inngest.serve(client, [pay], None)  # type: ignore[call-arg]
    inngest.serve(client, streaming="force")  # type: ignore[arg-type]
    inngest.serve(client, stream=True)  # type: ignore[call-arg]
    inngest.serve(client, max_body_bytes="1MB")  # type: ignore[arg-type]
    inngest.attach(app, FastAPI())  # type: ignore[arg-type]
