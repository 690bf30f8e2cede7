"""Tells open pages over server-sent events that something changed, not what it changed to.

A page asks for what it shows once it hears of a change. So little is told that what a slow
browser has not taken yet fits into a set of ids, which has a bound, and nothing is lost.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse
from starlette.routing import Route

from inngest_asgi.dev.patience import within
from inngest_asgi.dev.web.page import page_files
from inngest_asgi.version import VERSION
from inngest_asgi.wire.codec import dump_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.records import Changes
    from inngest_asgi.dev.web.served import Served

MOST_RUNS = 200
"""More runs than that are told of as "any"."""

_PAUSE = 0.15
_HEARTBEAT = 10.0


def routes(server: Served) -> list[Route]:
    """Return the route that pages listen to."""

    async def feed(request: Request) -> Response:
        return _Feed(server)

    return [Route("/ui/feed", feed)]


class Mailbox:
    """What one page has not been told yet.

    Args:
        clock: what heartbeats are timed by.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._news = asyncio.Event()
        self._runs: set[str] = set()
        self._any = False
        self._events = False
        self._apps = False

    def put(self, changes: Changes) -> None:
        """Note that something was saved."""
        run_ids = {record.run_id for record in changes.records}
        self._runs |= run_ids - {""}
        if len(self._runs) > MOST_RUNS:
            self._any = True
            self._runs.clear()
        self._events |= bool(changes.events) or "" in run_ids
        self._apps |= bool(changes.apps or changes.gone_apps or changes.functions)
        self._news.set()

    def note_workers(self) -> None:
        """Note that a worker came, went, or is in another state."""
        self._apps = True
        self._news.set()

    async def take(self) -> dict[str, Any] | None:
        """Wait for news, and return all there is; None when there was none for a while."""
        if not await within(self._clock, _HEARTBEAT, self._news.wait()):
            return None
        news = {
            "runs": "any" if self._any else sorted(self._runs),
            "events": self._events,
            "apps": self._apps,
        }
        self._runs, self._any, self._events, self._apps = set(), False, False, False
        self._news.clear()
        return news


class _Feed(StreamingResponse):
    """Listens as long as it is sent: a generator that is left alone would go on for a while."""

    def __init__(self, server: Served) -> None:
        self._server = server
        self._mailbox = Mailbox(server.clock)
        kept_open = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(self._messages(), headers=kept_open, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server, mailbox = self._server, self._mailbox
        with server.feed.listening(mailbox.put), server.gateway.watched(mailbox.note_workers):
            await super().__call__(scope, receive, send)

    async def _messages(self) -> AsyncIterator[str]:
        yield _message("hello", {"version": VERSION, "page": page_files().digest})
        while True:
            news = await self._mailbox.take()
            yield ": still here\n\n" if news is None else _message("changed", news)
            # What happens meanwhile is told together: a page cannot show more than that anyway.
            await self._server.clock.sleep(_PAUSE)


def _message(kind: str, data: Any) -> str:
    return f"event: {kind}\ndata: {dump_text(data)}\n\n"
