"""Calls that go to workers: from the queue over a socket and back, on a clock moved by hand."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.connect.frames import to_bytes
from inngest_asgi.dev import RunStatus
from inngest_asgi.errors import RequestError
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import (
    Call,
    FakeApp,
    Reply,
    World,
    crash,
    kinds,
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
    from pathlib import Path

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


def test_a_reply_without_acknowledgement_is_taken() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, acknowledges=False).ready()
        run = await here.run_one()
        assert run.status is RunStatus.COMPLETED
        assert len(worker.requests) == 1

    acted(shop(), act)


def test_what_a_worker_had_not_acknowledged_when_it_died_is_sent_at_once_to_another() -> None:
    async def act(here: World) -> None:
        first = await FakeWorker(here, acknowledges=False, answers=False, instance_id="a").ready()
        event_id = await here.send()
        await here.server.settle()
        await FakeWorker(here, instance_id="b").ready()
        before = here.clock.time()
        first.die()
        await here.server.settle()
        assert await status_of(here, event_id) is RunStatus.COMPLETED
        assert here.clock.time() == before

    acted(shop(), act)


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


# Under the next server on the same file


class Twice:
    """A call that is under way when its server stops, and what the next server makes of it."""

    def __init__(self, tmp_path: Path, app: FakeApp | None = None, **options: Any) -> None:
        self.app = app or shop()
        self.clock = ManualClock()
        self.options: dict[str, Any] = {"db": str(tmp_path / "dev.db"), "sync": False} | options

    async def begin(self) -> tuple[str, ExecutorRequest]:
        async with world(self.app, clock=self.clock, **self.options) as here:
            worker = await FakeWorker(here, answers=False).ready()
            event_id = await here.send()
            await here.server.settle()
            return event_id, worker.requests[0]

    def again(self, **options: Any) -> Any:
        return world(self.app, clock=self.clock, **(self.options | options))


def test_a_flush_to_the_next_server_is_taken(tmp_path: Path) -> None:
    async def main() -> None:
        twice = Twice(tmp_path)
        event_id, request = await twice.begin()
        async with twice.again() as here:
            assert await flush(here, request) == 200
            assert await status_of(here, event_id) is RunStatus.COMPLETED
            assert await flush(here, request) == 200

    asyncio.run(main())


def test_a_reply_over_a_new_connection_to_the_next_server_is_taken(tmp_path: Path) -> None:
    async def main() -> None:
        twice = Twice(tmp_path)
        event_id, request = await twice.begin()
        async with twice.again() as here:
            worker = await FakeWorker(here, answers=False).ready()
            worker.say(response(request, DONE))
            await here.server.settle()
            assert await status_of(here, event_id) is RunStatus.COMPLETED
            assert worker.requests == []
            assert worker.stored == [request.request_id]

    asyncio.run(main())


def test_work_that_goes_on_keeps_its_lease_under_the_next_server(tmp_path: Path) -> None:
    async def main() -> None:
        twice = Twice(tmp_path)
        event_id, request = await twice.begin()
        async with twice.again() as here:
            worker = await FakeWorker(here, answers=False).ready()
            worker.requests.append(request)
            for _ in range(5):
                await here.pass_time(30)
                worker.extend(worker.requests[0])
            assert worker.refused == []
            assert here.server.gateway.roster.in_flight("worker-1") == 1
            worker.say(response(request, DONE))
            await here.server.settle()
            assert await status_of(here, event_id) is RunStatus.COMPLETED
            assert len(worker.requests) == 1

    asyncio.run(main())


def test_work_that_nobody_goes_on_with_is_sent_anew_and_a_late_reply_is_ignored(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        twice = Twice(tmp_path)
        event_id, request = await twice.begin()
        async with twice.again() as here:
            worker = await FakeWorker(here, answers=False).ready()
            await here.pass_time(36)
            (anew,) = worker.requests
            context = json.loads(anew.request_payload)["ctx"]
            assert anew.request_id != request.request_id
            assert (context["generation_id"], context["attempt"]) == (2, 0)
            assert await flush(here, request, output("late")) == 200
            await worker.work(anew)
            await here.server.settle()
            (run,) = await here.server.runs_of(event_id)
            assert run.output == b'"done"'

    asyncio.run(main())


def test_a_worker_that_began_later_ends_the_waiting_soon(tmp_path: Path) -> None:
    async def main() -> None:
        twice = Twice(tmp_path)
        event_id, _ = await twice.begin()
        async with twice.again() as here:
            started_at = datetime.fromtimestamp(here.clock.time() + 1, UTC)
            before = here.clock.time()
            await FakeWorker(here, started_at=started_at).ready()
            await FakeWorker(here, started_at=started_at).ready()
            (run,) = await here.finish(event_id)
            assert run.ended_at == before + 3

    asyncio.run(main())


def test_a_flush_that_cannot_be_saved_yet_is_to_be_sent_again(tmp_path: Path) -> None:
    async def main() -> None:
        twice = Twice(tmp_path)
        event_id, request = await twice.begin()
        async with twice.again(hold=True) as here:
            reply = response(request, DONE)
            with pytest.raises(RequestError, match="send it again"):
                await here.clock.until(here.server.gateway.flush(reply))
            here.server.release()
            await here.server.settle()
            assert await status_of(here, event_id) is RunStatus.COMPLETED

    asyncio.run(main())


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


def test_a_worker_that_extends_what_it_did_not_acknowledge_has_taken_it() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, acknowledges=False, answers=False).ready()
        await here.send()
        await here.server.settle()
        worker.extend(worker.requests[0])
        await here.pass_time(20)
        assert len(worker.requests) == 1

    acted(shop(), act)


def test_a_reply_that_comes_just_when_nobody_seems_to_have_the_call_counts() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, acknowledges=False, answers=False).ready()
        event_id = await here.send()
        await here.server.settle()
        worker.die()
        stored: list[str] = []
        reply = response(worker.requests[0], DONE)
        here.server.gateway.calls.replied(reply, lambda: stored.append("yes"))
        await here.server.settle()
        assert stored == ["yes"]
        assert await status_of(here, event_id) is RunStatus.COMPLETED

    acted(shop(), act)


def test_only_calls_that_were_sent_are_waited_for(tmp_path: Path) -> None:
    def handler(call: Call) -> Reply:
        return DONE if call.steps else ops(op("Sleep", "nap", opts={"duration": "1h"}))

    async def main() -> None:
        twice = Twice(tmp_path, shop(handler))
        async with twice.again() as here:
            await FakeWorker(here).ready()
            event_id = await here.send()
            await here.server.settle()
        async with twice.again() as here:
            await FakeWorker(here).ready()
            (run,) = await here.finish(event_id)
            assert run.ended_at == run.queued_at + 3600

    asyncio.run(main())


def test_a_worker_that_began_later_does_not_end_what_goes_on_elsewhere(tmp_path: Path) -> None:
    async def main() -> None:
        twice = Twice(tmp_path)
        event_id, request = await twice.begin()
        async with twice.again() as here:
            old = await FakeWorker(here, answers=False).ready()
            old.requests.append(request)
            old.extend(request)
            started_at = datetime.fromtimestamp(here.clock.time() + 1, UTC)
            new = await FakeWorker(here, instance_id="new", started_at=started_at).ready()
            await here.pass_time(20)
            assert new.requests == []
            await old.work(request)
            await here.server.settle()
            assert await status_of(here, event_id) is RunStatus.COMPLETED

    asyncio.run(main())


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


def test_a_worker_that_may_still_have_the_call_has_all_the_time_that_was_meant(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        twice = Twice(tmp_path)
        event_id, request = await twice.begin()
        async with twice.again() as here:
            started_at = datetime.fromtimestamp(here.clock.time() + 1, UTC)
            new = await FakeWorker(here, instance_id="new", started_at=started_at).ready()
            await here.pass_time(2)
            old = await FakeWorker(here, answers=False).ready()
            await here.pass_time(28)
            old.requests.append(request)
            old.extend(request)
            await FakeWorker(here, instance_id="newer", started_at=started_at).ready()
            await here.pass_time(20)
            await old.work(request)
            await here.server.settle()
            assert (new.requests, old.refused) == ([], [])
            assert await status_of(here, event_id) is RunStatus.COMPLETED

    asyncio.run(main())


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
