"""Runs and functions in REST v1: shown, cancelled, annotated (server-api.md 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from inngest_asgi.dev.metadata import MAX_OF_RUN, read_metadata
from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.cancelling import cancel
from inngest_asgi.dev.web.replies import id_of, json_reply, parsed
from inngest_asgi.dev.web.v1.replies import enveloped, refused
from inngest_asgi.dev.web.views import function_record, job_view, run_view

if TYPE_CHECKING:
    from starlette.requests import Request

    from inngest_asgi.dev.web.served import Served

MOST_JOBS = 10

_RUN_AGE, _JOBS_AGE = 3, 5


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for runs and functions."""
    face = _Runs(server)
    return [
        Route("/v1/runs/{id}", face.show),
        Route("/v1/runs/{id}", face.cancel, methods=["DELETE"]),
        Route("/v1/runs/{id}/jobs", face.jobs),
        Route("/v1/runs/{id}/metadata", face.annotate, methods=["POST"]),
        Route("/v1/apps/{name:path}/functions", face.functions),
    ]


class _Runs:
    def __init__(self, server: Served) -> None:
        self._server = server

    async def show(self, request: Request) -> Response:
        run_id = id_of(request, "run")
        item = await self._server.queries.run(run_id)
        if item is None:
            # The real server answers 500, not 404 (server-api.md 4).
            raise refused(f"Unable to load run: {run_id}", 500)
        return enveloped(run_view(item), self._server.clock.time(), _RUN_AGE)

    async def cancel(self, request: Request) -> Response:
        """Cancel a run; one that has ended is left as it is, and that is no error."""
        run_id = id_of(request, "run")
        row = await self._server.store.run_row(run_id)
        if row is None:
            raise refused(f"There is no run {run_id}.", 404)
        if not row.status.ended:
            await cancel(self._server, run_id)
        return Response()

    async def jobs(self, request: Request) -> Response:
        jobs = await self._server.queries.jobs(id_of(request, "run"), MOST_JOBS)
        views = [job_view(job, position) for position, job in enumerate(jobs)]
        return enveloped(views, self._server.clock.time(), _JOBS_AGE)

    async def annotate(self, request: Request) -> Response:
        run_id = id_of(request, "run")
        target, updates = read_metadata(parsed(await body_of(request, 2 * MAX_OF_RUN)))
        await self._server.annotations.add(run_id, [(target, updates)])
        return Response()

    async def functions(self, request: Request) -> Response:
        name, registry = request.path_params["name"], self._server.registry
        app = next((app for app in registry.apps if app.name == name), None)
        if app is None:
            raise refused(f"There is no app {name!r}.", 404)
        functions = [one for one in registry.functions if one.app_id == app.id]
        return json_reply([function_record(function) for function in functions])
