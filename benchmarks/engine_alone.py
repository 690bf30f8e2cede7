"""B5's second half: the step engine without HTTP and JSON; prints milliseconds as JSON."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from benchmarks.programs import COUNTS, with_steps
from benchmarks.workloads import replay
from inngest_asgi.clock import SYSTEM_CLOCK
from inngest_asgi.engine.drive import Drive
from inngest_asgi.engine.outcomes import Returned
from inngest_asgi.engine.run import Machine
from inngest_asgi.engine.tools import Step
from inngest_asgi.wire.calls import parse_call

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from inngest_asgi.wire.calls import Call

_AT_LEAST = 9
_MEMOS = 50_000  # so that short replays are measured warm, as long ones are


async def _measure() -> dict[str, float]:
    return {str(count): await _milliseconds(count) for count in COUNTS}


async def _milliseconds(count: int) -> float:
    body = json.loads(replay(count).body)
    executor = ThreadPoolExecutor(1)  # an application has one for all calls
    times = []
    for _ in range(max(_AT_LEAST, _MEMOS // count)):
        call = parse_call(body, "bench", None)
        start = time.perf_counter()
        await _run(call, count, executor)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


async def _run(call: Call, count: int, executor: Executor) -> None:
    drive = Drive(Machine(call), clock=SYSTEM_CLOCK, executor=executor)
    no_services: Any = None  # nothing is sent in a replay
    ctx = SimpleNamespace(step=Step(drive, no_services))
    outcome = await drive.run(partial(with_steps(count), ctx))
    if outcome != Returned({"done": count}):
        raise RuntimeError(f"The engine ended with {outcome!r}.")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_measure())))
