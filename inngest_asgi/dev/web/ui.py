"""What the page shows, as it needs it: thin routes over the store; what others offer is not here.

Cancelling, rerunning and invoking go through REST v2, as everybody's do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from inngest_asgi.dev.options import MEMORY
from inngest_asgi.dev.store.filters import EventQuery, RunQuery
from inngest_asgi.dev.web.advice import advice
from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.replies import id_of, json_reply, parsed
from inngest_asgi.dev.web.timelines import timeline
from inngest_asgi.dev.web.ui_views import (
    STATUSES,
    app_view,
    event_row,
    event_view,
    function_view,
    record_view,
    run_view,
    span_view,
)
from inngest_asgi.dev.web.words import held_words
from inngest_asgi.dev.web.workers import worker_views
from inngest_asgi.errors import RequestError, SendEventsError
from inngest_asgi.version import VERSION
from inngest_asgi.wire.codec import Fragment

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from inngest_asgi.dev.records import RunStatus
    from inngest_asgi.dev.store.queries import RunItem
    from inngest_asgi.dev.web.served import Served

MOST_ROWS = 200

_STATUS_OF = {label: status for status, label in STATUSES.items()}


def routes(server: Served) -> list[Route]:
    """Return the routes that the page asks."""
    face = _Ui(server)
    return [
        Route("/ui/state", face.state),
        Route("/ui/runs", face.runs),
        Route("/ui/runs/{id}", face.run),
        Route("/ui/runs/{id}/steps/{step}", face.step),
        Route("/ui/events", face.events),
        Route("/ui/events", face.send, methods=["POST"]),
        Route("/ui/events/{id}", face.event),
        Route("/ui/apps", face.add_app, methods=["POST"]),
        Route("/ui/apps", face.remove_app, methods=["DELETE"]),
    ]


class _Ui:
    def __init__(self, server: Served) -> None:
        self._server = server

    async def state(self, request: Request) -> Response:
        registry, options = self._server.registry, self._server.options
        functions = registry.functions
        names = {app.id: app.name for app in registry.apps}
        return json_reply(
            {
                "now": self._server.clock.time(),
                "version": VERSION,
                "db": None if options.db == MEMORY else options.db,
                "apps": [app_view(app, functions) for app in registry.apps],
                "workers": worker_views(self._server.gateway.roster),
                "functions": [function_view(one, names.get(one.app_id, "")) for one in functions],
            }
        )

    async def runs(self, request: Request) -> Response:
        queries, given = self._server.queries, request.query_params
        slug = given.get("function")
        query = RunQuery(
            statuses=_statuses(given.get("status", "")),
            function_ids=None if not slug else self._server.registry.ids_of(slug),
            since=_number(given.get("since")),
            text=given.get("q", "").strip(),
            cursor=given.get("cursor") or None,
            limit=_limit(given.get("limit")),
        )
        try:
            page = await queries.runs(query)
        except ValueError as error:
            raise RequestError(f"Invalid cursor: {error}.", code="", status=400) from None
        counts = await queries.run_counts()
        return json_reply(
            {
                "now": self._server.clock.time(),
                "runs": [self._run_view(item) for item in page.items],
                "cursor": page.cursor,
                "counts": {label: counts.get(status, 0) for status, label in STATUSES.items()},
            }
        )

    async def run(self, request: Request) -> Response:
        run_id = id_of(request, "run")
        item = await self._server.queries.run(run_id)
        if item is None:
            raise RequestError(f"There is no run {run_id}.", code="not_found", status=404)
        root = await timeline(self._server, item.run, outputs=False)
        history = await self._server.store.history(run_id)
        events = await self._server.queries.events_of_run(run_id)
        output = item.run.output
        return json_reply(
            {
                "now": self._server.clock.time(),
                "run": self._run_view(item),
                "events": [event_view(event) for event in events],
                "output": None if output is None else Fragment(output),
                "trace": span_view(root),
                "log": [record_view(record) for record in history],
            }
        )

    async def step(self, request: Request) -> Response:
        """What a step took and what it left, which may be large."""
        run_id, step_id = id_of(request, "run"), request.path_params["step"]
        item = await self._server.queries.run(run_id)
        if item is None:
            raise RequestError(f"There is no run {run_id}.", code="not_found", status=404)
        root = await timeline(self._server, item.run, outputs=True)
        found = next((one for one in root.children if one.step_id == step_id), None)
        if found is None:
            raise RequestError("There is no such step.", code="not_found", status=404)
        return json_reply({"input": found.input, "output": found.output, "error": found.error})

    async def events(self, request: Request) -> Response:
        queries, given = self._server.queries, request.query_params
        query = EventQuery(
            name=given.get("name") or None,
            text=given.get("q", "").strip(),
            since=_number(given.get("since")),
            internal=given.get("internal") == "1",
            cursor=given.get("cursor") or None,
            limit=_limit(given.get("limit")),
        )
        page = await queries.events(query)
        runs = await queries.runs_of_events([event.internal_id for event in page.items])
        return json_reply(
            {
                "now": self._server.clock.time(),
                "events": [
                    event_row(event)
                    | {"runs": [self._run_view(item) for item in runs[event.internal_id]]}
                    for event in page.items
                ],
                "cursor": page.cursor,
            }
        )

    async def event(self, request: Request) -> Response:
        event_id = id_of(request, "event")
        event = await self._server.store.event(event_id)
        if event is None:
            raise RequestError(f"There is no event {event_id}.", code="not_found", status=404)
        runs = await self._server.queries.runs_of_events([event_id])
        held = await self._server.store.event_history(event_id)
        return json_reply(
            {
                "now": self._server.clock.time(),
                "event": event_view(event),
                "held": [held_words(record) for record in held],
                "runs": [self._run_view(item) for item in runs[event_id]],
            }
        )

    async def send(self, request: Request) -> Response:
        try:
            ids = await self._server.ingest.accept([parsed(await body_of(request))])
        except SendEventsError as error:
            raise RequestError(str(error), code="event_refused", status=400) from None
        return json_reply({"ids": ids})

    async def add_app(self, request: Request) -> Response:
        document = parsed(await body_of(request))
        url = document.get("url") if isinstance(document, dict) else None
        if not isinstance(url, str) or not url.strip():
            message = "Give the URL at which the app serves Inngest."
            raise RequestError(message, code="missing_field", status=400)
        result = await self._server.sync(url.strip())
        known = {"url": result.url, "app": result.app_name, "functions": result.functions}
        return json_reply(known | {"error": result.error, "advice": advice(result.error)})

    async def remove_app(self, request: Request) -> Response:
        url = request.query_params.get("url", "")
        if not await self._server.registry.remove(url, self._server.commits):
            raise RequestError(f"There is no app at {url!r}.", code="not_found", status=404)
        return json_reply({"ok": True})

    def _run_view(self, item: RunItem) -> dict[str, Any]:
        return run_view(item, self._server.registry.function(item.run.function_id))


def _statuses(text: str) -> tuple[RunStatus, ...]:
    return tuple(_STATUS_OF[word] for word in text.split(",") if word in _STATUS_OF)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise RequestError(f"{text!r} is not a number.", code="", status=400) from None


def _limit(text: str | None) -> int:
    return int(max(1, min(_number(text) or 50, MOST_ROWS)))
