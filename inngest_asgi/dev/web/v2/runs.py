"""Runs in REST v2: listed, shown, drawn, run again, cancelled, scored (server-api.md 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from inngest_asgi.dev.records import RunStatus
from inngest_asgi.dev.reruns import FromStep
from inngest_asgi.dev.store.filters import RunQuery, TimeField
from inngest_asgi.dev.web.cancelling import cancel
from inngest_asgi.dev.web.timelines import timeline
from inngest_asgi.dev.web.v2.lookup import Lookup
from inngest_asgi.dev.web.v2.replies import (
    Asked,
    Code,
    answer,
    document_of,
    fields_of,
    page_of,
    refused,
    text_in,
    ulid_in,
)
from inngest_asgi.dev.web.v2.views import STATUSES, run_view, span_view

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from inngest_asgi.dev.store.queries import Page, RunItem
    from inngest_asgi.dev.web.served import Served

MOST_RUNS, MOST_EVENT_RUNS, USUAL = 100, 40, 20
MOST_DEPTH, USUAL_DEPTH = 10, 5

_FILTERS = ("limit", "cursor", "from", "until", "time_field", "status", "is_deferred", "order")
_TIMES = {
    "queuedat": TimeField.QUEUED,
    "startedat": TimeField.STARTED,
    "endedat": TimeField.ENDED,
}
_STATUS_OF = {label: status for status, label in STATUSES.items()}


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for runs."""
    face = _Runs(server)
    return [
        Route("/events/{event_id}/runs", face.of_event),
        Route("/runs", face.list),
        Route("/runs/{run_id}", face.show),
        Route("/runs/{run_id}/trace", face.trace),
        Route("/runs/{run_id}/rerun", face.rerun, methods=["POST"]),
        Route("/runs/{run_id}/cancel", face.cancel, methods=["POST"]),
        Route("/apps/{app:path}/functions/{function:path}/runs", face.of_function),
    ]


