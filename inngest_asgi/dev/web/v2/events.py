"""Events in REST v2: one is sent, with an answer that names it (server-api.md 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from inngest_asgi.dev.ingest import LONGEST_NAME, MAX_EVENT
from inngest_asgi.dev.web.v2.replies import Code, answer, document_of, refused, text_in
from inngest_asgi.errors import SendEventsError
from inngest_asgi.wire.codec import dumps

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from inngest_asgi.dev.web.served import Served

_TOO_LARGE = 413


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for events."""

    async def send(request: Request) -> Response:
        event = await document_of(request, "name", "data", "user", "id", "ts", "v", "meta")
        if len(text_in(event, "name")) > LONGEST_NAME:
            text = f"name has at most {LONGEST_NAME} characters."
            raise refused(Code.INVALID_FIELD, text)
        if len(dumps(event)) > MAX_EVENT:
            raise refused(Code.VALIDATION, "The event is over the max size.", _TOO_LARGE)
        try:
            (event_id,) = await server.ingest.accept([event])
        except SendEventsError as error:
            raise refused(Code.VALIDATION, f"{error}.") from None
        return answer({"eventId": event_id}, server.clock.time())

    return [Route("/events", send, methods=["POST"])]
