"""Runs that start too late or take too long (`timeouts` of a function); across restarts, too."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev import RunStatus
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import Call, FakeApp, Reply, World, crash, op, ops, output, sha1, world

if TYPE_CHECKING:
    from pathlib import Path

    from inngest_asgi.dev import RunRow

HOUR = 3600.0
A = sha1("a")


def nap(call: Call) -> Reply:
    """Sleep for two hours, then return."""
    if A in call.steps:
        return output("rested")
    return ops(op("Sleep", "a", opts={"duration": "2h"}))


async def started(here: World, **event: Any) -> str:
    event_id = await here.send(**event)
    await here.server.settle()
    return event_id


async def only(here: World, event_id: str) -> RunRow:
    (row,) = await here.server.runs_of(event_id)
    return row


def error(row: RunRow) -> dict[str, Any]:
    assert row.status is RunStatus.CANCELLED
    read: dict[str, Any] = loads(row.output or b"null")
    return read


def test_a_run_that_does_not_start_in_time_is_cancelled() -> None:
    async def main() -> None:
        async def slow(call: Call) -> Reply:
            await here.clock.sleep(600)
            return output(None)

        app = FakeApp().add("first", slow, event="shop/first")
        app.add("late", lambda call: output(None), timeouts={"start": "5m"})
        async with world(app, max_calls=1) as here:
            await started(here, name="shop/first")
            event_id = await started(here)
            began = here.clock.time()
            (row,) = await here.finish(event_id)
            assert error(row)["message"] == (
                "The run was cancelled because it did not start within 5m."
            )
            assert (row.started_at, here.clock.time()) == (None, began + 300)
            assert app.of("late") == []

    asyncio.run(main())


def test_a_run_that_started_in_time_is_not_cancelled_later() -> None:
    async def main() -> None:
        app = FakeApp().add("naps", nap, timeouts={"start": "5m"})
        async with world(app) as here:
            assert (await here.run_one()).status is RunStatus.COMPLETED

    asyncio.run(main())


def test_the_time_to_start_counts_from_when_the_run_is_due() -> None:
    async def main() -> None:
        app = FakeApp().add("naps", nap, timeouts={"start": "5m"})
        async with world(app) as here:
            row = await here.run_one(ts=int((here.clock.time() + HOUR) * 1000))
            assert row.status is RunStatus.COMPLETED

    asyncio.run(main())


def test_a_run_that_does_not_finish_in_time_is_cancelled() -> None:
    async def main() -> None:
        app = FakeApp().add("naps", nap, timeouts={"finish": "1h"})
        async with world(app) as here:
            row = await here.run_one(ts=int((here.clock.time() + 2 * HOUR) * 1000))
            assert error(row)["message"] == (
                "The run was cancelled because it did not finish within 1h."
            )
            assert row.started_at is not None
            assert row.ended_at == row.started_at + HOUR

    asyncio.run(main())


def test_a_run_that_finishes_in_time_is_not_cancelled() -> None:
    async def main() -> None:
        app = FakeApp().add("naps", nap, timeouts={"finish": "3h"})
        async with world(app) as here:
            row = await here.run_one()
            assert row.status is RunStatus.COMPLETED
            await here.pass_time(2 * HOUR)
            assert await here.server.run(row.id) == row
            assert here.server.runs._jobs._of_run == {}

    asyncio.run(main())


def test_no_step_starts_after_the_time_to_finish() -> None:
    async def main() -> None:
        app = FakeApp().add("naps", nap, timeouts={"finish": "2h"})
        async with world(app) as here:
            row = await here.run_one()
            assert "2h" in error(row)["message"]
            assert len(app.calls) == 1

    asyncio.run(main())


def test_no_call_is_made_even_before_the_job_that_ends_the_run_has_its_turn(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = FakeApp().add("naps", nap)
        app.add("fails", lambda _: crash(), event="shop/fails", timeouts={"finish": "1h"})
        async with world(app, db=db, clock=clock) as here:
            await started(here)
            event_id = await started(here, name="shop/fails")
        clock.advance(3 * HOUR)
        async with world(app, db=db, clock=clock, sync=False, max_calls=1) as here:
            await here.server.settle()
            assert "1h" in error(await only(here, event_id))["message"]
            assert len(app.of("fails")) == 1

    asyncio.run(main())


def test_the_time_to_finish_goes_on_while_no_server_runs(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = FakeApp().add("naps", nap, timeouts={"finish": "1h"})
        async with world(app, db=db, clock=clock) as here:
            event_id = await started(here)
        clock.advance(3 * HOUR)
        async with world(app, db=db, clock=clock, sync=False) as here:
            await here.server.settle()
            assert "1h" in error(await only(here, event_id))["message"]
            assert len(app.calls) == 1

    asyncio.run(main())
