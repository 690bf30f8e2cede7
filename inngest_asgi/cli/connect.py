"""`inngest-asgi connect`: a worker without HTTP, but for the probes of whoever watches over it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from inngest_asgi.cli.loading import load_object
from inngest_asgi.cli.serving import listening, served
from inngest_asgi.client.inngest import Inngest
from inngest_asgi.connect.options import ConnectOptions
from inngest_asgi.connect.session.states import ConnectionState
from inngest_asgi.connect.worker import worker_of
from inngest_asgi.routes.app import InngestApp
from inngest_asgi.routes.messages import Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inngest_asgi.connect.worker import Worker

_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - probes come from outside of the container
_READY_PATHS = ("/ready", "/health/ready")
_LIVE_PATH = "/health/live"


@click.command("connect")
@click.argument("target", metavar="MODULE:APP")
@click.option(
    "--health-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Serve /ready, /health/ready and /health/live on this port, for probes.",
)
@click.option(
    "--instance-id",
    metavar="NAME",
    help="What the worker is called; by default as the platform or the host is.",
)
@click.option(
    "--max-worker-concurrency",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="Requests it takes at a time; 0 for no limit.",
)
def connect(
    target: str,
    *,
    health_port: int | None,
    instance_id: str | None,
    max_worker_concurrency: int | None,
) -> None:
    """Run a worker, which gets its work over a connection of its own and needs no open port.

    MODULE:APP is what inngest.serve() made, or a client. Ctrl-C or SIGTERM lets requests in
    progress end; the second one ends the process at once.
    """
    _log_to_stderr()
    told = {"instance_id": instance_id, "max_worker_concurrency": max_worker_concurrency}
    given = {name: value for name, value in told.items() if value is not None}
    worker = _worker(load_object(target), target, given)
    with _probed(worker, health_port):
        asyncio.run(worker.start())


def _worker(app: Any, target: str, given: dict[str, Any]) -> Worker:
    if isinstance(app, Inngest):
        return worker_of([app], ConnectOptions(**given))
    if not isinstance(app, InngestApp):
        raise click.ClickException(
            f"{target!r} is {app!r}; name what inngest.serve(...) returned, or the client."
        )
    options = replace(app.connect_options or ConnectOptions(), **given)
    return worker_of([(app.client, app.functions)], options)


def _log_to_stderr() -> None:
    """Show what the worker says; the requests it makes would only hide that."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s")
    for name in ("httpx", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)


@contextlib.contextmanager
def _probed(worker: Worker, port: int | None) -> Iterator[None]:
    """Answer probes inside the context, on a thread of their own: user code that blocks its event
    loop is no reason to restart a worker whose connection is well.
    """
    if port is None:
        yield
        return
    with listening(port, option="--health-port", what="probes", host=_EVERY_ADDRESS) as listener:
        loop = asyncio.new_event_loop()
        stop = asyncio.Event()

        async def serve() -> None:
            async with served(Probes(worker), listener):
                await stop.wait()

        def run() -> None:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(serve())

        thread = threading.Thread(target=run, name="inngest-probes", daemon=True)
        thread.start()
        click.echo(f"Probes are answered on port {listener.getsockname()[1]}", err=True)
        try:
            yield
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()


class Probes:
    """An ASGI application that tells how a worker is: ready when connected, live unless failed.

    Args:
        worker: the worker.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._response(scope["path"]).send(send)
        elif scope["type"] == "lifespan":
            await _stay_up(receive, send)

    def _response(self, path: str) -> Response:
        worker = self._worker
        state = worker.get_state()
        document = {
            "state": state,
            "problem": worker.problem,
            "connection_id": worker.get_connection_id(),
            "counters": worker.counters.picture(),
        }
        if path in _READY_PATHS:
            ready = state is ConnectionState.ACTIVE
            return Response.json(200 if ready else 503, {"ready": ready, **document})
        if path == _LIVE_PATH:
            live = not worker.broken
            return Response.json(200 if live else 503, {"live": live, **document})
        return Response.json(404, {"message": "Ask for /ready, /health/ready or /health/live."})


async def _stay_up(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
