"""The embedded server on a real socket, for tests that give it options of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inngest_asgi.dev import DevOptions, DevServer, SyncResult

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


class Embedded:
    """The embedded server as an ASGI app that starts and stops it."""

    def __init__(self, options: DevOptions) -> None:
        self.server = DevServer(options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.server.app(scope, receive, send)
            return
        self._loop = asyncio.get_running_loop()
        await receive()
        async with self.server:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def sync(self, url: str) -> SyncResult:
        syncing = asyncio.run_coroutine_threadsafe(self.server.sync(url), self._loop)
        return syncing.result(10)
