"""Opens what an application needs when its host starts, closes it in reverse when it stops."""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager, nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING

from inngest_asgi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Send

    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.lifespan.connecting import Connecting
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
        connecting: the worker to run; the first host starts it and, when it stops, drains it
            before all else.
    """

    def __init__(
        self, client: Inngest, threads: Threads, connecting: Connecting | None = None
    ) -> None:
        self._client = client
        self._threads = threads
        self._connecting = connecting
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

        Raises:
            ConfigError: the worker cannot be started.
        """
        self._was_started = True
        is_first = self._count(1) == 1
        try:
            worker = self._connecting.run() if self._connecting and is_first else nullcontext()
            async with worker:
                yield
        finally:
            if self._count(-1) == 0:
                self._threads.close()
                await self._client.aclose()

    async def serve(self, receive: Receive, send: Send) -> None:
        """Speak the application's side of ASGI lifespan to its end."""
        await receive()
        started = False
        try:
            async with self.run():
                started = True
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except ConfigError as error:
            if started:
                raise
            # Raised instead, it would be taken for a sign that there is no lifespan at all.
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})

    def _count(self, change: int) -> int:
        with self._lock:
            self._hosts += change
            return self._hosts
