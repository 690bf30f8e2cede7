"""Opens what an application needs when its host starts, closes it in reverse when it stops."""

from __future__ import annotations

from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Send

    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.runtime.threads import Threads


class Phase(StrEnum):
    """Where an application is between the start and the stop of its host."""

    NOT_STARTED = "not started"
    RUNNING = "running"
    STOPPED = "stopped"


class LifespanManager:
    """Runs one application's lifespan.

    Args:
        client: closed at the end; what it needs is opened on first use.
        threads: closed at the end, too.
    """

    def __init__(self, client: Inngest, threads: Threads) -> None:
        self.phase = Phase.NOT_STARTED
        self._client = client
        self._threads = threads

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Hold the application open inside the context."""
        self.phase = Phase.RUNNING
        try:
            yield
        finally:
            self.phase = Phase.STOPPED
            self._threads.close()
            await self._client.aclose()

    async def serve(self, receive: Receive, send: Send) -> None:
        """Speak the host's side of ASGI lifespan to its end."""
        await receive()
        async with self.run():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})
