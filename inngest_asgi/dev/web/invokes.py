"""The route by which somebody runs one function, whatever triggers it has (server-api.md 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from inngest_asgi.dev.ingest import checked_event
from inngest_asgi.dev.records import Changes
from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.replies import json_reply, parsed
from inngest_asgi.errors import RequestError, SendEventsError
from inngest_asgi.wire.events import seeded_id
from inngest_asgi.wire.names import Header

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from inngest_asgi.dev.web.served import Served

_ANY_NAME = "any"


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for invocations."""

    async def invoke(request: Request) -> Response:
        slug = request.path_params["slug"]
        if not slug:
            raise RequestError("The path names no function to invoke.", code="", status=400)
        seed = request.headers.get(Header.EVENT_ID_SEED)
        internal_id = seeded_id(seed, 0) if seed else None
        payload = _payload(parsed(await body_of(request)))
        event = server.invokes.event(slug, payload, {}, internal_id)
        changes = Changes()
        server.invokes.start(slug, event, changes)
        await server.commits.commit(changes)
        return json_reply({"id": event.internal_id, "status": 200})

    return [Route("/invoke/{slug:path}", invoke, methods=["POST"])]


def _payload(document: Any) -> dict[str, Any]:
    """Return the fields of an event; its name does not matter."""
    named = document
    if isinstance(document, dict):
        named = {key: value for key, value in document.items() if key.lower() != "name"}
        named["name"] = _ANY_NAME
    try:
        return checked_event(named)
    except SendEventsError as error:
        raise RequestError(str(error), code="", status=400) from None
