"""An application whose functions run over connect, for the command line to run."""

from __future__ import annotations

import asyncio
import signal

import inngest_asgi as inngest

client = inngest.Inngest("linked")
ran: list[str] = []
"""The step bodies that ran to their end."""


@client.create_function(fn_id="work", trigger=inngest.TriggerEvent(event="begun"))
async def work(ctx: inngest.Context) -> str:
    """Stop the program in the midst of a step, which goes on for a moment."""

    async def body() -> str:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(0.05)
        ran.append("body")
        return "done"

    return await ctx.step.run("body", body)


app = inngest.serve(client, connect=True)
