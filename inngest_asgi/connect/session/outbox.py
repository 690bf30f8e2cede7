"""Replies until the server has them, acknowledged on the socket or flushed; it sends nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from inngest_asgi.connect.protocol.deadlines import Deadlines
from inngest_asgi.connect.session.backoff import FLUSH_LADDER
from inngest_asgi.errors import CodecError
from inngest_asgi.wire.codec import loads

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import Response

LIMIT = 64 * 1024 * 1024
"""Bytes of replies above which no new request is taken."""

ACK_PATIENCE = 5.0
"""Seconds a gateway has to acknowledge a reply before it is flushed (connect.md 6)."""

_ENTRY = 512


@dataclass(slots=True)
class _Entry:
    response: Response
    size: int
    link: int | None = None
    flushing: bool = False
    failures: int = 0


class Outbox:
    """Replies that the server may not have yet.

    A reply is in one of three places: sent on a connection and not acknowledged for less than
    five seconds, being flushed, or waiting to be flushed. Nothing is ever dropped to make room;
    at `limit` bytes the outbox is `full`, and then no request should be accepted. What is in
    progress may still add to it.
    """

    __slots__ = ("_deadlines", "_entries", "_limit", "size")

    def __init__(self, limit: int = LIMIT) -> None:
        self.size = 0
        self._limit = limit
        self._entries: dict[str, _Entry] = {}
        self._deadlines: Deadlines[str] = Deadlines()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._entries

    @property
    def full(self) -> bool:
        """Whether no new request should be accepted."""
        return self.size >= self._limit

    @property
    def next(self) -> float | None:
        """When `due` has something to return."""
        return self._deadlines.next

    def add(self, response: Response, now: float) -> None:
        """Keep a reply; it is to be flushed at once, unless `sent` follows."""
        size = len(response.body) + len(response.user_trace_ctx) + _ENTRY
        self._entries[response.request_id] = _Entry(response, size)
        self._deadlines.set(response.request_id, now)
        self.size += size

    def sent(self, request_id: str, link: int, now: float) -> Response:
        """Take note that a reply is sent on a connection, and return it."""
        entry = self._entries[request_id]
        entry.link = link
        self._deadlines.set(request_id, now + ACK_PATIENCE)
        return entry.response

    def discard(self, request_id: str) -> Response | None:
        """Forget a reply and return it; None when it is not in here (any more)."""
        entry = self._entries.pop(request_id, None)
        if entry is None:
            return None
        self._deadlines.cancel(request_id)
        self.size -= entry.size
        return entry.response

    def due(self, now: float) -> list[Response]:
        """Return the replies to be flushed now, and count them as being flushed.

        A flush is refused over a trace context that is not JSON (connect.md 10), so such a one
        is left out.
        """
        found = []
        for request_id in self._deadlines.take(now):
            entry = self._entries[request_id]
            entry.link = None
            if not entry.flushing:
                entry.flushing = True
                found.append(_flushable(entry.response))
        return found

    def not_flushed(self, request_id: str, now: float) -> int:
        """Take note that a flush failed; it is due again later.

        Returns:
            How many have failed in a row; 0 when the reply is not in here (any more).
        """
        entry = self._entries.get(request_id)
        if entry is None:
            return 0
        entry.flushing = False
        if entry.link is None:
            step = min(entry.failures, len(FLUSH_LADDER) - 1)
            self._deadlines.set(request_id, now + FLUSH_LADDER[step])
        entry.failures += 1
        return entry.failures

    def hurry(self, now: float) -> None:
        """Have every reply that waits to be flushed tried at once, as if none had failed."""
        for request_id, entry in self._entries.items():
            entry.failures = 0
            if entry.link is None and not entry.flushing:
                self._deadlines.set(request_id, now)

    def link_gone(self, link: int, now: float) -> None:
        """Have the replies flushed that were sent on a connection which is over."""
        for request_id, entry in self._entries.items():
            if entry.link == link:
                entry.link = None
                self._deadlines.set(request_id, now)

    def waits_on(self, link: int | None = None) -> bool:
        """Tell whether a reply that was sent (on this connection) is not acknowledged yet."""
        links = {entry.link for entry in self._entries.values()} - {None}
        return bool(links) if link is None else link in links

    def rest(self) -> list[Response]:
        """Return the replies that are still in here, oldest first."""
        return [entry.response for entry in self._entries.values()]


def _flushable(response: Response) -> Response:
    try:
        loads(response.system_trace_ctx)
    except CodecError:
        return replace(response, system_trace_ctx=b"{}")
    return response
