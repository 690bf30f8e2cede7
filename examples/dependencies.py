"""Middleware that gives functions what they need: a connection, opened and closed around each call.

inngest-asgi run examples.dependencies:inngest_app --event shop/order.placed --once
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import inngest_asgi as inngest
from inngest_asgi.middleware import CallNext, FunctionCall


class ShopContext(inngest.Context):
    """The context of functions that have the middleware."""

    database: sqlite3.Connection


class WithDatabase(inngest.Middleware):
    async def wrap_function(self, call: FunctionCall, call_next: CallNext) -> Any:
        with connection() as database:
            cast("ShopContext", call.ctx).database = database
            return await call_next(call)


@contextmanager
def connection() -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        yield database
    finally:
        database.close()


client = inngest.Inngest("shop")


@client.create_function(
    fn_id="count-orders",
    trigger=inngest.TriggerEvent(event="shop/order.placed"),
    middleware=[WithDatabase],
)
async def count_orders(ctx: inngest.Context) -> int:
    database = cast("ShopContext", ctx).database

    def count() -> int:
        (number,) = database.execute("select 41 + 1").fetchone()
        return int(number)

    return await ctx.step.run("count", count)


inngest_app = inngest.serve(client)
