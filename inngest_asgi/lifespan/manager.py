"""Opens what an application needs when its host starts, closes it in reverse when it stops."""

from __future__ import annotations

import threading
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
        self._client = client
        self._threads = threads
        self._hosts = 0
        self._was_started = False
        self._lock = threading.Lock()

    @property
    def phase(self) -> Phase:
        """Where the application is; it runs as long as one of its hosts does."""
        if self._hosts:
            return Phase.RUNNING
        return Phase.STOPPED if self._was_started else Phase.NOT_STARTED

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Hold the application open inside the context.

        Several hosts may hold it at once, on loops of their own; the last one closes it. What
        the client opened for a host's loop closes with that loop.
        """
        self._was_started = True
        self._count(1)
        try:
            yield
        finally:
            if self._count(-1) == 0:
                self._threads.close()
                await self._client.aclose()

    async def serve(self, receive: Receive, send: Send) -> None:
        """Speak the host's side of ASGI lifespan to its end."""
        await receive()
        async with self.run():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def _count(self, change: int) -> int:
        with self._lock:
            self._hosts += change
            return self._hosts
