"""Events in REST v1: the latest ones, one, and the runs it started (server-api.md 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from inngest_asgi.dev.moments import parse_moment
from inngest_asgi.dev.store.filters import EventQuery
from inngest_asgi.dev.web.replies import id_of, is_ulid
from inngest_asgi.dev.web.v1.replies import enveloped, refused
from inngest_asgi.dev.web.views import event_view, run_view

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams
    from starlette.requests import Request
    from starlette.responses import Response

    from inngest_asgi.dev.web.served import Served

USUAL, MOST = 20, 51

_EVENT_AGE, _RUNS_AGE = 5, 15
_LONGEST_NUMBER = 15
_FIRST_MILLISECONDS = 100_000_000_000
"""Larger numbers are milliseconds: as seconds they would be far in the future."""


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for events."""
    face = _Events(server)
    return [
        Route("/v1/events", face.list),
        Route("/v1/events/{id}", face.show),
        Route("/v1/events/{id}/runs", face.runs),
    ]


class _Events:
    def __init__(self, server: Served) -> None:
        self._server = server

    async def list(self, request: Request) -> Response:
        page = await self._server.queries.events(_query(request.query_params))
        return enveloped([event_view(event) for event in page.items], self._server.clock.time())

    async def show(self, request: Request) -> Response:
        event = await self._server.store.event(id_of(request, "event"))
        if event is None:
            raise refused("Event not found", 404)
        return enveloped(event_view(event), self._server.clock.time(), _EVENT_AGE)

    async def runs(self, request: Request) -> Response:
        event_id = id_of(request, "event")
        found = await self._server.queries.runs_of_events([event_id], outputs=True)
        views = [run_view(item) for item in found[event_id]]
        return enveloped(views, self._server.clock.time(), _RUNS_AGE)


def _query(params: QueryParams) -> EventQuery:
    cursor = params.get("cursor") or None
    if cursor is not None and not is_ulid(cursor):
        raise refused(f"Invalid cursor: {cursor}")
    return EventQuery(
        name=params.get("name") or None,
        since=_moment(params, "received_after"),
        until=_moment(params, "received_before"),
        cursor=cursor,
        limit=_limit(params.get("limit", "")),
    )


def _limit(text: str) -> int:
    """Read how many are asked for: at least one, not too many, and the usual if it is no number."""
    number = text.removeprefix("-")
    if not (number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER):
        return USUAL
    return min(max(int(text), 1), MOST)


def _moment(params: QueryParams, name: str) -> float | None:
    """Read a date in any usual form, or a Unix time in seconds or milliseconds."""
    text = params.get(name, "")
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER:
        number = float(text)
        return number if number < _FIRST_MILLISECONDS else number / 1000
    seconds = parse_moment(text)
    if seconds is None:
        raise refused(f"Invalid {name}: {text}")
    return seconds
