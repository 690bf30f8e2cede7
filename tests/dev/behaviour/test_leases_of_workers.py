"""How long a call of a worker may last, and what becomes of it when the worker stops."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev import RunStatus
from tests.dev.fakes import (
    FakeApp,
    World,
    output,
    world,
)
from tests.dev.gateway.fakes import FakeWorker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


DONE = output("done")


def shop(handler: Any = None, **more: Any) -> FakeApp:
    return FakeApp().add("pay", handler or (lambda call: DONE), **more)


def acted(app: FakeApp, act: Callable[[World], Awaitable[None]], **options: Any) -> None:
    """Do something in the world of a server that knows no app yet."""

    async def main() -> None:
        async with world(app, sync=False, **options) as here:
            await act(here)

    asyncio.run(main())


async def status_of(here: World, event_id: str) -> RunStatus:
    (run,) = await here.server.runs_of(event_id)
    return run.status


def test_work_that_stopped_is_a_failed_attempt_and_done_elsewhere() -> None:
    app = shop()

    async def act(here: World) -> None:
        first = await FakeWorker(here, answers=False, instance_id="a").ready()
        event_id = await here.send()
        await here.server.settle()
        first.die()
        second = await FakeWorker(here, instance_id="b").ready()
        began = here.clock.time()
        (run,) = await here.finish(event_id)
        failed = [
            one for one in await here.server.history(run.id) if str(one.kind) == "attempt_failed"
        ]
        assert failed[0].at == began + 125
        assert failed[0].details["error"]["code"] == "connect_worker_stopped_responding"
        assert json.loads(second.requests[0].request_payload)["ctx"]["attempt"] == 1
        assert second.requests[0].request_id != first.requests[0].request_id

    acted(app, act)


def test_extending_a_lease_keeps_work_going() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, answers=False).ready()
        event_id = await here.send()
        await here.server.settle()
        for _ in range(10):
            await here.pass_time(100)
            worker.extend(worker.requests[0])
        await worker.work(worker.requests[0])
        await here.server.settle()
        assert await status_of(here, event_id) is RunStatus.COMPLETED

    acted(shop(), act)


def test_a_call_may_last_two_hours() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, answers=False, max_worker_concurrency=1).ready()
        event_id = await here.send()
        await here.server.settle()
        for _ in range(73):
            await here.pass_time(100)
            worker.extend(worker.requests[0])
        await here.server.settle()
        (run,) = await here.server.runs_of(event_id)
        failed = [
            one for one in await here.server.history(run.id) if str(one.kind) == "attempt_failed"
        ]
        assert failed[0].details["error"]["code"] == "request_duration_too_long"

    acted(shop(), act)


def test_a_worker_that_extends_what_it_did_not_acknowledge_has_taken_it() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, acknowledges=False, answers=False).ready()
        await here.send()
        await here.server.settle()
        worker.extend(worker.requests[0])
        await here.pass_time(20)
        assert len(worker.requests) == 1

    acted(shop(), act)
