"""A call's state goes when the call does, for memos may be megabytes and collecting takes time."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from inngest_asgi.engine.ids import hash_id
from inngest_asgi.engine.run import Machine
from tests.routes.asking import ORDERED, body_of, call, dev_client

if TYPE_CHECKING:
    from collections.abc import Callable

MEMOS = {hash_id(id): {"data": id} for id in ("a", "b")}


async def body() -> int:
    return 1


async def nothing(ctx: inngest.Context) -> int:
    return 1


def nothing_blocking(ctx: inngest.ContextSync) -> int:
    return 1


async def memos(ctx: inngest.Context) -> list[int]:
    return [await ctx.step.run("a", body), await ctx.step.run("b", body)]


async def memos_of_a_lambda(ctx: inngest.Context) -> list[str]:
    # It holds the context, and with it all of the call.
    return [await ctx.step.run(id, lambda: ctx.run_id) for id in ("a", "b")]


async def new_step(ctx: inngest.Context) -> int:
    return await ctx.step.run("new", body)


def new_step_blocking(ctx: inngest.ContextSync) -> int:
    return ctx.step.run("new", body)


async def sleep(ctx: inngest.Context) -> None:
    await ctx.step.sleep("nap", "1h")


async def raising(ctx: inngest.Context) -> None:
    raise ValueError("no")


@pytest.mark.parametrize(
    ("handler", "status"),
    [
        (nothing, 200),
        (nothing_blocking, 200),
        (memos, 200),
        (memos_of_a_lambda, 200),
        (new_step, 206),
        (new_step_blocking, 206),
        (sleep, 206),
        (raising, 500),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_a_call_leaves_nothing_to_collect(handler: Callable[[Any], Any], status: int) -> None:
    client = dev_client()
    client.create_function(fn_id="pay", trigger=ORDERED)(handler)
    answered, left = asyncio.run(_answered(client))
    assert (answered, left) == (status, [])


async def _answered(client: inngest.Inngest) -> tuple[int, list[Machine]]:
    executor = ThreadPoolExecutor(1)
    app = inngest.serve(client, executor=executor)
    sent: list[Any] = []
    request = {"type": "http.request", "body": body_of(call(MEMOS, stack=MEMOS))}

    async def receive() -> Any:
        return request

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"fnId=shop-pay",
        "headers": [],
    }
    gc.disable()
    gc.freeze()  # what is there already is not looked at
    try:
        await app(scope, receive, send)
        executor.shutdown()  # its thread lets go of its work a little later
        left = _machines()
    finally:
        gc.enable()
    return sent[0]["status"], left


def _machines() -> list[Machine]:
    return [one for one in gc.get_objects() if isinstance(one, Machine)]
