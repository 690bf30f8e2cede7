"""Cancelling many runs at once in REST v1, as the hosted product does (server-api.md 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.replies import parsed
from inngest_asgi.dev.web.v1.replies import enveloped, refused

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from inngest_asgi.dev.web.served import Served


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for cancellations."""
    face = _Cancellations(server)
    return [
        Route("/v1/cancellations", face.create, methods=["POST"]),
        Route("/v1/cancellations", face.list),
        Route("/v1/cancellations/{id}", face.delete, methods=["DELETE"]),
    ]


class _Cancellations:
    def __init__(self, server: Served) -> None:
        self._server = server

    async def create(self, request: Request) -> Response:
        document = parsed(await body_of(request))
        record = await self._server.cancellations.create(document)
        return enveloped(record, self._server.clock.time())

    async def list(self, request: Request) -> Response:
        records = await self._server.cancellations.list()
        return enveloped(records, self._server.clock.time())

    async def delete(self, request: Request) -> Response:
        if not await self._server.cancellations.delete(request.path_params["id"]):
            raise refused("Cancellation not found", 404)
        return enveloped({"ok": True}, self._server.clock.time())
