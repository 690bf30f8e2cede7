"""A worker whose functions note in a file what they run; CHAOS_NOTES names it.

Each function is started by an event of its own name, with a number as `data.n`. Its steps and its
output carry the id of the request that brought them about.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import inngest_asgi as inngest
from inngest_asgi.wire.codec import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

client = inngest.Inngest("chaos", is_production=False)

LONG = 4.5
"""Seconds: more than a lease of the servers in these tests lasts."""


@dataclass(frozen=True, slots=True)
class Note:
    """A piece of user code that began: `step` is empty for the function itself."""

    pid: int
    request_id: str
    run_id: str
    step: str


def note(ctx: inngest.Context | inngest.ContextSync, step: str) -> str:
    """Write down that something runs, and return the id of the request."""
    assert ctx.request_id is not None
    line = dumps(asdict(Note(os.getpid(), ctx.request_id, ctx.run_id, step))) + b"\n"
    descriptor = os.open(os.environ["CHAOS_NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)
    return ctx.request_id


def notes_in(path: Path) -> Iterator[Note]:
    """Yield what was noted, in order."""
    for line in path.read_bytes().splitlines():
        yield Note(**loads(line))


def _trigger(name: str) -> inngest.TriggerEvent:
    return inngest.TriggerEvent(event=f"chaos/{name}")


@client.create_function(fn_id="quick", trigger=_trigger("quick"), retries=20)
async def quick(ctx: inngest.Context) -> str:
    for step in ("one", "two", "three"):
        await ctx.step.run(step, lambda step=step: note(ctx, step))
    return note(ctx, "")


@client.create_function(fn_id="slow", trigger=_trigger("slow"), retries=20)
async def slow(ctx: inngest.Context) -> str:
    async def body() -> str:
        request_id = note(ctx, "slow")
        await asyncio.sleep(1.5)
        return request_id

    await ctx.step.run("slow", body)
    return note(ctx, "")


@client.create_function(fn_id="long", trigger=_trigger("long"), retries=20)
async def long(ctx: inngest.Context) -> str:
    async def body() -> str:
        request_id = note(ctx, "long")
        await asyncio.sleep(LONG)
        return request_id

    await ctx.step.run("long", body)
    return note(ctx, "")


@client.create_function(fn_id="blocking", trigger=_trigger("blocking"), retries=20)
def blocking(ctx: inngest.ContextSync) -> str:
    def body() -> str:
        request_id = note(ctx, "blocking")
        time.sleep(1.2)
        return request_id

    ctx.step.run("blocking", body)
    return note(ctx, "")


@client.create_function(fn_id="stubborn", trigger=_trigger("stubborn"), retries=20)
async def stubborn(ctx: inngest.Context) -> str:
    """Block the loop, for longer than a worker may be silent."""

    async def body() -> str:
        request_id = note(ctx, "stubborn")
        time.sleep(2.0)  # noqa: ASYNC251 - that is the point
        return request_id

    await ctx.step.run("stubborn", body)
    return note(ctx, "")
