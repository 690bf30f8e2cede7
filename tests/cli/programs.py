"""Applications for the command line to run, and an output that ends it at the right moment."""

from __future__ import annotations

import asyncio
import io
import signal
from typing import TYPE_CHECKING

from fastapi import FastAPI

import inngest_asgi as inngest

if TYPE_CHECKING:
    from collections.abc import Callable

client = inngest.Inngest("tried")
ran: list[str] = []
"""The step bodies that ran, in order."""


def on(name: str) -> inngest.TriggerEvent:
    return inngest.TriggerEvent(event=name)


@client.create_function(fn_id="greet", trigger=[on("greeted"), on("both")])
async def greet(ctx: inngest.Context) -> str:
    name = ctx.event.data.get("name", "world")
    return await ctx.step.run("say hello", lambda: f"hello {name}")


@client.create_function(fn_id="wave", trigger=on("both"))
def wave(ctx: inngest.ContextSync) -> str:
    return ctx.step.run("wave", lambda: "waved")


async def after_a_failure(ctx: inngest.Context) -> str:
    return await ctx.step.run("clean up", lambda: "cleaned up")


@client.create_function(fn_id="fail", trigger=on("failed"), on_failure=after_a_failure)
async def fail(ctx: inngest.Context) -> None:
    def charge() -> None:
        raise inngest.NonRetriableError("the card was refused", quiet=True)

    await ctx.step.run("charge", charge)


@client.create_function(fn_id="interrupt", retries=0, trigger=on("interrupted"))
async def interrupt(ctx: inngest.Context) -> str:
    """Stop the program in the middle of the second step, the first time it runs."""

    async def second() -> str:
        ran.append("second")
        if ran.count("second") == 1:
            signal.raise_signal(ctx.event.data["signal"])
            await asyncio.get_running_loop().create_future()
        return "done"

    await ctx.step.run("first", ran.append, "first")
    return await ctx.step.run("second", second)


sparing = inngest.Inngest("sparing")


@sparing.create_function(fn_id="pay", trigger=on("paid"), idempotency="event.data.cart")
async def pay(ctx: inngest.Context) -> str:
    return "paid"


app = inngest.serve(client)
once_a_day = inngest.serve(sparing)
host = FastAPI()
inngest.attach(host, app, "/jobs")
stranger = FastAPI()


class Interrupting(io.StringIO):
    """An output that presses Ctrl-C once it holds two texts."""

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self._texts = texts

    def write(self, text: str) -> int:
        done = super().write(text)
        if self._texts and all(one in self.getvalue() for one in self._texts):
            self._texts = ()
            signal.raise_signal(signal.SIGINT)
        return done


class Acting(io.StringIO):
    """An output that does something each time the next of some texts was written."""

    def __init__(self, *acts: tuple[str, Callable[[], object]]) -> None:
        super().__init__()
        self._acts = list(acts)
        self._seen = 0

    def write(self, text: str) -> int:
        done = super().write(text)
        if self._acts and self._acts[0][0] in self.getvalue()[self._seen :]:
            self._seen = len(self.getvalue())
            self._acts.pop(0)[1]()
        return done
