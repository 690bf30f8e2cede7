"""Runs in memory: one object for all who ask, and none for runs that nothing happens to."""

from __future__ import annotations

import asyncio

from inngest_asgi.dev.alarm import Alarm
from inngest_asgi.dev.flow.rates import Rates
from inngest_asgi.dev.flow.turnstile import Turnstile
from inngest_asgi.dev.jobs import Jobs
from inngest_asgi.dev.records import Changes, Job, JobKind, Run, StoredEvent
from inngest_asgi.dev.runs import Runs
from inngest_asgi.dev.store.store import Store
from inngest_asgi.testing import ManualClock


def test_a_run_is_read_once_for_all_who_ask() -> None:
    async def main() -> None:
        clock, store = ManualClock(0.0), await Store.open(":memory:")
        alarm = Alarm(clock)
        jobs = Jobs(clock, alarm, Turnstile(clock, alarm, Rates({})), lambda: None)
        runs = Runs(store, jobs)
        event = StoredEvent("E", "E", "a", 0, 0.0, b"{}")
        run = Run("R", "F", event, 0.0, pending={"s": 1}, sets=1, force_plan=True)
        await store.save(Changes(events=[event], new_runs=[run]))
        first, second = await asyncio.gather(runs.get("R"), runs.get("R"))
        assert first is second
        assert first == run
        jobs.put([Job("J", "R", JobKind.CALL, None, 0.0)])
        runs.release("R")
        assert await runs.get("R") is first
        jobs.of_run("R").clear()
        runs.release("R")
        assert await runs.get("R") is not first
        assert await runs.get("other") is None
        await store.close()

    asyncio.run(main())
