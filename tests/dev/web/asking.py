"""Asking a server over HTTP: one request, or several in a world of their own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from tests.dev.fakes import FakeApp, World, output, world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

ULID = "01JGFJJZ00000G40R40M30E20A"


def within(app: FakeApp, ask: Callable[[World], Awaitable[T]], **options: Any) -> T:
    """Do something in a world with an app."""

    async def main() -> T:
        async with world(app, **options) as here:
            return await ask(here)

    return asyncio.run(main())


def asked(method: str, path: str, **more: Any) -> tuple[int, Any]:
    """Return status and JSON of one request to a server with an app that has one function."""

    async def ask(here: World) -> tuple[int, Any]:
        answer = await here.http.request(method, path, **more)
        return answer.status_code, answer.json() if answer.content else None

    return within(FakeApp().add("one", lambda call: output("ok")), ask)
