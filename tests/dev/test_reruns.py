"""Runs run again, wholly or from a step."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.dev.reruns import FromStep, found_step
from inngest_asgi.errors import RequestError
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import (
    Call,
    FakeApp,
    Reply,
    World,
    crash,
    op,
    ops,
    output,
    ran,
    script,
    sha1,
    world,
)

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

A, B, NAP = sha1("a"), sha1("b"), sha1("nap")


def steps(call: Call) -> Reply:
    """Three steps, the second of which sleeps."""
    if A not in call.steps:
        return ops(ran("a", 1))
    if NAP not in call.steps:
        return ops(op("Sleep", "nap", opts={"duration": "1h"}))
    if "data" not in call.steps.get(B, {}):
        return ops(ran("b", call.steps.get(B)))
    return output(call.steps[B]["data"])


async def again(here: World, run_id: str, start: FromStep | None = None) -> str:
    return await here.clock.until(
        here.server.reruns.rerun(run_id, start), settle=here.server.settle
    )


def test_new_arguments_outlive_the_server(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = FakeApp().add("one", steps)
        async with world(app, db=db, clock=clock) as here:
            run = await here.run_one()
            await again(here, run.id, FromStep("nap"))
            new_id = await again(here, run.id, FromStep("b", ["new"]))
            await here.server.store.flush()
        async with world(app, db=db, clock=clock, sync=False) as here:
            await here.finish(run.event_id)
            row = await here.server.run(new_id)
            assert row is not None
            assert row.output == b'{"input":["new"]}'

    asyncio.run(main())


def test_a_rerun_from_a_sleep_sleeps_again() -> None:
    async def main() -> None:
        app = FakeApp().add("one", steps)
        async with world(app) as here:
            run = await here.run_one()
            began = here.clock.time()
            new_id = await again(here, run.id, FromStep(NAP))
            await here.finish(run.event_id)
            row = await here.server.run(new_id)
            assert row is not None
            assert (row.status, row.ended_at) == (RunStatus.COMPLETED, began + 3600)

    asyncio.run(main())


def test_a_step_that_failed_is_run_again_while_its_run_goes_on() -> None:
    async def main() -> None:
        app = FakeApp()
        app.add("one", script(ops(ran("a")), crash(), ops(ran("b")), output("second"), crash()))
        async with world(app) as here:
            event_id = await here.send()
            await here.server.settle()
            (run,) = await here.server.runs_of(event_id)
            new_id = await again(here, run.id, FromStep("a"))
            await here.server.settle()
            row = await here.server.run(new_id)
            assert row is not None
            assert row.output == b'"second"'
            assert app.calls[2].steps == {}

    asyncio.run(main())


def test_a_step_that_is_not_done_keeps_all_that_was_recorded() -> None:
    async def main() -> None:
        app = FakeApp().add("one", steps)
        async with world(app) as here:
            event_id = await here.send()
            await here.server.settle()
            (run,) = await here.server.runs_of(event_id)
            await again(here, run.id, FromStep("nap"))
            await here.server.settle()
            assert app.calls[-1].steps == {A: {"data": 1}}

    asyncio.run(main())


def test_a_batch_is_run_again_as_a_batch() -> None:
    async def main() -> None:
        batch = {"maxSize": 2, "timeout": "60s"}
        app = FakeApp().add("one", lambda call: output("ok"), batchEvents=batch)
        async with world(app) as here:
            for _ in range(2):
                event_id = await here.send()
            (run,) = await here.finish(event_id)
            await again(here, run.id)
            await here.server.settle()
            first, second = app.calls
            assert len(first.body["events"]) == 2
            assert first.body["events"] == second.body["events"]

    asyncio.run(main())


def test_a_run_whose_event_is_gone_cannot_be_run_again() -> None:
    async def main() -> None:
        async with world(FakeApp().add("one", steps)) as here:
            run = await here.run_one()
            await here.server.store.read(forget_events)
            with pytest.raises(RequestError) as refusal:
                await again(here, run.id)
            assert refusal.value.status == 404

    asyncio.run(main())


def forget_events(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM events")


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (FromStep("c"), "'c' was not found in the run. Its steps are: a, nap, b"),
        (FromStep("nap", []), "'nap' (Sleep) takes no input"),
        (FromStep("a", ["x" * 4 * 1024 * 1024]), "at most 4 MB"),
    ],
    ids=["unknown", "sleep", "large"],
)
def test_a_rerun_that_cannot_be_is_refused(start: FromStep, says: str) -> None:
    async def main() -> None:
        async with world(FakeApp().add("one", steps)) as here:
            run = await here.run_one()
            with pytest.raises(RequestError) as refusal:
                await again(here, run.id, start)
            assert refusal.value.status == 400
            assert says in str(refusal.value)

    asyncio.run(main())


STEPS = {
    sha1("a"): ("a", "StepRun"),
    sha1("a:1"): ("a", "StepRun"),
    sha1("b"): ("Shown as b", "StepRun"),
}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(sha1("a"), "a"), ("a:1", "a:1"), ("b", "b"), ("Shown as b", "b")],
    ids=["hashed", "index", "id", "name"],
)
def test_steps_are_found_as_people_call_them(wanted: str, found: str) -> None:
    assert found_step(STEPS, wanted) == sha1(found)


def test_a_name_of_several_steps_is_ambiguous() -> None:
    with pytest.raises(RequestError, match=f"ambiguous: 2 .* {sha1('a')}, {sha1('a:1')}"):
        found_step(STEPS, "a")


def test_a_run_without_steps_says_so() -> None:
    with pytest.raises(RequestError, match="Its steps are: none"):
        found_step({}, "a")
