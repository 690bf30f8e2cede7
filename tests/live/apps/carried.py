"""Functions that note each run of a step body in the file STEPS, to be counted across processes."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import inngest_asgi as inngest

STEPS = Path(os.environ["STEPS"])

client = inngest.Inngest("carried")


def note(name: str) -> int:
    """Add a line, say so, and return how many of the kind there are."""
    with STEPS.open("a", encoding="utf-8") as lines:
        lines.write(f"{name}\n")
    print(f"{name} began", flush=True)  # noqa: T201 - the tests read it
    return STEPS.read_text(encoding="utf-8").splitlines().count(name)


@client.create_function(fn_id="sleep", trigger=inngest.TriggerEvent(event="sleep"))
async def sleep(ctx: inngest.Context) -> str:
    await ctx.step.run("first", note, "first")
    await asyncio.gather(ctx.step.run("left", note, "left"), ctx.step.run("right", note, "right"))
    await ctx.step.sleep("rest", "2s")
    await ctx.step.run("last", note, "last")
    return "rested"


@client.create_function(fn_id="work", trigger=inngest.TriggerEvent(event="work"))
async def work(ctx: inngest.Context) -> str:
    await ctx.step.run("first", note, "first")
    await ctx.step.run("long", long)
    return "worked"


async def long() -> None:
    """Take very long, but the first time only."""
    if note("long") == 1:
        await asyncio.sleep(60)


@client.create_function(fn_id="block", trigger=inngest.TriggerEvent(event="block"))
def block(ctx: inngest.ContextSync) -> None:
    def body() -> None:
        note("block")
        time.sleep(60)

    ctx.step.run("block", body)


@client.create_function(fn_id="thread", trigger=inngest.TriggerEvent(event="thread"))
async def thread(ctx: inngest.Context) -> None:
    async def body() -> None:
        note("thread")
        await asyncio.to_thread(time.sleep, 60)

    await ctx.step.run("thread", body)


@client.create_function(fn_id="fail", trigger=inngest.TriggerEvent(event="fail"), retries=0)
async def fail(ctx: inngest.Context) -> None:
    def charge() -> None:
        raise ValueError("the card was refused")

    await ctx.step.run("charge", charge)


app = inngest.serve(client)
