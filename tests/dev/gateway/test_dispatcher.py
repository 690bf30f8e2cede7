"""Calls that go to workers: from the queue over a socket and back, on a clock moved by hand."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.connect.frames import to_bytes, to_frame
from inngest_asgi.connect.messages import WorkerReady
from inngest_asgi.dev import RunStatus
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import (
    Call,
    FakeApp,
    Reply,
    World,
    crash,
    op,
    ops,
    output,
    parallel,
    ran,
    script,
    sha1,
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


def test_a_function_runs_over_a_socket() -> None:
    def handler(call: Call) -> Reply:
        if sha1("a") not in call.steps:
            return ops(ran("a", 1))
        if sha1("nap") not in call.steps:
            return ops(op("Sleep", "nap", opts={"duration": "1h"}))
        return output(call.steps[sha1("a")])

    app = shop(handler)

    async def act(here: World) -> None:
        worker = await FakeWorker(here).ready()
        run = await here.run_one()
        assert loads(run.output or b"") == {"data": 1}
        assert worker.stored == [one.request_id for one in worker.requests]
        assert [one.function_slug for one in worker.requests] == ["shop-pay"] * 3

    acted(app, act)


def test_a_request_carries_what_a_call_does() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here).ready()
        run = await here.run_one(data={"amount": 5})
        (request,) = worker.requests
        body = json.loads(request.request_payload)
        traces = json.loads(request.system_trace_ctx)
        assert body["event"]["data"] == {"amount": 5}
        assert body["ctx"]["request_id"] == request.request_id
        assert request.run_id == run.id
        assert request.job_id == body["ctx"]["job_id"]
        assert request.step_id == "step"
        assert (request.app_name, request.app_id) == ("shop", here.server.apps[0].id)
        assert request.function_id == body["ctx"]["fn_id"]
        assert set(traces) == {"traceparent", "tracestate"}
        assert request.user_trace_ctx == request.system_trace_ctx

    acted(shop(), act)


def test_steps_in_parallel_are_targeted() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here).ready()
        run = await here.run_one()
        assert loads(run.output or b"") == ["A", "B"]
        assert {one.step_id for one in worker.requests} == {"step", sha1("a"), sha1("b")}

    acted(shop(parallel("a", "b")), act)


def test_a_failed_attempt_is_made_again_when_the_worker_wants() -> None:
    async def act(here: World) -> None:
        await FakeWorker(here).ready()
        run = await here.run_one()
        assert run.status is RunStatus.COMPLETED
        assert run.ended_at == run.queued_at + 60

    acted(shop(script(crash(retry_after="60"), DONE)), act)


def test_a_run_waits_for_a_worker_and_costs_no_attempt() -> None:
    app = shop()

    async def act(here: World) -> None:
        await (worker := FakeWorker(here)).ready()
        worker.die()
        event_id = await here.send()
        await here.pass_time(3600)
        assert await status_of(here, event_id) is RunStatus.SCHEDULED
        await FakeWorker(here).ready()
        assert await status_of(here, event_id) is RunStatus.COMPLETED
        assert [call.ctx["attempt"] for call in app.calls] == [0]

    acted(app, act)


def test_a_run_that_is_cancelled_while_it_waits_is_never_sent() -> None:
    async def act(here: World) -> None:
        await (worker := FakeWorker(here)).ready()
        worker.die()
        event_id = await here.send()
        await here.server.settle()
        (run,) = await here.server.runs_of(event_id)
        await here.http.delete(f"/v0/runs/{run.id}")
        await here.server.settle()
        later = await FakeWorker(here).ready()
        assert later.requests == []
        assert await status_of(here, event_id) is RunStatus.CANCELLED

    acted(shop(), act)


def test_a_worker_gets_no_more_than_it_wants() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, answers=False, max_worker_concurrency=2).ready()
        for _ in range(5):
            await here.send()
        await here.server.settle()
        seen = [len(worker.requests)]
        for at in range(5):
            await worker.work(worker.requests[at])
            await here.server.settle()
            seen.append(len(worker.requests))
        assert seen == [2, 3, 4, 5, 5, 5]

    acted(shop(), act)


def test_two_connections_of_an_instance_share_its_limit() -> None:
    async def act(here: World) -> None:
        workers = [FakeWorker(here, answers=False, max_worker_concurrency=1) for _ in range(2)]
        await here.server.settle()
        await here.send()
        await here.send()
        await here.server.settle()
        assert sum(len(worker.requests) for worker in workers) == 1

    acted(shop(), act)


def test_a_worker_that_pauses_gets_nothing_new_and_its_reply_counts() -> None:
    async def act(here: World) -> None:
        first = await FakeWorker(here, answers=False, instance_id="one").ready()
        event_id = await here.send()
        await here.server.settle()
        first.pause()
        later_id = await here.send()
        await here.server.settle()
        await first.work(first.requests[0])
        await here.server.settle()
        assert await status_of(here, event_id) is RunStatus.COMPLETED
        assert await status_of(here, later_id) is RunStatus.SCHEDULED
        await FakeWorker(here, instance_id="two").ready()
        assert await status_of(here, later_id) is RunStatus.COMPLETED

    acted(shop(), act)


def test_what_is_not_acknowledged_goes_to_another_worker() -> None:
    async def act(here: World) -> None:
        deaf = await FakeWorker(here, acknowledges=False, answers=False, instance_id="a").ready()
        event_id = await here.send()
        await here.server.settle()
        good = await FakeWorker(here, instance_id="b").ready()
        await here.finish(event_id)
        assert deaf.requests[0].request_id == good.requests[0].request_id
        assert await status_of(here, event_id) is RunStatus.COMPLETED
        assert here.server.gateway.roster.in_flight("a") == 0

    acted(shop(), act)


def test_what_nobody_acknowledges_is_offered_again_and_costs_no_attempt() -> None:
    async def act(here: World) -> None:
        deaf = await FakeWorker(here, acknowledges=False, answers=False).ready()
        event_id = await here.send()
        await here.pass_time(12)
        deaf.acknowledges = deaf.answers = True
        await here.finish(event_id)
        assert await status_of(here, event_id) is RunStatus.COMPLETED
        assert len({one.request_id for one in deaf.requests}) == 1
        assert len(deaf.requests) == 4
        assert json.loads(deaf.requests[-1].request_payload)["ctx"]["attempt"] == 0

    acted(shop(), act)


def test_what_a_worker_had_not_acknowledged_when_it_left_is_sent_at_once_to_another() -> None:
    async def act(here: World) -> None:
        first = await FakeWorker(here, acknowledges=False, answers=False, instance_id="a").ready()
        event_id = await here.send()
        await here.server.settle()
        await FakeWorker(here, instance_id="b").ready()
        before = here.clock.time()
        first.leave()
        await here.server.settle()
        assert await status_of(here, event_id) is RunStatus.COMPLETED
        assert here.clock.time() == before

    acted(shop(), act)


def test_what_a_worker_had_not_acknowledged_when_it_died_is_soon_sent_to_another() -> None:
    async def act(here: World) -> None:
        first = await FakeWorker(here, acknowledges=False, answers=False, instance_id="a").ready()
        event_id = await here.send()
        await here.server.settle()
        await FakeWorker(here, instance_id="b").ready()
        first.die()
        await here.pass_time(1.9)
        assert await status_of(here, event_id) is RunStatus.RUNNING
        await here.pass_time(0.2)
        assert await status_of(here, event_id) is RunStatus.COMPLETED

    acted(shop(), act)


def test_a_worker_whose_acknowledgement_was_lost_with_its_connection_keeps_the_request() -> None:
    async def act(here: World) -> None:
        first = await FakeWorker(here, acknowledges=False, answers=False, instance_id="a").ready()
        event_id = await here.send()
        await here.server.settle()
        other = await FakeWorker(here, instance_id="b").ready()
        first.die()
        again = await FakeWorker(here, instance_id="a").ready()
        assert await status_of(here, event_id) is RunStatus.COMPLETED
        assert [one.request_id for one in again.requests] == [first.requests[0].request_id]
        assert other.requests == []

    acted(shop(), act)


def test_a_request_is_not_sent_on_an_older_connection_that_may_be_dead_too() -> None:
    async def act(here: World) -> None:
        older = await FakeWorker(here, instance_id="a").ready()
        older.pause()
        await here.pass_time(1)
        newer = await FakeWorker(here, acknowledges=False, answers=False, instance_id="a").ready()
        event_id = await here.send()
        await here.server.settle()
        here.server.gateway.received(older.link, to_frame(WorkerReady()))
        newer.die()
        await here.server.settle()
        assert older.requests == []
        again = await FakeWorker(here, instance_id="a").ready()
        assert await status_of(here, event_id) is RunStatus.COMPLETED
        assert len(again.requests) == 1

    acted(shop(), act)


def test_a_worker_that_was_back_before_its_connection_died_keeps_the_request() -> None:
    async def act(here: World) -> None:
        first = await FakeWorker(here, acknowledges=False, answers=False, instance_id="a").ready()
        event_id = await here.send()
        await here.server.settle()
        other = await FakeWorker(here, instance_id="b").ready()
        again = await FakeWorker(here, instance_id="a").ready()
        assert again.requests == []
        first.die()
        await here.server.settle()
        assert await status_of(here, event_id) is RunStatus.COMPLETED
        assert (len(again.requests), other.requests) == (1, [])

    acted(shop(), act)


@pytest.mark.parametrize("is_there", [True, False], ids=["with-a-worker", "without"])
def test_an_app_that_is_served_over_http_too_is_called_over_its_socket(is_there: bool) -> None:  # noqa: FBT001
    app = shop()

    async def act(here: World) -> None:
        worker = await FakeWorker(here).ready()
        await here.server.sync("http://app.test/api/inngest")
        if not is_there:
            worker.die()
        run = await here.run_one()
        assert run.status is RunStatus.COMPLETED
        assert len(worker.requests) == is_there
        assert len(app.calls) == 1

    acted(app, act)


def test_no_more_than_three_workers_are_tried_in_a_row() -> None:
    async def act(here: World) -> None:
        deaf = [
            FakeWorker(here, acknowledges=False, answers=False, instance_id=name)
            for name in ("a", "b", "c", "d")
        ]
        await here.server.settle()
        event_id = await here.send()
        await here.pass_time(14)
        assert sorted(len(worker.requests) for worker in deaf) == [0, 1, 1, 1]
        for worker in deaf:
            worker.acknowledges = worker.answers = True
        await here.finish(event_id)
        assert sum(len(worker.requests) for worker in deaf) == 4

    acted(shop(), act)


def test_a_bug_between_the_choice_of_a_worker_and_the_call_leaves_no_room_taken(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(here: World) -> None:
        gateway = here.server.gateway

        def broken(*_: object) -> None:
            monkeypatch.undo()
            raise ValueError("A bug.")

        workers = [FakeWorker(here, instance_id=name, answers=False) for name in "ab"]
        await here.server.settle()
        monkeypatch.setattr(gateway.calls, "request_id", broken)
        event_id = await here.send()
        await here.pass_time(31)
        assert sum(gateway.roster.in_flight(name) for name in "ab") == 1
        (busy,) = [worker for worker in workers if worker.requests]
        await busy.work(busy.requests[0])
        await here.server.settle()
        assert await status_of(here, event_id) is RunStatus.COMPLETED
        assert "A bug in the server" in caplog.text

    acted(shop(), act)
