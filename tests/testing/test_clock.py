"""The clock that tests move by hand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.testing import ManualClock

if TYPE_CHECKING:
    from inngest_asgi.clock import Clock


def test_it_is_a_clock() -> None:
    clock: Clock = ManualClock(100.5)
    assert (clock.time(), clock.nanoseconds()) == (100.5, 100_500_000_000)


def test_time_moves_only_by_hand() -> None:
    clock = ManualClock(0.0)
    clock.advance(90)
    assert clock.time() == 90


def test_sleepers_wake_in_order_each_at_its_time() -> None:
    async def main() -> list[tuple[str, float]]:
        clock, woke = ManualClock(0.0), list[tuple[str, float]]()

        async def sleeper(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            woke.append((name, clock.time()))

        async with asyncio.TaskGroup() as group:
            for name, seconds in (("late", 20), ("soon", 10), ("also-soon", 10)):
                group.create_task(sleeper(name, seconds))
            await clock.settle()
            clock.advance(10)
            await clock.settle()
            clock.advance(10)
        return woke

    assert asyncio.run(main()) == [("soon", 10), ("also-soon", 10), ("late", 20)]


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_sleep_for_no_time_ends_at_once(seconds: float) -> None:
    asyncio.run(ManualClock().sleep(seconds))


def test_until_skips_what_everybody_sleeps_through() -> None:
    async def main() -> float:
        clock = ManualClock(0.0)

        async def long_journey() -> str:
            for _ in range(3):
                await clock.sleep(86_400)
            return "home"

        assert await clock.until(long_journey()) == "home"
        return clock.time()

    assert asyncio.run(main()) == 3 * 86_400


def test_until_passes_errors_on() -> None:
    async def failing() -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        asyncio.run(ManualClock().until(failing()))


def test_until_says_when_nobody_sleeps() -> None:
    async def main() -> None:
        await ManualClock().until(asyncio.Event().wait())

    with pytest.raises(TimeoutError, match="nobody sleeps"):
        asyncio.run(main())


def test_until_gives_up_at_its_limit() -> None:
    async def main() -> None:
        clock = ManualClock()
        await clock.until(clock.sleep(100), limit=99)

    with pytest.raises(TimeoutError, match="within the limit"):
        asyncio.run(main())


def test_who_was_cancelled_does_not_count_as_a_sleeper() -> None:
    async def main() -> None:
        clock = ManualClock()
        task = asyncio.ensure_future(clock.sleep(5))
        await clock.settle()
        assert clock.sleepers == 1
        task.cancel()
        await clock.settle()
        assert (clock.sleepers, clock.next_due) == (0, None)

    asyncio.run(main())


def test_chance_repeats_by_seed() -> None:
    def draw(seed: int) -> tuple[bytes, list[float]]:
        clock = ManualClock(seed=seed)
        return clock.entropy(10), [clock.random() for _ in range(100)]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    entropy, numbers = draw(3)
    assert len(entropy) == 10
    assert all(0 <= number < 1 for number in numbers)
    assert len(set(numbers)) == 100
