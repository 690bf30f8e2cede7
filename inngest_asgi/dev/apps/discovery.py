"""Finds apps that run on this machine by asking the usual ports for them (server-api.md 1)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from inngest_asgi.dev.answers import Answer
from inngest_asgi.dev.calls import Request
from inngest_asgi.dev.patience import within
from inngest_asgi.wire.names import Header

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from inngest_asgi.dev.apps.sync import Sync, SyncResult

USUAL_PORTS = (
    *range(3000, 3006),
    *(4000, 4200, 4321, 5000, 5001, 5173, 7000, 8080, 8081, 8787, 8888, 9000),
    *range(8000, 8006),
)
"""Where web frameworks serve while one develops with them."""

PATHS = (
    "/api/inngest",
    "/x/inngest",
    "/.netlify/functions/inngest",
    "/.redwood/functions/inngest",
)
"""Where SDKs serve, the most usual first; an app is adopted at the first that answers."""

PATIENCE = 2.0
"""Seconds a port has to answer."""


class Discovery:
    """Adopts apps that come up. An app that does not register here is asked once each time it
    comes up, and not kept: it may belong to another server.

    Args:
        sync: what asks apps to register.
        ports: where to look.
    """

    def __init__(self, sync: Sync, ports: Iterable[int]) -> None:
        self._sync = sync
        self._ports = tuple(dict.fromkeys(ports))
        self._strangers: set[int] = set()

    async def found(self, pause: float) -> AsyncIterator[SyncResult]:
        """Yield what came of each app that was found, for ever, looking every `pause` seconds."""
        while True:
            for result in await asyncio.gather(*map(self._look, self._unknown_ports())):
                if result is not None:
                    yield result
            await self._sync.clock.sleep(pause)

    def _unknown_ports(self) -> list[int]:
        known = {urlsplit(app.url).port for app in self._sync.registry.apps}
        return [port for port in self._ports if port not in known]

    async def _look(self, port: int) -> SyncResult | None:
        url = await self._find(port)
        if url is None:
            self._strangers.discard(port)
            return None
        if port in self._strangers:
            return None
        result = await self._sync.sync(url, quiet=True)
        if not result.ok:
            self._strangers.add(port)
            await self._sync.registry.remove(url, self._sync.commits)
        return result

    async def _find(self, port: int) -> str | None:
        for path in PATHS:
            url = f"http://localhost:{port}{path}"
            asking = self._sync.outbound.send(Request("GET", url, {}, b""))
            answer = await within(self._sync.clock, PATIENCE, asking)
            if not isinstance(answer, Answer):
                return None  # nothing listens, or nothing that answers soon
            if Header.SDK in answer.headers:
                return url
        return None
