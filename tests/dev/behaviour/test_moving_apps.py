"""Functions that move between workers and HTTP: no call waits for a worker that is not needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inngest_asgi.dev import RunStatus
from tests.dev.fakes import URL, FakeApp, World, output, world
from tests.dev.gateway.fakes import FakeWorker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def acted(act: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        app = FakeApp().add("pay", lambda call: output("done"))
        async with world(app, sync=False) as here:
            await act(here)

    asyncio.run(main())


def test_a_call_that_waits_for_a_worker_goes_over_http_once_its_app_does() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here).ready()
        worker.die()
        event_id = await here.send()
        await here.server.settle()
        assert (await here.server.sync(URL)).ok
        await here.pass_time(60)
        (run,) = await here.server.runs_of(event_id)
        assert (run.status, worker.requests) == (RunStatus.COMPLETED, [])

    acted(act)


def test_a_call_that_waits_for_a_busy_worker_goes_over_http_when_that_pauses() -> None:
    async def act(here: World) -> None:
        await here.server.sync(URL)
        worker = FakeWorker(here, answers=False, max_worker_concurrency=1)
        await worker.ready()
        assert (await here.server.sync(URL)).ok
        await here.send()
        await here.server.settle()
        waits = await here.send()
        await here.server.settle()
        assert here.app.calls == []
        worker.pause()
        await here.pass_time(60)
        (run,) = await here.server.runs_of(waits)
        assert (run.status, len(here.app.calls)) == (RunStatus.COMPLETED, 1)

    acted(act)
