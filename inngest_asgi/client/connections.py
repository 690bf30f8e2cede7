"""One HTTP client per event loop, made when first used and closed when its loop ends.

Connections belong to the loop that opened them. It decides which client to use, never what to send.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from inngest_asgi.client.portal import background_loop
from inngest_asgi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import timedelta

    from inngest_asgi.client.messages import Answer, Outgoing
    from inngest_asgi.client.transport import HTTPClient

    Place = tuple[int, asyncio.AbstractEventLoop]


class Connections:
    """Carries requests over the HTTP client of the running event loop. Safe in threads.

    Args:
        timeout: for each phase of a request: connecting, sending, waiting, reading.
        given: a client of the user's, used as it is and never closed; it belongs to the first
            loop it is used on, until that loop is closed.
    """

    def __init__(self, timeout: timedelta, given: HTTPClient | None = None) -> None:
        self._timeout = timeout.total_seconds()
        self._given = given
        self._home: asyncio.AbstractEventLoop | None = None
        # Each loop touches its own entry only, so threads need no lock. The process id is in
        # the key because a forked child must not use, nor close, sockets of its parent.
        self._open: dict[Place, tuple[AsyncGenerator[HTTPClient], HTTPClient]] = {}

    async def exchange(self, outgoing: Outgoing) -> Answer:
        """Send one request and read its answer, whatever its status.

        Raises:
            ApiError: no answer came.
            ConfigError: the URL or a key cannot be used, or the given client is at home on
                another loop.
        """
        from inngest_asgi.client import transport  # brings httpx, hence so late

        return await transport.exchange(await self._client(), outgoing)

    async def aclose(self) -> None:
        """Close the connections of this event loop and those of the blocking calls.

        Those of other loops close when their loops end. Later requests open new ones.
        """
        await self._close_here()
        loop = background_loop()
        if loop not in (None, asyncio.get_running_loop()):
            future = asyncio.run_coroutine_threadsafe(self._close_here(), loop)
            await asyncio.wrap_future(future)

    async def _client(self) -> HTTPClient:
        loop = asyncio.get_running_loop()
        if self._given is not None:
            return self._at_home(self._given, loop)
        place = (os.getpid(), loop)
        if place not in self._open:
            self._forget_closed_loops()
            keeper = self._keep_open(place)
            # Nothing is awaited before its `yield`, so no second task gets in between.
            self._open[place] = keeper, await anext(keeper)
        return self._open[place][1]

    async def _keep_open(self, place: Place) -> AsyncGenerator[HTTPClient]:
        """Yield a client and close it at the end of the loop.

        Loops finish their generators before they close (`asyncio.run` does it, servers do it);
        no other hook lets a library await something at that moment.
        """
        from inngest_asgi.client import transport

        client = transport.open_client(self._timeout)
        try:
            yield client
        finally:
            self._open.pop(place, None)
            await client.aclose()

    async def _close_here(self) -> None:
        entry = self._open.get((os.getpid(), asyncio.get_running_loop()))
        if entry is not None:
            await entry[0].aclose()

    def _forget_closed_loops(self) -> None:
        for place in list(self._open):
            if place[1].is_closed():
                self._open.pop(place, None)

    def _at_home(self, given: HTTPClient, loop: asyncio.AbstractEventLoop) -> HTTPClient:
        if self._home not in (None, loop) and not self._home.is_closed():
            raise ConfigError(
                "The http_client given to Inngest is in use on another event loop. Its "
                "connections belong to one loop: use either `send` on one loop or `send_sync`, "
                "or leave http_client out."
            )
        self._home = loop
        return given
