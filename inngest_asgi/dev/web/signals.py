"""The route by which somebody wakes the run that waits for a signal (server-api.md 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from inngest_asgi.dev.records import Changes, MatchKind
from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.replies import json_reply, parsed
from inngest_asgi.dev.web.views import moment
from inngest_asgi.errors import RequestError
from inngest_asgi.wire.codec import dumps

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from inngest_asgi.dev.web.served import Served


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for signals."""

    async def signal(request: Request) -> Response:
        name, data = _signal(parsed(await body_of(request)))
        changes, memo = Changes(), dumps({"data": {"signal": name, "data": data}})
        job = server.pauses.resolve(MatchKind.SIGNAL, name, memo, changes)
        if job is None:
            raise RequestError("No signal found", code="", status=404)
        await server.commits.commit(changes)
        metadata = {"fetched_at": moment(server.clock.time())}
        return json_reply({"data": {"run_id": job.run_id}, "metadata": metadata})

    return [Route("/v1/signals", signal, methods=["POST"])]


def _signal(document: Any) -> tuple[str, Any]:
    fields = document if isinstance(document, dict) else {}
    name = fields.get("signal")
    if not isinstance(name, str) or not name:
        raise RequestError("Invalid signal data", code="", status=400)
    return name, fields.get("data")
