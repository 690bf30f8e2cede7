"""The dependencies example: what a function gets is there in each call, and closed after it."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest

import inngest_asgi as inngest
from examples.dependencies import WithDatabase, connection, count_orders, inngest_app
from tests.middleware.behaviour.hooks import served
from tests.routes.asking import asked
from tests.runtime.running import document_of


def test_a_function_gets_a_connection_that_ends_with_its_call() -> None:
    seen: list[Any] = []

    async def using(ctx: Any) -> Any:
        seen.append(ctx.database)
        return list(ctx.database.execute("select 1"))

    assert document_of(served(using, inner=[WithDatabase]).call()) == [[1]]
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        seen[0].execute("select 1")


def test_the_example_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_DEV", "1")
    assert asked(inngest_app).status == 200
    assert inngest_app.client.functions == (count_orders,)


def test_its_handler_is_plain_python() -> None:
    class Step:
        async def run(self, step_id: str, handler: Any) -> Any:
            return handler()

    class Context:
        step = Step()

    async def called() -> int:
        context: Any = Context()
        with connection() as context.database:
            return int(await count_orders.handler(context))

    assert asyncio.run(called()) == 42
    assert isinstance(count_orders, inngest.Function)
