"""Answers of workers: on whichever way they come, each counts once or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inngest_asgi.connect.frames import to_bytes
from inngest_asgi.dev import RunStatus
from tests.dev.fakes import (
    FakeApp,
    Reply,
    World,
    kinds,
    ops,
    output,
    ran,
    script,
    world,
)
from tests.dev.gateway.fakes import FakeWorker, response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from inngest_asgi.connect.messages import ExecutorRequest

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


async def flush(here: World, request: ExecutorRequest, reply: Reply = DONE) -> int:
    body = to_bytes(response(request, reply))
    answer = await here.http.post("/v0/connect/flush", content=body)
    return answer.status_code


def test_a_reply_without_acknowledgement_is_taken() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, acknowledges=False).ready()
        run = await here.run_one()
        assert run.status is RunStatus.COMPLETED
        assert len(worker.requests) == 1

    acted(shop(), act)


def test_a_reply_that_comes_twice_is_recorded_once() -> None:
    app = shop(script(ops(ran("a", 1)), DONE))

    async def act(here: World) -> None:
        worker = await FakeWorker(here, answers=False).ready()
        event_id = await here.send()
        await here.server.settle()
        first = worker.requests[0]
        reply = response(first, await worker._run(first))
        worker.say(reply)
        worker.say(reply)
        await here.server.settle()
        assert await flush(here, first, ops(ran("a", 2))) == 200
        assert worker.stored == [first.request_id] * 2
        await worker.work(worker.requests[1])
        (run,) = await here.finish(event_id)
        recorded = kinds(await here.server.history(run.id)).count("step_recorded")
        assert recorded == 1

    acted(app, act)


def test_a_late_reply_of_an_attempt_that_failed_counts_for_nothing() -> None:
    async def act(here: World) -> None:
        first = await FakeWorker(here, answers=False, instance_id="a").ready()
        event_id = await here.send()
        await here.server.settle()
        first.die()
        second = await FakeWorker(here, answers=False, instance_id="b").ready()
        await here.pass_time(180)
        assert len(second.requests) == 1
        assert await flush(here, first.requests[0], output("late")) == 200
        await second.work(second.requests[0])
        await here.server.settle()
        (run,) = await here.server.runs_of(event_id)
        assert run.output == b'"done"'

    acted(shop(), act)


def test_a_reply_by_flush_ends_the_call() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, answers=False).ready()
        event_id = await here.send()
        await here.server.settle()
        worker.die()
        assert await flush(here, worker.requests[0]) == 200
        assert await status_of(here, event_id) is RunStatus.COMPLETED

    acted(shop(), act)


def test_a_reply_while_its_call_waits_for_another_worker_counts() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, acknowledges=False, answers=False).ready()
        event_id = await here.send()
        await here.server.settle()
        worker.die()
        await here.server.settle()
        assert await flush(here, worker.requests[0]) == 200
        assert await status_of(here, event_id) is RunStatus.COMPLETED

    acted(shop(), act)


def test_a_reply_for_a_run_that_was_cancelled_meanwhile_may_be_forgotten() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, answers=False).ready()
        event_id = await here.send()
        await here.server.settle()
        (run,) = await here.server.runs_of(event_id)
        await here.http.delete(f"/v0/runs/{run.id}")
        await here.server.settle()
        await worker.work(worker.requests[0])
        await here.server.settle()
        assert worker.stored == [worker.requests[0].request_id]
        assert await status_of(here, event_id) is RunStatus.CANCELLED
        assert here.server.gateway.roster.in_flight("worker-1") == 0
        assert here.server.calls_in_progress == 0

    acted(shop(), act)


def test_a_reply_of_unknown_request_is_acknowledged() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, answers=False).ready()
        await here.send()
        await here.server.settle()
        request = replace(worker.requests[0], request_id="unknown")
        worker.say(response(request, DONE))
        assert worker.stored == []
        await here.server.settle()
        assert worker.stored == ["unknown"]

    acted(shop(), act)


def test_a_reply_that_comes_just_when_nobody_seems_to_have_the_call_counts() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, acknowledges=False, answers=False).ready()
        event_id = await here.send()
        await here.server.settle()
        worker.leave()
        stored: list[str] = []
        reply = response(worker.requests[0], DONE)
        here.server.gateway.calls.replied(reply, lambda: stored.append("yes"))
        await here.server.settle()
        assert stored == ["yes"]
        assert await status_of(here, event_id) is RunStatus.COMPLETED

    acted(shop(), act)


def test_a_reply_for_a_run_that_was_cancelled_while_it_waited_may_be_forgotten() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, acknowledges=False, answers=False).ready()
        event_id = await here.send()
        await here.server.settle()
        worker.die()
        await here.pass_time(10)
        (run,) = await here.server.runs_of(event_id)
        await here.http.delete(f"/v0/runs/{run.id}")
        await here.server.settle()
        assert await flush(here, worker.requests[0]) == 200
        assert await status_of(here, event_id) is RunStatus.CANCELLED

    acted(shop(), act)
