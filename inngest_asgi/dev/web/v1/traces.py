"""Spans of user code, which OpenTelemetry exporters send (server-api.md 3.2 and 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from inngest_asgi.dev.otlp import json_answer, protobuf_answer, read_json, read_protobuf
from inngest_asgi.dev.userland import run_of, span_document
from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.replies import json_reply, parsed
from inngest_asgi.dev.web.v1.replies import refused

if TYPE_CHECKING:
    from starlette.requests import Request

    from inngest_asgi.dev.otlp import ExportedSpan
    from inngest_asgi.dev.web.served import Served

MAX_TRACES = 8 * 1024 * 1024
MOST_SPANS = 5_000
"""Spans of one run; a timeline with more is nothing anybody looks at."""

_PROTOBUF = "application/x-protobuf"
_TYPES = ("application/json", _PROTOBUF)


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for spans."""
    face = _Traces(server)
    return [
        Route("/v1/traces/userland", face.userland, methods=["POST"]),
        Route("/dev/traces", face.dev, methods=["POST"]),
    ]


class _Traces:
    def __init__(self, server: Served) -> None:
        self._server = server

    async def userland(self, request: Request) -> Response:
        """Take spans as protobuf, unless the content type says that they are JSON."""
        return await self._take(request, json="json" in _type(request))

    async def dev(self, request: Request) -> Response:
        """Take spans whose content type says what they are."""
        kind = _type(request)
        if kind not in _TYPES:
            raise refused(f"Traces are {' or '.join(_TYPES)}, not {kind!r}.")
        return await self._take(request, json=kind != _PROTOBUF)

    async def _take(self, request: Request, *, json: bool) -> Response:
        body = await body_of(request, MAX_TRACES)
        rejected = await self._keep(read_json(parsed(body)) if json else read_protobuf(body))
        if json:
            return json_reply(json_answer(rejected))
        return Response(protobuf_answer(rejected), media_type=_PROTOBUF)

    async def _keep(self, spans: list[ExportedSpan]) -> int:
        """Keep the spans of runs that are known and have room; return how many were others."""
        of_run: dict[str, list[ExportedSpan]] = {}
        for span in spans:
            run_id = run_of(span)
            if run_id is not None:
                of_run.setdefault(run_id, []).append(span)
        kept = []
        for run_id in await self._server.queries.known_runs(list(of_run)):
            room = max(MOST_SPANS - await self._server.notes.span_count(run_id), 0)
            kept += [(run_id, span.id, span_document(span)) for span in of_run[run_id][:room]]
        if kept:
            await self._server.notes.put_spans(kept)
        return len(spans) - len(kept)


def _type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
