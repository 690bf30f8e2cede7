"""Workers lose no work, whatever happens to them, to the gateway, and to the network between.

`make chaos` has 200 faults happen, and prints what came of it.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.live.connect_chaos import FAULTS, STEADY, Chaos, Report

if TYPE_CHECKING:
    from pathlib import Path

SUITE = (
    "drop",
    "kill-worker",
    "garble-up",
    "kill-server",
    "half-close-up",
    "double-up",
    "cut-down",
    "freeze-long",
    "drain",
    "stop-server",
    "garble-down",
    "swap-up",
    "stop-worker",
    "swallow",
    "break-up",
    "pause-server",
    "double-down",
    "drain",
    "garble-handshake",
    "kill-server",
)
"""One of each kind, the worker's death early, since what it had is missed some seconds later."""

COUNT = int(os.environ.get("FAULTS", "0"))
"""How many faults `make chaos` asks for."""

SEED = int(os.environ.get("SEED", random.randrange(10**6)))
"""Of their order."""

WITHIN = 2.0
"""Seconds in which a worker is ACTIVE once its gateway is back."""

FLAT = 5 * 1024
"""Kilobytes that a worker may grow by."""


def faults() -> tuple[str, ...]:
    names = list(FAULTS)
    random.seed(SEED)
    return tuple(random.choice(names) for _ in range(COUNT)) if COUNT else SUITE


async def suffering(folder: Path) -> tuple[Report, int]:
    """Have one fault after another happen under load; return also how much the worker grew."""
    async with Chaos(folder) as chaos:
        loading = asyncio.create_task(chaos.load())
        todo, warm = faults(), 0
        for number, fault in enumerate(todo):
            if number == len(todo) // 4:
                warm = chaos.workers[STEADY].memory
            await chaos.suffer(fault)
            await asyncio.sleep(random.uniform(0.0, 0.2))
        grown = chaos.workers[STEADY].memory - warm
        await chaos.stop_worker(STEADY)
        loading.cancel()
        await chaos.drain()
        await chaos.server.end(signal.SIGKILL)
        return chaos.check(), grown


@pytest.mark.live
def test_every_request_that_was_acknowledged_is_answered_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, grown = asyncio.run(suffering(tmp_path))
    if COUNT:
        with capsys.disabled():
            sys.stdout.write(f"\n{report} (SEED={SEED}); the worker grew by {grown} kB\n")
    assert max(report.chaos.reconnects) < WITHIN
    assert grown < FLAT
