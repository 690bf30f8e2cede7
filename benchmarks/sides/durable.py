"""The app that the embedded server calls: `uvicorn benchmarks.sides.durable:app`, in dev mode."""

from __future__ import annotations

from typing import Any

import inngest_asgi as inngest
from benchmarks.embedded import STEPS

client = inngest.Inngest(app_id="bench", is_production=False)


@client.create_function(fn_id="one-step", trigger=inngest.TriggerEvent(event="bench/one"))
async def one_step(ctx: inngest.Context) -> Any:
    """Run one step and return what it returned."""
    return await ctx.step.run("only", _work)


@client.create_function(fn_id="many-steps", trigger=inngest.TriggerEvent(event="bench/many"))
async def many_steps(ctx: inngest.Context) -> Any:
    """Run one step after the other."""
    for n in range(STEPS):
        await ctx.step.run(f"step-{n}", _work)
    return {"steps": STEPS}


async def _work() -> Any:
    return {"ok": True}


app = inngest.serve(client)
