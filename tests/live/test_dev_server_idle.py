"""Many runs that sleep or wait cost a server no processor time, and do not hold up its start."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.dev import DevOptions, DevServer, RunStatus
from inngest_asgi.dev.records import (
    Changes,
    Function,
    Job,
    JobKind,
    Match,
    MatchKind,
    Run,
    StoredEvent,
)
from inngest_asgi.dev.store.store import Store
from inngest_asgi.wire.codec import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNS = 10_000
IN_A_DAY = time.time() + 86_400
EXPRESSION = "async.data.n == event.data.n"


def unfinished() -> Iterator[tuple[Run, Job]]:
    """Yield as many runs that sleep as runs that wait, each with what it waits for."""
    for n in range(2 * RUNS):
        body = dumps({"name": "a/b", "data": {"n": n}, "id": str(n), "ts": 1})
        event = StoredEvent(f"E{n}", f"E{n}", "a/b", 1, time.time(), body)
        run = Run(f"R{n}", "F", event, time.time(), RunStatus.RUNNING, time.time())
        job = Job(f"R{n}-s", run.id, JobKind.SLEEP, "s", IN_A_DAY, name="s")
        if n % 2:
            job.kind = JobKind.WAIT
            job.match = Match(MatchKind.EVENT, "a/answer", EXPRESSION, f'{{"data":{{"n":{n}}}}}')
        yield run, job


async def fill(path: str) -> None:
    store = await Store.open(path)
    function = Function("F", "A", "a-f", "f", "http://127.0.0.1:9/", 1, [{"event": "a/b"}], {})
    changes = Changes(functions=[function])
    for run, job in unfinished():
        changes.events.append(run.event)
        changes.new_runs.append(run)
        changes.jobs.append(job)
    await store.save(changes)
    await store.close()


@pytest.mark.live
def test_twenty_thousand_unfinished_runs_cost_nothing_but_memory(tmp_path: Path) -> None:
    async def main() -> None:
        path = str(tmp_path / "dev.db")
        await fill(path)
        began = time.process_time()
        async with DevServer(DevOptions(db=path, poll_interval=0)) as server:
            started = time.process_time() - began
            await asyncio.sleep(0.2)  # what the start left to do
            began = time.process_time()
            await asyncio.sleep(1.0)
            idle = time.process_time() - began
            began = time.process_time()
            await server.send({"name": "a/answer", "data": {"n": 77}})
            answered = time.process_time() - began
            assert len(await server.unfinished()) == 2 * RUNS
        # Of the processor's time, not of the clock's: by a factor of ten more than it takes.
        assert started < 10.0
        assert idle < 0.05
        assert answered < 0.1

    asyncio.run(main())
