"""The machine's own clock."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from inngest_asgi.clock import SYSTEM_CLOCK, Clock, SystemClock


def test_the_system_clock_is_a_clock() -> None:
    clock: Clock = SystemClock()
    assert isinstance(clock, SystemClock)


def test_time_is_in_unix_seconds() -> None:
    before = time.time()
    assert before <= SYSTEM_CLOCK.time() <= time.time()


def test_nanoseconds_are_the_same_time() -> None:
    before = time.time_ns()
    assert before <= SYSTEM_CLOCK.nanoseconds() <= time.time_ns()


@pytest.mark.parametrize("seconds", [0.0, -1.0, -1e9], ids=str)
def test_no_sleep_ends_at_once(seconds: float) -> None:
    asyncio.run(asyncio.wait_for(SYSTEM_CLOCK.sleep(seconds), 1))


@pytest.mark.live
def test_a_sleep_lasts() -> None:
    async def main() -> float:
        start = asyncio.get_running_loop().time()
        await SYSTEM_CLOCK.sleep(0.01)
        return asyncio.get_running_loop().time() - start

    assert asyncio.run(main()) >= 0.009


def test_random_numbers_are_below_one() -> None:
    numbers = [SYSTEM_CLOCK.random() for _ in range(100)]
    assert 0 <= min(numbers) < max(numbers) < 1


@pytest.mark.parametrize("size", [0, 1, 10, 16, 17, 5_000])
def test_entropy_has_the_size_asked_for(size: int) -> None:
    assert len(SYSTEM_CLOCK.entropy(size)) == size


def test_entropy_does_not_repeat() -> None:
    assert len({SYSTEM_CLOCK.entropy(16) for _ in range(1_000)}) == 1_000


@pytest.mark.live
@pytest.mark.skipif(not hasattr(os, "fork"), reason="There are no forks here.")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_entropy_is_not_shared_with_a_forked_process() -> None:
    SYSTEM_CLOCK.entropy(1)
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, SYSTEM_CLOCK.entropy(16))
        os._exit(0)
    os.wait()
    theirs = os.read(reading, 16)
    os.close(reading)
    os.close(writing)
    assert len(theirs) == 16
    assert theirs != SYSTEM_CLOCK.entropy(16)
