"""What tests of streams share: a connection that stays open, functions that wait for the test."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inngest_asgi.testing import ManualClock
from tests.routes.asking import NOW, ORDERED, app_of, body_of, call, dev_client, scope_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Message

    import inngest_asgi as inngest
    from tests.runtime.running import Colour

BODY = body_of(call())
QUERY = "fnId=shop-pay&stepId=step"


@dataclass
class Line:
    """A connection that stays open for as long as a test wants, on a clock moved by hand."""

    clock: ManualClock
    sent: list[Message] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False
    _asked: bool = False

    async def receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": BODY}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.broken:
            raise OSError("the client has gone")
        self.sent.append(message)

    async def after(self, seconds: float = 0.0) -> list[Message]:
        """Let time pass, and return what was sent since the last time."""
        self.clock.advance(seconds)
        await self.clock.settle()
        sent, self.sent = self.sent, []
        return sent


@asynccontextmanager
async def line(
    client: inngest.Inngest, **options: Any
) -> AsyncIterator[tuple[Line, asyncio.Task[None]]]:
    """Call the client's function "pay" over a line."""
    clock = ManualClock(NOW)
    app = app_of(client, **({"streaming": True, "clock": clock} | options))
    opened = Line(clock)
    task = asyncio.ensure_future(app(scope_of(query=QUERY), opened.receive, opened.send))
    try:
        yield opened, task
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=5)


@dataclass
class Gate:
    """Holds a function of either colour up until it is opened."""

    client: inngest.Inngest
    _open: threading.Event = field(default_factory=threading.Event)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self) -> None:
        self._open.set()
        self._opened.set()


def gated(colour: Colour) -> Gate:
    """Declare a function that returns "through" once its gate is open."""
    gate = Gate(dev_client())
    create = gate.client.create_function(fn_id="pay", trigger=ORDERED)
    if colour.name == "async":

        @create
        async def pay(ctx: inngest.Context) -> str:
            await gate._opened.wait()
            return "through"
    else:

        @create
        def pay_sync(ctx: inngest.ContextSync) -> str:
            assert gate._open.wait(5)
            return "through"

    return gate


@dataclass
class Diary:
    """What a function noted of its end."""

    client: inngest.Inngest
    said: list[str] = field(default_factory=list)


def patient() -> Diary:
    """Declare a function that sleeps for a minute of the clock and notes how that ended."""
    diary = Diary(dev_client())

    @diary.client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> None:
        diary.said.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            diary.said.append("cleaned up")

    return diary
