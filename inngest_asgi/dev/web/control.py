"""The routes of tools that look after the server itself: health, apps, limits, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from inngest_asgi.dev.limits import MAX_STATE, MAX_STEPS
from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.cancelling import cancel
from inngest_asgi.dev.web.metrics import metrics_text
from inngest_asgi.dev.web.replies import id_of, json_reply
from inngest_asgi.dev.web.views import server_view
from inngest_asgi.errors import RequestError

if TYPE_CHECKING:
    from starlette.requests import Request

    from inngest_asgi.dev.web.served import Served

_LONGEST_NUMBER = 10
_PROMETHEUS = "text/plain; version=0.0.4"


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for tools."""
    face = _Control(server)
    steps, state = "/fn/step-limit", "/fn/state-size-limit"
    return [
        Route("/health", face.health),
        Route("/dev", face.dev),
        Route("/metrics", face.metrics),
        Route("/v1/prom/{env}", face.metrics),
        Route("/fn/remove", face.remove, methods=["DELETE"]),
        Route(steps, face.limit_steps, methods=["POST", "DELETE"]),
        Route(state, face.limit_state, methods=["POST", "DELETE"]),
        Route("/v0/runs/{id}", face.cancel, methods=["DELETE"]),
    ]


class _Control:
    def __init__(self, server: Served) -> None:
        self._server = server

    async def health(self, request: Request) -> Response:
        failure = self._server.store.failure
        if failure is not None:
            raise failure
        return json_reply({"status": 200, "message": "OK"})

    async def dev(self, request: Request) -> Response:
        registry, options = self._server.registry, self._server.options
        address = self._server.gateway.address
        return json_reply(server_view(options, registry.apps, registry.functions, address))

    async def metrics(self, request: Request) -> Response:
        counts = await self._server.queries.run_counts()
        depth = await self._server.queries.job_counts()
        text = metrics_text(counts, depth, self._server.calls_in_progress)
        return PlainTextResponse(text, media_type=_PROMETHEUS)

    async def remove(self, request: Request) -> Response:
        url = request.query_params.get("url", "")
        if not await self._server.registry.remove(url, self._server.commits):
            raise RequestError(f"There is no app at {url!r}.", code="", status=404)
        return Response()

    async def cancel(self, request: Request) -> Response:
        run_id = id_of(request, "run")
        row = await self._server.store.run_row(run_id)
        if row is None:
            raise RequestError(f"There is no run {run_id}.", code="", status=404)
        if row.status.ended:
            text = f"Run {run_id} has ended already: it is {row.status.label}."
            raise RequestError(text, code="", status=409)
        await cancel(self._server, run_id)
        return Response(status_code=204)

    async def limit_steps(self, request: Request) -> Response:
        return await self._limit(request, self._server.limits.steps, MAX_STEPS)

    async def limit_state(self, request: Request) -> Response:
        return await self._limit(request, self._server.limits.state, MAX_STATE)

    async def _limit(self, request: Request, limits: dict[str, int], most: int) -> Response:
        """Set, or with DELETE remove, a lower limit of one function, for tests of that limit."""
        body = (await body_of(request)).decode(errors="replace")
        fields = dict(request.query_params) | dict(parse_qsl(body))
        named = fields.get("functionId", "")
        if not named:
            raise RequestError("The field functionId names no function.", code="", status=400)
        function = self._server.registry.find(named)
        if function is None:
            raise RequestError(f"There is no function {named!r}.", code="", status=404)
        if request.method == "DELETE":
            limits.pop(function.id, None)
            return Response()
        text = fields.get("limit", "")
        whole = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
        if not whole or not 0 < int(text) <= most:
            refusal = f"limit must be a number between 1 and {most}, not {text!r}."
            raise RequestError(refusal, code="", status=400)
        limits[function.id] = int(text)
        return Response()
