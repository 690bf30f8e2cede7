"""The server as a whole: it stops, dies and starts again, and goes on where it was."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from inngest_asgi.dev import DevOptions, DevServer, RunStatus
from inngest_asgi.dev.outbound import HttpOutbound
from inngest_asgi.errors import DevServerError, RequestError, SendEventsError
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import (
    URL,
    Call,
    FakeApp,
    Reply,
    kinds,
    op,
    ops,
    output,
    planned,
    ran,
    script,
    sha1,
    world,
)

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

A, B = sha1("a"), sha1("b")


def step_then_sleep(call: Call) -> Reply:
    if A not in call.steps:
        return ops(ran("a", 1))
    if B not in call.steps:
        return ops(op("Sleep", "b", opts={"duration": "1h"}))
    return output("done")


def test_a_run_that_sleeps_goes_on_under_the_next_server(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = FakeApp().add("sleeps", step_then_sleep)
        async with world(app, db=db, clock=clock) as here:
            event_id = await here.send()
            await here.server.settle()
        calls = len(app.calls)
        clock.advance(1800)
        async with world(app, db=db, clock=clock, sync=False) as here:
            (run,) = await here.finish(event_id)
        assert run.output == b'"done"'
        assert run.ended_at == run.queued_at + 3600
        assert len(app.calls) == calls + 1

    asyncio.run(main())


def test_a_call_in_progress_is_made_again_and_recorded_steps_are_not(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = FakeApp()

        async def handler(call: Call) -> Reply:
            if call.target == B and call.ctx["generation_id"] == 1:
                await clock.sleep(600)
            if call.target is None and not call.steps:
                return ops(planned("a"), planned("b"))
            if call.target is None:
                return output(sorted(call.steps))
            return ops(ran({A: "a", B: "b"}[call.target]))

        app.add("both", handler)
        async with world(app, db=db, clock=clock) as here:
            event_id = await here.send()
            await here.server.settle()
        async with world(app, db=db, clock=clock, sync=False) as here:
            (run,) = await here.finish(event_id)
        assert run.status is RunStatus.COMPLETED
        assert [call.target for call in app.calls] == [None, A, B, B, None]
        assert [call.ctx["generation_id"] for call in app.calls if call.target == B] == [1, 2]
        assert [call.ctx["attempt"] for call in app.calls] == [0] * 5

    asyncio.run(main())


def test_a_retry_waits_across_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        failing = Reply(500, {"message": "no"}, {"retry-after": "3600"})
        app = FakeApp().add("flaky", script(failing, output("ok")))
        async with world(app, db=db, clock=clock) as here:
            event_id = await here.send()
            await here.server.settle()
        async with world(app, db=db, clock=clock, sync=False) as here:
            (run,) = await here.finish(event_id)
        assert run.ended_at == run.queued_at + 3600
        assert [call.ctx["attempt"] for call in app.calls] == [0, 1]

    asyncio.run(main())


def test_apps_functions_and_starts_are_known_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = FakeApp().add("one", lambda call: output(None))
        async with world(app, db=db, clock=clock) as here:
            await here.run_one(id="once")
        async with world(app, db=db, clock=clock, sync=False) as here:
            assert [one.name for one in here.server.apps] == ["shop"]
            event_id = await here.send(id="once")
            assert await here.server.runs_of(event_id) == []
            await here.run_one(id="twice")

    asyncio.run(main())


def test_numbers_of_records_go_on_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = FakeApp().add("one", lambda call: output(None))
        seqs: list[int] = []
        for _ in range(2):
            async with world(app, db=db, clock=clock) as here:
                run = await here.run_one()
                seqs += [record.seq for record in await here.server.history(run.id)]
        assert seqs == sorted(set(seqs))

    asyncio.run(main())


def test_two_servers_cannot_share_a_file(tmp_path: Path) -> None:
    async def main() -> None:
        options = DevOptions(db=str(tmp_path / "dev.db"), poll_interval=0)
        async with DevServer(options):
            with pytest.raises(DevServerError, match="in use by another process"):
                await DevServer(options).start()

    asyncio.run(main())


def test_a_server_can_be_started_again(tmp_path: Path) -> None:
    async def main() -> None:
        server = DevServer(DevOptions(db=str(tmp_path / "dev.db"), poll_interval=0))
        for _ in range(2):
            async with server:
                await server.send({"name": "shop/paid"})

    asyncio.run(main())


def test_watching_an_event_tells_of_its_runs_until_they_end() -> None:
    async def main() -> list[str]:
        app = FakeApp().add("one", script(ops(ran("a")), output("ok")))
        async with world(app) as here:
            event_id = await here.server.send({"name": "shop/paid"})
            return kinds([record async for record in here.server.watch(event_id=event_id)])

    told = asyncio.run(main())
    assert told[0] == "run_queued"
    assert told[-1] == "run_ended"
    assert "step_recorded" in told


def test_watching_a_run_that_ended_tells_its_history() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script(output("ok")))
        async with world(app) as here:
            run = await here.run_one()
            told = [record async for record in here.server.watch(run_id=run.id)]
            assert told == await here.server.history(run.id)
            assert await here.server.run(run.id) == run

    asyncio.run(main())


def test_watching_everything_tells_of_calls_as_they_start() -> None:
    async def main() -> list[str]:
        app = FakeApp().add("one", script(output("ok")))
        told: list[Any] = []

        async def watch() -> None:
            async for record in here.server.watch():
                told.append(record)
                if record.kind == "run_ended":
                    return

        async with world(app) as here:
            watching = asyncio.ensure_future(watch())
            await asyncio.sleep(0)
            await here.run_one()
            await watching
        return kinds(told)

    expected = ["run_queued", "run_started", "call_started", "call_ended", "run_ended"]
    assert asyncio.run(main()) == expected


def test_watching_an_event_that_starts_nothing_ends_at_once() -> None:
    async def main() -> list[Any]:
        async with world(FakeApp().add("one", script())) as here:
            event_id = await here.send("shop/other")
            return [record async for record in here.server.watch(event_id=event_id)]

    assert asyncio.run(main()) == []


def test_sending_a_bad_event_raises() -> None:
    async def main() -> None:
        async with world(FakeApp().add("one", script())) as here:
            with pytest.raises(SendEventsError, match="name is empty"):
                await here.server.send({"data": {}})

    asyncio.run(main())


def test_apps_given_by_url_are_synced_at_the_start_and_polled() -> None:
    async def main() -> None:
        app, clock = FakeApp().add("one", lambda call: output(None)), ManualClock()
        outbound = HttpOutbound(httpx.ASGITransport(app=app))
        options = DevOptions(app_urls=(URL,), poll_interval=5)
        async with DevServer(options, clock=clock, outbound=outbound) as server:
            app.server = server.app
            await server.settle()
            assert [function.slug for function in server.functions] == ["shop-one"]
            assert len(app.pings) == 1
            await clock.until(clock.sleep(11), settle=server.settle)
            assert len(app.pings) == 3

    asyncio.run(main())


def test_an_app_url_that_is_none_is_refused_at_the_start() -> None:
    async def main() -> None:
        server = DevServer(DevOptions(app_urls=("localhost:3000",)))
        with pytest.raises(RequestError, match="http://"):
            await server.start()

    asyncio.run(main())


def test_a_server_that_holds_calls_nobody_before_it_is_released() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script(output("ok")))
        async with world(app, hold=True) as here:
            event_id = await here.send()
            await here.pass_time(3600)
            assert app.calls == []
            here.server.release()
            (run,) = await here.finish(event_id)
            assert run.status is RunStatus.COMPLETED

    asyncio.run(main())


def test_unfinished_runs_are_those_scheduled_or_running_oldest_first() -> None:
    async def main() -> None:
        async def slow(call: Call) -> Reply:
            await here.clock.sleep(60)
            return output(None)

        app = FakeApp()
        app.add("ends", lambda call: output(None), event="ends")
        app.add("slow", slow, event="slow").add("later", script(), event="later")
        async with world(app) as here:
            later = await here.send("later", ts=int((here.clock.time() + 3600) * 1000))
            await here.run_one("ends")
            slow_one = await here.send("slow")
            await here.server.settle()
            unfinished = await here.server.unfinished()
            assert [run.event_id for run in unfinished] == [later, slow_one]
            assert [run.status for run in unfinished] == [RunStatus.SCHEDULED, RunStatus.RUNNING]

    asyncio.run(main())


def test_a_stopped_server_says_so() -> None:
    async def main() -> None:
        async with world(FakeApp(), sync=False) as here:
            await here.server.stop()
            answer = await here.http.post("/e/key", json={"name": "a"})
            assert (answer.status_code, "has stopped" in answer.text) == (503, True)

    asyncio.run(main())


def test_a_store_that_fails_stops_the_server_with_a_sentence(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    async def main() -> None:
        app = FakeApp().add("one", lambda call: output(None))
        async with world(app, db=str(tmp_path / "dev.db")) as here:
            thread = here.server.store._thread
            await thread.submit(lambda connection: connection.execute("DROP TABLE memos"))
            await thread.submit(lambda connection: connection.execute("DROP TABLE jobs"))
            answer = await here.http.post("/e/key", json={"name": "shop/paid"})
            assert answer.status_code == 503
            assert "cannot be used" in answer.json()["error"]
            with pytest.raises(DevServerError):
                await here.server.send({"name": "shop/paid"})

    asyncio.run(main())


def test_a_job_whose_run_is_gone_is_dropped() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script())
        async with world(app) as here:
            await here.send(ts=int((here.clock.time() + 5) * 1000))
            await here.server.store._thread.submit(forget_runs)
            await here.pass_time(10)
            assert here.server.runs._jobs._of_run == {}
        assert app.calls == []

    asyncio.run(main())


def forget_runs(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM runs")


def test_a_store_that_fails_during_a_call_ends_the_work(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async def handler(call: Call) -> Reply:
            await here.clock.sleep(60)
            return output(None)

        app = FakeApp().add("one", handler)
        async with world(app) as here:
            await here.send()
            await here.server.settle()
            await here.server.store._thread.submit(lose_tables)
            await here.pass_time(61)

    asyncio.run(main())
    assert "The server cannot go on" in caplog.text


def lose_tables(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TABLE runs")


def test_a_server_that_stops_starts_no_more_calls() -> None:
    async def main() -> None:
        async def slow(call: Call) -> Reply:
            await here.clock.sleep(60)
            return output(None)

        app = FakeApp().add("one", slow)
        async with world(app, max_calls=1) as here:
            for _ in range(3):
                await here.send()
            await here.server.settle()
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(app.calls) == 1

    asyncio.run(main())
