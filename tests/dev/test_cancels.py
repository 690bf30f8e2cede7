"""Runs that are ended before their time: by the API, by events, by taking too long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.dev.cancels import cancel_job, jobs_of_new_run
from inngest_asgi.dev.records import Changes, Function, Job, JobKind, Run, StoredEvent
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import dumps, loads
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
    ran,
    script,
    sha1,
    world,
)

if TYPE_CHECKING:
    from pathlib import Path

    from inngest_asgi.dev import RunRow

NOW = 1_735_689_600.0
HOUR, YEAR = 3600.0, 365 * 86_400.0
A, B = sha1("a"), sha1("b")


def nap(call: Call) -> Reply:
    """Sleep for two hours, then return."""
    if A in call.steps:
        return output("rested")
    return ops(op("Sleep", "a", opts={"duration": "2h"}))


async def started(here: World, **event: Any) -> str:
    event_id = await here.send(**event)
    await here.server.settle()
    return event_id


async def cancel(here: World, event_id: str, reason: str = "Enough.") -> None:
    (row,) = await here.server.runs_of(event_id)
    job = cancel_job(row.id, here.clock.time(), reason)
    await here.server.commits.commit(Changes(jobs=[job]))
    await here.server.settle()


async def only(here: World, event_id: str) -> RunRow:
    (row,) = await here.server.runs_of(event_id)
    return row


def error(row: RunRow) -> dict[str, Any]:
    assert row.status is RunStatus.CANCELLED
    read: dict[str, Any] = loads(row.output or b"null")
    return read


@pytest.mark.parametrize("where", ["waiting-to-start", "asleep", "between-attempts"])
def test_a_run_is_cancelled_wherever_it_stands(where: str) -> None:
    async def main() -> None:
        handler = crash() if where == "between-attempts" else None
        app = FakeApp().add("naps", lambda call: handler or nap(call))
        async with world(app) as here:
            later = (here.clock.time() + 60) * 1000 if where == "waiting-to-start" else 0
            event_id = await started(here, ts=int(later))
            calls = len(app.calls)
            await cancel(here, event_id)
            row = await only(here, event_id)
            assert error(row) == {
                "error": "InngestErrFunctionCancelled: Enough.",
                "name": "InngestErrFunctionCancelled",
                "message": "Enough.",
            }
            assert row.ended_at == here.clock.time()
            await here.pass_time(3 * HOUR)
            assert len(app.calls) == calls
            assert here.server.runs._jobs._of_run == {}

    asyncio.run(main())


@pytest.mark.parametrize("max_calls", [100, 1], ids=["room", "no-room"])
def test_the_result_of_a_call_in_progress_is_discarded(max_calls: int) -> None:
    async def main() -> None:
        async def slow(call: Call) -> Reply:
            await here.clock.sleep(60)
            return ops(ran("a", "too late"))

        app = FakeApp().add("slow", slow)
        async with world(app, max_calls=max_calls) as here:
            event_id = await started(here)
            await cancel(here, event_id)
            assert (await only(here, event_id)).status is RunStatus.CANCELLED
            await here.pass_time(HOUR)
            row = await only(here, event_id)
            assert error(row)["message"] == "Enough."
            assert len(app.calls) == 1
            run = await here.server.store.run(row.id)
            assert run is not None
            assert run.memos == {}

    asyncio.run(main())


def test_a_cancelled_run_is_told_of_and_has_no_failure_companion() -> None:
    async def main() -> None:
        app = FakeApp().add("naps", nap)
        for name in ("finished", "cancelled", "failed"):
            expression = "event.data.function_id == 'shop-naps'"
            trigger = {"event": f"inngest/function.{name}", "expression": expression}
            app.add(name, lambda call: output(None), triggers=[trigger])
        async with world(app) as here:
            event_id = await started(here)
            await cancel(here, event_id)
            assert app.of("failed") == []
            row = await only(here, event_id)
            for name in ("finished", "cancelled"):
                (call,) = app.of(name)
                data = call.body["event"]["data"]
                assert data["run_id"] == row.id
                assert data["error"] == error(row)
                assert data["_inngest"] == {"status": "Cancelled"}
                assert "result" not in data
            told = kinds(await here.server.history(row.id))
            assert told[-1] == "run_ended"

    asyncio.run(main())


def test_a_run_that_has_ended_is_left_as_it_is() -> None:
    async def main() -> None:
        app = FakeApp().add("one", lambda call: output(1))
        async with world(app) as here:
            row = await here.run_one()
            await cancel(here, row.event_id)
            assert await here.server.run(row.id) == row

    asyncio.run(main())


def test_a_cancellation_goes_on_under_the_next_server(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = FakeApp().add("naps", nap, cancel=[{"event": "shop/stop"}])
        async with world(app, db=db, clock=clock) as here:
            asleep, stopped = await started(here), await started(here, data={"n": 1})
            (row,) = await here.server.runs_of(stopped)
            job = cancel_job(row.id, clock.time(), "Enough.")
            await here.server.commits.commit(Changes(jobs=[job]))
        async with world(app, db=db, clock=clock, sync=False) as here:
            await here.server.settle()
            assert error(await only(here, stopped))["message"] == "Enough."
            assert (await only(here, asleep)).status is RunStatus.RUNNING
            await here.send("shop/stop")
            await here.server.settle()
            assert "'shop/stop'" in error(await only(here, asleep))["message"]

    asyncio.run(main())


# cancelOn


SAME_ID = "event.data.id == async.data.id"


@pytest.mark.parametrize(
    ("matcher", "own", "sent", "status"),
    [
        ({"event": "shop/stop"}, {}, {}, RunStatus.CANCELLED),
        ({"event": "shop/other"}, {}, {}, RunStatus.RUNNING),
        ({"event": "shop/stop", "if": SAME_ID}, {"id": 7}, {"id": 7}, RunStatus.CANCELLED),
        ({"event": "shop/stop", "if": SAME_ID}, {"id": 7}, {"id": 8}, RunStatus.RUNNING),
        ({"event": "shop/stop", "timeout": "10m"}, {}, {}, RunStatus.CANCELLED),
        ({"event": "shop/stop", "timeout": "4m"}, {}, {}, RunStatus.RUNNING),
    ],
    ids=["any", "other-event", "same", "different", "in-time", "too-late"],
)
def test_an_event_cancels_the_runs_that_it_is_for(
    matcher: dict[str, Any], own: Any, sent: Any, status: RunStatus
) -> None:
    async def main() -> None:
        app = FakeApp().add("naps", nap, cancel=[{"event": "shop/never"}, matcher])
        async with world(app) as here:
            event_id = await started(here, data=own)
            await here.pass_time(300)
            await here.send("shop/stop", data=sent)
            await here.server.settle()
            assert (await only(here, event_id)).status is status

    asyncio.run(main())


def test_only_events_after_the_run_was_created_cancel_it() -> None:
    async def main() -> None:
        app = FakeApp().add("naps", nap, cancel=[{"event": "shop/stop"}, {"event": "shop/paid"}])
        async with world(app) as here:
            await here.send("shop/stop")
            event_id = await started(here)
            assert (await only(here, event_id)).status is RunStatus.RUNNING
            await here.send("shop/paid")
            await here.server.settle()
            assert (await only(here, event_id)).status is RunStatus.CANCELLED

    asyncio.run(main())


def test_an_event_cancels_runs_of_those_before_it_in_the_same_request() -> None:
    async def main() -> None:
        app = FakeApp().add("naps", nap, cancel=[{"event": "shop/stop"}])
        async with world(app) as here:
            events = [{"name": name} for name in ("shop/paid", "shop/stop", "shop/paid")]
            answer = await here.http.post("/e/key", json=events)
            first, _, last = answer.json()["ids"]
            await here.server.settle()
            assert (await only(here, first)).status is RunStatus.CANCELLED
            assert (await only(here, last)).status is RunStatus.RUNNING

    asyncio.run(main())


def test_a_run_that_waits_to_start_is_cancelled_by_an_event() -> None:
    async def main() -> None:
        app = FakeApp().add("naps", nap, cancel=[{"event": "shop/stop"}])
        async with world(app) as here:
            event_id = await started(here, ts=int((here.clock.time() + 60) * 1000))
            await here.send("shop/stop")
            await here.server.settle()
            assert (await only(here, event_id)).started_at is None
            assert "'shop/stop'" in error(await only(here, event_id))["message"]

    asyncio.run(main())


def test_a_matcher_that_is_over_changes_nothing() -> None:
    async def main() -> None:
        app = FakeApp().add("naps", nap, cancel=[{"event": "shop/stop", "timeout": "1m"}])
        async with world(app) as here:
            row = await here.run_one()
            assert (row.status, row.output) == (RunStatus.COMPLETED, b'"rested"')
            assert len(app.calls) == 2

    asyncio.run(main())


def test_a_matcher_is_no_reason_to_believe_that_a_run_will_go_on() -> None:
    async def main() -> None:
        app = FakeApp().add("shy", script(ops(), output("ok")), cancel=[{"event": "shop/stop"}])
        async with world(app) as here:
            assert (await here.run_one()).output == b'"ok"'

    asyncio.run(main())


@pytest.mark.parametrize(
    ("timeout", "lifetime"),
    [
        (None, YEAR),
        ("", YEAR),
        ("1h", HOUR),
        ("900d", YEAR),
        ("2025-01-01T01:00:00Z", HOUR),
        ("event.data.until", HOUR),
        ("event.data.moment", HOUR),
        ("event.data.span", HOUR),
        ("date(event.data.until)", HOUR),
        ("event.data.past", 0.0),
        ("event.data.missing", YEAR),
        ("event.data.empty", YEAR),
        ("event.data.odd", YEAR),
        ("event.data.until ==", YEAR),
    ],
)
def test_how_long_a_matcher_counts(timeout: str | None, lifetime: float) -> None:
    data = {
        "until": "2025-01-01T01:00:00Z",
        "moment": (NOW + HOUR) * 1000,
        "span": "60m",
        "past": (NOW - HOUR) * 1000,
        "odd": "soon",
        "empty": "",
    }
    event = StoredEvent("E", "E", "a", 0, NOW, dumps({"name": "a", "data": data}))
    matcher = {"event": "shop/stop"} | ({} if timeout is None else {"timeout": timeout})
    config = {"cancel": [matcher]}
    function = Function("F", "A", "shop-a", "a", "http://app.test", 1, [], config)
    (job,) = jobs_of_new_run(Run("R", "F", event, NOW), function, NOW)
    assert (job.id, job.kind, job.value) == ("R-cancel-on-0", JobKind.CANCEL, None)
    assert job.due == NOW + lifetime


def test_a_job_that_is_gone_before_it_is_done_does_nothing() -> None:
    async def main() -> None:
        app = FakeApp().add("naps", nap)
        async with world(app) as here:
            event_id = await started(here)
            row = await only(here, event_id)
            job = Job(f"{row.id}-x", row.id, JobKind.CANCEL, None, here.clock.time(), value=b"{}")
            committing = here.server.commits.commit(Changes(jobs=[job]))
            await committing
            job.gone = True
            await here.server.settle()
            assert (await only(here, event_id)).status is RunStatus.RUNNING

    asyncio.run(main())
