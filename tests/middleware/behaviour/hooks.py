"""What the tests of middleware share: programs of either colour, and calls of them one by one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inngest_asgi.engine.ids import hash_id
from inngest_asgi.middleware.base import Middleware
from inngest_asgi.middleware.crossing import complete
from tests.routes.asking import ORDERED, body_of, call, dev_client
from tests.runtime.running import document_of, runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    import inngest_asgi as inngest
    from inngest_asgi.wire.replies import Reply

    Program = Callable[[Any], Coroutine[Any, Any, Any]]

COLOURS = ("async", "blocking")
DONE = {"data": "done"}
FAILED = {"error": {"name": "ValueError", "message": "no"}}


@dataclass
class Served:
    """A client with one function "pay", which is called as a server would call it."""

    client: inngest.Inngest

    def call(
        self,
        memos: Mapping[str, Any] | None = None,
        *,
        target: str | None = None,
        data: Any = None,
        **ctx: Any,
    ) -> Reply:
        """Call it with memos by the users' ids, in the order they ended, and data of its event."""
        steps = {hash_id(id): memo for id, memo in (memos or {}).items()}
        document = call(steps, stack=list(steps), **ctx)
        if data is not None:
            for event in (document["event"], *document["events"]):
                event["data"] = data
        body = body_of(document)
        step_id = "step" if target is None else hash_id(target)

        async def answered() -> Reply:
            running = runtime(self.client)
            return await running.execute(body, "shop-pay", step_id, lambda: "the request")

        return asyncio.run(answered())


def served(
    program: Program,
    colour: str = "async",
    *,
    middleware: Sequence[Any] = (),
    inner: Sequence[Any] = (),
    client: inngest.Inngest | None = None,
    **options: Any,
) -> Served:
    """Declare a program as a function of a colour.

    Args:
        program: async code that awaits steps; in blocking functions they are done at once.
        colour: "async" or "blocking".
        middleware: that of the client.
        inner: that of the function.
        client: the client, if it is not to be made here.
        **options: of the function.
    """
    client = client or dev_client(middleware=list(middleware))
    given: dict[str, Any] = {"fn_id": "pay", "trigger": ORDERED, "middleware": list(inner)}
    client.create_function(**(given | options))(handler_of(program, colour))
    return Served(client)


def handler_of(program: Program, colour: str) -> Any:
    """Return a program as the handler of a colour."""

    async def in_async(ctx: inngest.Context) -> Any:
        return await program(ctx)

    def in_blocking(ctx: inngest.ContextSync) -> Any:
        return complete(program(_Awaited(ctx, "step", "group")))

    return in_async if colour == "async" else in_blocking


class _Awaited:
    """Blocking tools under the names of the async ones: awaited, but done before that."""

    def __init__(self, tools: Any, *nested: str) -> None:
        self.tools = tools
        self.nested = nested

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.tools, name)
        if name in self.nested:
            return _Awaited(value)
        if not callable(value) or self.nested:
            return value

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            if name == "parallel":
                args = ([lambda one=one: complete(one()) for one in args[0]],)
            return value(*args, **kwargs)

        return awaited


def ops(reply: Reply) -> list[str]:
    """Return the ops of a reply in short: "StepRun a"."""
    assert reply.status == 206, reply.body
    return [f"{op['op']} {op['name']}" for op in document_of(reply)]


def overriding(**hooks: Any) -> type[Middleware]:
    """Return middleware with these hooks; each takes what the hook takes, without `self`."""
    return type(
        "Overriding", (Middleware,), {name: staticmethod(one) for name, one in hooks.items()}
    )


async def body(result: Any = "done") -> Any:
    return result


async def fail(*_: Any) -> None:
    raise ValueError("no")


async def two_steps(ctx: Any) -> Any:
    await ctx.step.run("a", body)
    return await ctx.step.run("b", body)


async def one_step(ctx: Any) -> Any:
    return await ctx.step.run("a", body, 1)


async def sleeping(ctx: Any) -> None:
    await ctx.step.sleep("nap", "1h")


async def parallel(ctx: Any) -> Any:
    await ctx.step.run("a", body)
    names = ("b", "c")
    return await ctx.group.parallel([lambda one=one: ctx.step.run(one, body) for one in names])


async def failing_step(ctx: Any) -> None:
    await ctx.step.run("a", fail)


async def failing(ctx: Any) -> None:
    await fail()


async def plain(ctx: Any) -> Any:
    return {"plain": True}
