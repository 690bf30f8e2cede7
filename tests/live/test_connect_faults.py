"""Workers lose no work, whatever happens to them, to the gateway, and to the network between.

`make chaos` has 200 faults happen, and prints what came of it.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from itertools import cycle, islice
from typing import TYPE_CHECKING

import pytest

from tests.live.connect_chaos import FAULTS, FRAIL, LONG, SHORT, STEADY, Chaos
from tests.live.connect_evidence import Report, report

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
    "replace-worker",
    "garble-down",
    "swap-up",
    "stop-server",
    "swallow",
    "break-up",
    "pause-server",
    "double-down",
    "drain",
    "garble-handshake",
    "swap-down",
)
"""One of each sort, the worker's death early: what it had is missed only some seconds later."""

COUNT = int(os.environ.get("FAULTS", "0"))
"""How many faults `make chaos` asks for."""

WITHIN = 2.0
"""Seconds in which a worker is ACTIVE once its gateway is back."""

FLAT = 5 * 1024
"""Kilobytes that a process may grow by."""


def by_chance() -> list[str]:
    """Return faults of all kinds, in the first half none that ends the server, to see it grow."""
    wanted = list(islice(cycle(random.sample([*FAULTS], len(FAULTS))), COUNT))
    random.shuffle(wanted)
    lasting = [name for name in wanted if name not in ("kill-server", "stop-server")]
    first = lasting[: COUNT // 2]
    rest = list((Counter(wanted) - Counter(first)).elements())
    random.shuffle(rest)
    return first + rest


async def suffering(folder: Path) -> Report:
    """Have one fault after another happen under load."""
    faults = by_chance() if COUNT else SUITE
    async with Chaos(folder) as chaos:
        loads = [asyncio.create_task(chaos.load(every)) for every in (SHORT, LONG)]
        for number, fault in enumerate(faults):
            if number == len(faults) * 3 // 4:
                loads.pop().cancel()  # what takes long would only be waited for in the end
            await chaos.suffer(fault)
            await asyncio.sleep(random.uniform(0.0, 0.2))
        await chaos.at_work(STEADY)
        await chaos.stopped(STEADY)
        loads.pop().cancel()
        await chaos.finished()
        await chaos.stopped(FRAIL)
        await chaos.server.end(signal.SIGKILL)
        return report(chaos)


@pytest.mark.live
def test_every_request_that_was_acknowledged_is_answered_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = asyncio.run(suffering(tmp_path))
    if COUNT:
        with capsys.disabled():
            sys.stdout.write(f"\n{found}\n")
    assert max(found.chaos.reconnects) < WITHIN
    assert max(found.growth.values()) < FLAT