class _Runs:
    def __init__(self, server: Served) -> None:
        self._server = server
        self._lookup = Lookup(server)

    async def of_event(self, request: Request) -> Response:
        asked = Asked(request, "limit", "cursor", "include_output")
        limit, output = asked.number("limit", USUAL, MOST_EVENT_RUNS), asked.flag("include_output")
        query = RunQuery(
            event_id=ulid_in(request, "event_id"),
            cursor=asked.text("cursor"),
            limit=limit,
            newest_first=False,
            outputs=bool(output),
        )
        return await self._listed(query, output=bool(output))

    async def list(self, request: Request) -> Response:
        asked = Asked(request, *_FILTERS, "app_id", "function_id")
        apps = [self._lookup.app(name) for name in asked.all("app_id")]
        functions: tuple[str, ...] | None = None
        if asked.all("function_id"):
            if not apps:
                raise refused(Code.MISSING_FIELD, "function_id needs an app_id, too.")
            found = [self._lookup.function_of(apps, name) for name in asked.all("function_id")]
            functions = tuple(function.id for function in found)
        app_ids = tuple(app.id for app in apps) or None
        return await self._listed(_query(asked, app_ids=app_ids, function_ids=functions))

    async def of_function(self, request: Request) -> Response:
        app = self._lookup.app(request.path_params["app"])
        function = self._lookup.function_of([app], request.path_params["function"])
        query = _query(Asked(request, *_FILTERS), app_ids=None, function_ids=(function.id,))
        return await self._listed(query)

    async def show(self, request: Request) -> Response:
        output = Asked(request, "include_output").flag("include_output")
        item = await self._item(request)
        events = await self._server.queries.events_of_run(item.run.id)
        ids = [event.internal_id for event in events] or [item.run.event_id]
        return self._answer(self._view(item, ids, output=bool(output)))

    async def trace(self, request: Request) -> Response:
        asked = Asked(request, "include_output", "max_depth")
        depth = asked.number("max_depth", USUAL_DEPTH, MOST_DEPTH)
        output = bool(asked.flag("include_output"))
        item = await self._item(request)
        root = await timeline(self._server, item.run, outputs=output)
        view = {"runId": item.run.id, "rootSpan": span_view(root, depth, output=output)}
        return self._answer(view)

    async def rerun(self, request: Request) -> Response:
        run_id = ulid_in(request, "run_id")
        fields = await document_of(request, "from_step")
        start = _from_step(fields["from_step"]) if "from_step" in fields else None
        return self._answer({"runId": await self._server.reruns.rerun(run_id, start)})

    async def cancel(self, request: Request) -> Response:
        item = await self._item(request)
        if item.run.status is RunStatus.CANCELLED:
            raise refused(Code.CANCELLED, "The run has been cancelled already.", 409)
        if item.run.status.ended:
            raise refused(Code.ENDED, "The run has ended already.", 409)
        await cancel(self._server, item.run.id)
        return self._answer({"runId": item.run.id})

    async def _item(self, request: Request) -> RunItem:
        run_id = ulid_in(request, "run_id")
        item = await self._server.queries.run(run_id)
        if item is None:
            raise refused(Code.NOT_FOUND, f"There is no run {run_id}.", 404)
        return item

    async def _listed(self, query: RunQuery, *, output: bool = False) -> Response:
        try:
            page: Page[RunItem] = await self._server.queries.runs(query)
        except ValueError as error:
            raise refused(Code.INVALID_FIELD, f"{error}.".capitalize()) from None
        views = [self._view(item, [item.run.event_id], output=output) for item in page.items]
        now = self._server.clock.time()
        return answer(views, now, page_of(page.cursor, query.limit))

    def _view(self, item: RunItem, event_ids: Any, *, output: bool) -> dict[str, Any]:
        function = self._server.registry.function(item.run.function_id)
        app = self._lookup.app_of(function)
        return run_view(item, app, function, event_ids, output=output)

    def _answer(self, data: Any) -> Response:
        return answer(data, self._server.clock.time())


def _query(
    asked: Asked, *, app_ids: tuple[str, ...] | None, function_ids: tuple[str, ...] | None
) -> RunQuery:
    return RunQuery(
        statuses=tuple(_status(name) for name in asked.all("status")),
        app_ids=app_ids,
        function_ids=function_ids,
        time=_time(asked.text("time_field")),
        since=asked.moment("from"),
        until=asked.moment("until"),
        deferred=asked.flag("is_deferred"),
        newest_first=_newest_first(asked.text("order")),
        cursor=asked.text("cursor"),
        limit=asked.number("limit", USUAL, MOST_RUNS),
    )


def _status(name: str) -> RunStatus:
    status = _STATUS_OF.get(name.upper())
    if status is None:
        names = ", ".join(_STATUS_OF)
        raise refused(Code.INVALID_FIELD, f"status must be one of {names}, not {name!r}.")
    return status


def _time(name: str | None) -> TimeField:
    """Read `queuedAt`, `queued_at` or `QUEUED_AT`; the default is when runs were queued."""
    time = _TIMES.get((name or "queuedAt").replace("_", "").lower())
    if time is None:
        message = f"time_field must be queuedAt, startedAt or endedAt, not {name!r}."
        raise refused(Code.INVALID_FIELD, message)
    return time


def _newest_first(order: str | None) -> bool:
    name = (order or "DESC").upper()
    if name not in ("DESC", "ASC"):
        raise refused(Code.INVALID_FIELD, f"order must be DESC or ASC, not {order!r}.")
    return name == "DESC"


def _from_step(document: Any) -> FromStep:
    fields = fields_of(document, "from_step", "step_id", "input")
    given = fields.get("input")
    if not isinstance(given, list | None):
        raise refused(Code.INVALID_FIELD, "input must be an array: the arguments of the step.")
    return FromStep(text_in(fields, "step_id"), given)
