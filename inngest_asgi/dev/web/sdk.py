"""The routes that SDKs call: registering, state too large for a call, steps recorded meanwhile."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from inngest_asgi.dev.calls import memo_document
from inngest_asgi.dev.web.auth import kind_refusal
from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.replies import id_of, json_reply, parsed
from inngest_asgi.errors import RequestError
from inngest_asgi.wire.codec import Fragment
from inngest_asgi.wire.names import ErrorCode, Header

if TYPE_CHECKING:
    from starlette.requests import Request

    from inngest_asgi.dev.records import Run
    from inngest_asgi.dev.web.served import Served


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for what SDKs call by themselves."""
    face = _Sdk(server)
    return [
        Route("/fn/register", face.register, methods=["POST"]),
        Route("/v0/runs/{id}/actions", face.actions),
        Route("/v0/runs/{id}/batch", face.batch),
        Route("/v1/checkpoint/{id}/async", face.checkpoint, methods=["POST"]),
        Route("/v1/http/runs/{id}/async", face.checkpoint, methods=["POST"]),
    ]


class _Sdk:
    def __init__(self, server: Served) -> None:
        self._server = server

    async def register(self, request: Request) -> Response:
        expected = request.headers.get(Header.EXPECTED_SERVER_KIND)
        refusal = kind_refusal(self._server.options, expected)
        if refusal is not None:
            raise RequestError(refusal, code=ErrorCode.SERVER_KIND_MISMATCH, status=400)
        document = parsed(await body_of(request))
        registered = await self._server.registry.register(document, self._server.commits)
        return json_reply(
            {
                "ok": True,
                "status": 200,
                "modified": registered.modified,
                "message": "Successfully registered",
                "sync_id": str(uuid.UUID(bytes=self._server.clock.entropy(16), version=4)),
                "app_id": registered.app.id,
            }
        )

    async def checkpoint(self, request: Request) -> Response:
        try:
            await self._server.checkpoints.accept(parsed(await body_of(request)))
        except RequestError as error:
            about = {"run_id": request.path_params["id"]}
            body = {"error": str(error), "data": about, "status": error.status}
            return json_reply(body, status=error.status)
        return Response()

    async def actions(self, request: Request) -> Response:
        return json_reply(memo_document(await self._live_run(request)))

    async def batch(self, request: Request) -> Response:
        run = await self._live_run(request)
        return json_reply([Fragment(event.body) for event in run.events])

    async def _live_run(self, request: Request) -> Run:
        run_id = id_of(request, "run")
        run = await self._server.runs.get(run_id)
        self._server.runs.release(run_id)
        if run is None or run.status.ended:
            raise RequestError("The state of this run no longer exists.", code="", status=410)
        return run
