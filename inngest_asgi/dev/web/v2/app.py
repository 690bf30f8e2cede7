"""REST v2 as an app of its own, because its errors have a shape of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount, Route

from inngest_asgi.crypto.keys import bearer_token
from inngest_asgi.dev.web.replies import not_served
from inngest_asgi.dev.web.v2 import apps, events, runs, scores
from inngest_asgi.dev.web.v2.replies import Asked, Code, answer, error_reply, page_of
from inngest_asgi.errors import DevServerError, RequestError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from inngest_asgi.dev.web.served import Served

_PREFIXES = ("/v2", "/api/v2")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_HOSTED = (
    "/account",
    "/envs",
    "/envs/{rest:path}",
    "/partner/accounts",
    "/env/webhooks",
    "/apps/{app:path}/syncs",
    "/insights/{rest:path}",
    "/experiments",
    "/experiments/{rest:path}",
    "/sessions",
    "/sessions/{rest:path}",
    "/sandboxes",
    "/sandboxes/{rest:path}",
)
_CODES = {404: Code.NOT_FOUND, 501: Code.NOT_IMPLEMENTED}


def routes(server: Served) -> list[BaseRoute]:
    """Return the places where REST v2 is found."""
    app = _app(server)
    return [Mount(prefix, app=app) for prefix in _PREFIXES]


def _app(server: Served) -> Starlette:
    face = _Face(server)
    table = [
        Route("/health", face.health),
        Route("/keys/events", face.event_keys),
        Route("/keys/signing", face.signing_keys),
        *(Route(path, _hosted_only, methods=_METHODS) for path in _HOSTED),
    ]
    for module in (events, runs, scores, apps):
        table += module.routes(server)
    handlers: Any = {
        RequestError: _refusal,
        DevServerError: _cannot_go_on,
        HTTPException: _nothing_there,
        Exception: _bug,
    }
    app = Starlette(routes=table, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


class _Face:
    def __init__(self, server: Served) -> None:
        self._server = server

    async def health(self, request: Request) -> Response:
        Asked(request)
        failure = self._server.store.failure
        if failure is not None:
            raise failure
        return answer({"status": "ok"}, self._server.clock.time())

    async def event_keys(self, request: Request) -> Response:
        return self._keys(request, self._server.options.event_keys)

    async def signing_keys(self, request: Request) -> Response:
        """List the key in the form in which SDKs send it: a hash, from which nobody can sign."""
        key = self._server.options.signing_key
        return self._keys(request, () if key is None else (bearer_token(key),))

    def _keys(self, request: Request, keys: tuple[str, ...]) -> Response:
        Asked(request, "limit", "cursor")
        names = (f"key {number}" for number in range(1, len(keys) + 1))
        data = [
            {"id": name, "name": name, "environment": self._server.options.kind, "key": key}
            for name, key in zip(names, keys, strict=True)
        ]
        return answer(data, self._server.clock.time(), page_of(None, max(len(keys), 1)))


async def _hosted_only(request: Request) -> Response:
    text = "Only Inngest Cloud has this; the embedded server does not."
    return error_reply(Code.NOT_IMPLEMENTED, text, 501)


async def _refusal(request: Request, error: RequestError) -> Response:
    known = error.code in tuple(Code)
    code = error.code if known else _CODES.get(error.status, Code.INVALID_REQUEST)
    return error_reply(code, str(error), error.status)


async def _cannot_go_on(request: Request, error: DevServerError) -> Response:
    return error_reply(Code.INTERNAL, str(error), 503)


async def _nothing_there(request: Request, error: HTTPException) -> Response:
    text, headers = not_served(request, error)
    code = _CODES.get(error.status_code, Code.INVALID_REQUEST)
    reply = error_reply(code, text, error.status_code)
    reply.headers.update(headers)
    return reply


async def _bug(request: Request, error: Exception) -> Response:
    """Answer in JSON all the same; the host's log tells the rest."""
    return error_reply(Code.INTERNAL, "A bug in the dev server; its log tells more.", 500)
