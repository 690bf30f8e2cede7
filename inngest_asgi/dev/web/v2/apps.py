"""Apps and functions in REST v2: listed, shown, functions invoked (server-api.md 5)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.routing import Route

from inngest_asgi.dev.ingest import MAX_EVENT
from inngest_asgi.dev.records import Changes, Happening
from inngest_asgi.dev.web.replies import json_reply
from inngest_asgi.dev.web.v2.lookup import Lookup
from inngest_asgi.dev.web.v2.replies import (
    Asked,
    Code,
    answer,
    document_of,
    page_of,
    refused,
    text_in,
)
from inngest_asgi.dev.web.v2.views import app_view, function_view
from inngest_asgi.dev.web.views import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from inngest_asgi.dev.records import Function, StoredEvent
    from inngest_asgi.dev.web.served import Served

T = TypeVar("T")

USUAL, MOST = 20, 100

_TOLD = (Happening.NOT_STARTED, Happening.EVENT_WAITING)
_REFUSALS = {
    "rate_limit": (Code.RATE_LIMITED, "The function is rate limited; try again later."),
    "idempotency": (Code.RATE_LIMITED, "The function ran for the same idempotency key before."),
    "debounce": (Code.DEBOUNCED, "The function is debounced; it runs once its period is over."),
    "batch": (Code.DEBOUNCED, "The function runs in batches; it runs once this one is complete."),
    "singleton": (Code.SKIPPED, "A run of the function has not ended, and there may be one only."),
    "older": (Code.SKIPPED, "A newer event of the same debounce came before."),
}


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for apps and functions."""
    face = _Apps(server)
    function = "/apps/{app:path}/functions/{function:path}"
    return [
        Route("/apps", face.list),
        Route(f"{function}/invoke", face.invoke, methods=["POST"]),
        Route(function, face.function),
        Route("/apps/{app:path}/functions", face.functions),
        Route("/apps/{app:path}", face.show),
    ]


class _Apps:
    def __init__(self, server: Served) -> None:
        self._server = server
        self._lookup = Lookup(server)

    async def list(self, request: Request) -> Response:
        apps = self._server.registry.apps
        return self._listed(
            request,
            apps,
            lambda app: app.name,
            lambda app: app_view(app, len(self._lookup.functions_of(app))),
        )

    async def show(self, request: Request) -> Response:
        Asked(request)
        app = self._lookup.app(request.path_params["app"])
        return self._answer(app_view(app, len(self._lookup.functions_of(app))))

    async def functions(self, request: Request) -> Response:
        app = self._lookup.app(request.path_params["app"])
        functions = self._lookup.functions_of(app)
        return self._listed(
            request, functions, lambda one: one.slug, lambda one: function_view(one, app)
        )

    async def function(self, request: Request) -> Response:
        Asked(request)
        function = self._found(request)
        return self._answer(function_view(function, self._lookup.app_of(function)))

    async def invoke(self, request: Request) -> Response:
        fields = await document_of(request, "data", "idempotency_key")
        function = self._found(request)
        event = self._event(function, fields)
        changes = Changes()
        run = self._server.invokes.start(function.id, event, changes)
        await self._server.commits.commit(changes)
        if run is None:
            return await self._refusal(function, event, changes)
        queued = moment(run.queued_at)
        return self._answer({"runId": run.id, "status": "QUEUED", "queuedAt": queued})

    def _event(self, function: Function, fields: dict[str, Any]) -> StoredEvent:
        data = fields.get("data", {})
        if not isinstance(data, dict):
            raise refused(Code.INVALID_FIELD, "data must be an object.")
        payload: dict[str, Any] = {"data": data}
        about = {"type": "api"}
        if "idempotency_key" in fields:
            key = text_in(fields, "idempotency_key")
            digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
            payload["id"] = about["invoke_idempotency"] = digest
        event = self._server.invokes.event(function.id, payload, about)
        if len(event.body) > MAX_EVENT:
            raise refused(Code.VALIDATION, "data is over the max size of an event.", 413)
        return event

    async def _refusal(self, function: Function, event: StoredEvent, changes: Changes) -> Response:
        """Tell why there is no run, or not yet; the same key again is told of the first run."""
        told = [record.details for record in changes.records if record.kind in _TOLD]
        reason = next(one["reason"] for one in told if one["function"] == function.slug)
        if reason in _REFUSALS:
            raise refused(*_REFUSALS[reason], status=422)
        run_id = await self._server.queries.started_by(function.id, event.id)
        error = {
            "code": Code.IDEMPOTENCY,
            "message": f"The function was invoked with this idempotency key before: run {run_id}.",
        }
        return json_reply({"errors": [error], "data": {"runId": run_id}}, status=409)

    def _found(self, request: Request) -> Function:
        app = self._lookup.app(request.path_params["app"])
        return self._lookup.function_of([app], request.path_params["function"])

    def _listed(
        self,
        request: Request,
        items: Sequence[T],
        key: Callable[[T], str],
        view: Callable[[T], dict[str, Any]],
    ) -> Response:
        """Answer with a part of a list that is sorted by `key`, which also is the cursor."""
        asked = Asked(request, "limit", "cursor")
        limit, after = asked.number("limit", USUAL, MOST), asked.text("cursor") or ""
        rest = [item for item in items if key(item) > after]
        cursor = key(rest[limit - 1]) if len(rest) > limit else None
        page = page_of(cursor, limit)
        return answer([view(item) for item in rest[:limit]], self._server.clock.time(), page)

    def _answer(self, data: Any) -> Response:
        return answer(data, self._server.clock.time())
