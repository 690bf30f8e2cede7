"""The HTTP face: the routes of all modules together, and errors that have no shape of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from inngest_asgi.dev.web import connect, control, feed, invokes, page, sdk, sending, signals, ui
from inngest_asgi.dev.web.auth import Keyed
from inngest_asgi.dev.web.guard import Guard
from inngest_asgi.dev.web.replies import json_reply, not_served
from inngest_asgi.dev.web.v1 import cancellations, events, runs, traces
from inngest_asgi.dev.web.v2 import app as v2
from inngest_asgi.errors import DevServerError, RequestError
from inngest_asgi.wire.names import Header

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    from inngest_asgi.dev.options import DevOptions
    from inngest_asgi.dev.web.served import Served

_V1 = (signals, events, runs, cancellations, traces)
_MODULES = (sdk, connect, control, *_V1, v2, invokes, sending, feed, page, ui)


def make_app(server: Served) -> ASGIApp:
    """Return the ASGI app that serves everything a server offers over HTTP."""
    handlers: Any = {
        RequestError: _refusal,
        DevServerError: _cannot_go_on,
        HTTPException: _nothing_there,
        Exception: _bug,
    }
    app = Starlette(routes=route_table(server), exception_handlers=handlers)
    app.router.redirect_slashes = False
    return _Named(Guard(Keyed(app, server.options), server.options), server.options)


def route_table(server: Served) -> list[BaseRoute]:
    """Return the routes of all modules."""
    table: list[BaseRoute] = []
    for module in _MODULES:
        table += module.routes(server)
    return table


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


async def _refusal(request: Request, error: RequestError) -> Response:
    """Answer in the shape of server-api.md 4."""
    body = {"error": str(error), "data": None, "status": error.status}
    return json_reply({"code": error.code, **body} if error.code else body, status=error.status)


async def _cannot_go_on(request: Request, error: DevServerError) -> Response:
    return json_reply({"error": str(error), "data": None, "status": 503}, status=503)


async def _nothing_there(request: Request, error: HTTPException) -> Response:
    text, headers = not_served(request, error)
    body = {"error": text, "data": None, "status": error.status_code}
    response = json_reply(body, status=error.status_code)
    response.headers.update(headers)
    return response


async def _bug(request: Request, error: Exception) -> Response:
    """Answer in JSON all the same; the host's log tells the rest."""
    body = {"error": "A bug in the dev server; its log tells more.", "data": None, "status": 500}
    return json_reply(body, status=500)
