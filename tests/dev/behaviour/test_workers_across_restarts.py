"""Calls that were under way when their server stopped, and what the next one makes of them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.connect.frames import to_bytes
from inngest_asgi.dev import RunStatus
from inngest_asgi.errors import RequestError
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import (
    Call,
    FakeApp,
    Reply,
    World,
    op,
    ops,
    output,
    world,
)
from tests.dev.gateway.fakes import FakeWorker, response

if TYPE_CHECKING:
    from pathlib import Path

    from inngest_asgi.connect.messages import ExecutorRequest

DONE = output("done")


def shop(handler: Any = None, **more: Any) -> FakeApp:
    return FakeApp().add("pay", handler or (lambda call: DONE), **more)


async def status_of(here: World, event_id: str) -> RunStatus:
    (run,) = await here.server.runs_of(event_id)
    return run.status


async def flush(here: World, request: ExecutorRequest, reply: Reply = DONE) -> int:
    body = to_bytes(response(request, reply))
    answer = await here.http.post("/v0/connect/flush", content=body)
    return answer.status_code


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


def test_whoever_has_shown_that_it_has_the_call_is_not_waited_for_anew(tmp_path: Path) -> None:
    async def main() -> None:
        twice = Twice(tmp_path)
        event_id, request = await twice.begin()
        async with twice.again() as here:
            started_at = datetime.fromtimestamp(here.clock.time() + 1, UTC)
            having = await FakeWorker(here, answers=False, started_at=started_at).ready()
            having.requests.append(request)
            having.extend(request)
            await FakeWorker(here, instance_id="elder").ready()
            await here.pass_time(60)
            having.extend(having.requests[0])
            assert having.refused == []
            await having.work(request)
            await here.server.settle()
            assert await status_of(here, event_id) is RunStatus.COMPLETED

    asyncio.run(main())
