"""What the tests of the runtime share: one call from a document to a reply, in either colour."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inngest_asgi.runtime.execute import Runtime
from inngest_asgi.runtime.threads import Threads
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads
from tests.routes.asking import NOW, ORDERED, body_of, call, dev_client

if TYPE_CHECKING:
    from collections.abc import Callable

    import inngest_asgi as inngest
    from inngest_asgi.clock import Clock
    from inngest_asgi.wire.replies import Reply

FIRST = "98bf98df193bcce7c33e6bc50927cf2ac21206cb"  # SHA-1 of "first step", from steps.md 1
SECOND = "764e20ec975d4ef820d0f42e6a5833384bd7ee36"  # of "second step"

RUN_OP = {
    "op": "StepRun",
    "id": FIRST,
    "name": "first step",
    "displayName": "first step",
    "userland": {"id": "first step", "index": 0},
    "data": "one",
    "timing": {"a": NOW * 10**9, "b": 0},
}


def runtime(client: inngest.Inngest, *, clock: Clock | None = None, size: int = 4) -> Runtime:
    threads = Threads(None, lambda: size)
    return Runtime(client, client.index, threads=threads, clock=clock or ManualClock(NOW))


async def run(client: inngest.Inngest, document: Any = None, step_id: str = "step") -> Reply:
    """Run one call of the client's function "pay"."""
    body = body_of(call() if document is None else document)
    return await runtime(client).execute(body, "shop-pay", step_id)


def ran(client: inngest.Inngest, document: Any = None, step_id: str = "step") -> Reply:
    return asyncio.run(run(client, document, step_id))


def document_of(reply: Reply) -> Any:
    return loads(reply.body)


@dataclass(frozen=True)
class Colour:
    """Declares a function whose code is the same in both colours."""

    name: str

    def declare(
        self, code: Callable[[Any], Any], client: inngest.Inngest | None = None, **options: Any
    ) -> inngest.Inngest:
        client = client or dev_client()
        given: dict[str, Any] = {"fn_id": "pay", "trigger": ORDERED} | options
        client.create_function(**given)(self.handler(code))
        return client

    def handler(self, code: Callable[[Any], Any]) -> Any:
        async def in_async(ctx: inngest.Context) -> Any:
            return code(ctx)

        def in_blocking(ctx: inngest.ContextSync) -> Any:
            return code(ctx)

        return in_async if self.name == "async" else in_blocking

    def declare_step(
        self, body: Callable[[], Any], client: inngest.Inngest | None = None
    ) -> inngest.Inngest:
        """Declare a function with one step, "first step"."""
        client = client or dev_client()
        create = client.create_function(fn_id="pay", trigger=ORDERED)
        if self.name == "async":

            @create
            async def pay(ctx: inngest.Context) -> Any:
                return await ctx.step.run("first step", body)
        else:

            @create
            def pay_sync(ctx: inngest.ContextSync) -> Any:
                return ctx.step.run("first step", body)

        return client


COLOURS = [Colour("async"), Colour("blocking")]
