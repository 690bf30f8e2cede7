"""The embedded server's HTTP face: one small function per route (server-api.md 3 and 4)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from inngest_asgi.dev.calls import memo_document
from inngest_asgi.dev.web import feed, invokes, page, sending, signals, ui
from inngest_asgi.dev.web.auth import Keyed, kind_refusal
from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.guard import Guard
from inngest_asgi.dev.web.replies import id_of, json_reply, parsed
from inngest_asgi.dev.web.views import envelope, event_view, run_view, server_view
from inngest_asgi.errors import DevServerError, RequestError
from inngest_asgi.wire.codec import Fragment
from inngest_asgi.wire.names import ErrorCode, Header

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from inngest_asgi.dev.options import DevOptions
    from inngest_asgi.dev.records import Run
    from inngest_asgi.dev.web.served import Served

_EVENT_AGE, _EVENT_RUNS_AGE, _RUN_AGE = 5, 15, 3


def make_app(server: Served) -> ASGIApp:
    """Return the ASGI app that serves everything a server offers over HTTP."""
    face = _Api(server)
    routes = [
        Route("/health", face.health),
        Route("/dev", face.dev),
        Route("/fn/register", face.register, methods=["POST"]),
        Route("/fn/remove", face.remove, methods=["DELETE"]),
        Route("/v0/runs/{id}/actions", face.actions),
        Route("/v0/runs/{id}/batch", face.batch),
        Route("/v1/events/{id}", face.event),
        Route("/v1/events/{id}/runs", face.event_runs),
        Route("/v1/runs/{id}", face.run),
        Route("/v1/checkpoint/{id}/async", face.checkpoint, methods=["POST"]),
        Route("/v1/http/runs/{id}/async", face.checkpoint, methods=["POST"]),
    ]
    handlers: Any = {
        RequestError: _refusal,
        DevServerError: _cannot_go_on,
        HTTPException: _nothing_there,
        Exception: _bug,
    }
    for module in (signals, invokes, sending, feed, page, ui):
        routes += module.routes(server)
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return _Named(Guard(Keyed(app, server.options), server.options), server.options)


class _Named:
    """Says on every response what kind of server it comes from."""

    def __init__(self, app: ASGIApp, options: DevOptions) -> None:
        self._app = app
        self._header = (Header.SERVER_KIND.encode(), options.kind.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def named(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), self._header]
            await send(message)

        await self._app(scope, receive, named)


class _Api:
    """The routes. All they do is read a request, ask the server, and shape the answer."""

    def __init__(self, server: Served) -> None:
        self._server = server

    async def health(self, request: Request) -> Response:
        return json_reply({"status": 200, "message": "OK"})

    async def dev(self, request: Request) -> Response:
        registry = self._server.registry
        return json_reply(server_view(self._server.options, registry.apps, registry.functions))

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

    async def remove(self, request: Request) -> Response:
        url = request.query_params.get("url", "")
        if not await self._server.registry.remove(url, self._server.commits):
            raise RequestError(f"There is no app at {url!r}.", code="", status=404)
        return Response()

    async def event(self, request: Request) -> Response:
        event = await self._server.store.event(id_of(request, "event"))
        if event is None:
            raise RequestError("Event not found", code="", status=404)
        return self._enveloped(event_view(event), _EVENT_AGE)

    async def event_runs(self, request: Request) -> Response:
        rows = await self._server.store.runs_of_event(id_of(request, "event"))
        return self._enveloped([run_view(row) for row in rows], _EVENT_RUNS_AGE)

    async def run(self, request: Request) -> Response:
        run_id = id_of(request, "run")
        row = await self._server.store.run_row(run_id)
        if row is None:
            # The real server answers 500, not 404 (server-api.md 4).
            raise RequestError(f"Unable to load run: {run_id}", code="", status=500)
        return self._enveloped(run_view(row), _RUN_AGE)

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

    def _enveloped(self, data: Any, max_age: int) -> Response:
        response = json_reply(envelope(data, self._server.clock.time(), max_age))
        response.headers["cache-control"] = f"private, max-age={max_age}"
        return response


async def _refusal(request: Request, error: RequestError) -> Response:
    """Answer in the shape of server-api.md 4."""
    body = {"error": str(error), "data": None, "status": error.status}
    return json_reply({"code": error.code, **body} if error.code else body, status=error.status)


async def _cannot_go_on(request: Request, error: DevServerError) -> Response:
    return json_reply({"error": str(error), "data": None, "status": 503}, status=503)


async def _nothing_there(request: Request, error: HTTPException) -> Response:
    path = request.url.path
    wrong_method = f"{path} does not take {request.method}."
    text = f"There is nothing at {path}." if error.status_code == 404 else wrong_method
    body = {"error": text, "data": None, "status": error.status_code}
    response = json_reply(body, status=error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _bug(request: Request, error: Exception) -> Response:
    """Answer in JSON all the same; the host's log tells the rest."""
    body = {"error": "A bug in the dev server; its log tells more.", "data": None, "status": 500}
    return json_reply(body, status=500)
