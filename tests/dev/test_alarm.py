"""Things to do later: in order, once, and with one sleeper."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

from inngest_asgi.dev.alarm import Alarm
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import JumpingClock

if TYPE_CHECKING:
    from collections.abc import Callable


def run(play: Callable[[ManualClock, Alarm, list[str]], None], seconds: float) -> list[str]:
    async def main() -> list[str]:
        clock, rung = ManualClock(0.0), list[str]()
        alarm = Alarm(clock)
        play(clock, alarm, rung)
        await clock.settle()
        await clock.until(clock.sleep(seconds))
        alarm.close()
        return rung

    return asyncio.run(main())


def test_alarms_ring_in_order_of_their_time() -> None:
    def play(clock: ManualClock, alarm: Alarm, rung: list[str]) -> None:
        alarm.at(30, lambda: rung.append(f"late {clock.time():.0f}"))
        alarm.at(10, lambda: rung.append(f"soon {clock.time():.0f}"))
        alarm.at(99, lambda: rung.append("never"))

    assert run(play, 50) == ["soon 10", "late 30"]


def test_equal_times_ring_in_order_of_setting() -> None:
    def play(clock: ManualClock, alarm: Alarm, rung: list[str]) -> None:
        for name in "abc":
            alarm.at(5, lambda name=name: rung.append(name))  # type: ignore[misc]

    assert run(play, 6) == ["a", "b", "c"]


def test_an_alarm_may_set_another() -> None:
    def play(clock: ManualClock, alarm: Alarm, rung: list[str]) -> None:
        def again() -> None:
            rung.append(f"{clock.time():.0f}")
            alarm.at(clock.time() + 10, again)

        alarm.at(10, again)

    assert run(play, 35) == ["10", "20", "30"]


def test_what_is_overdue_rings_at_once() -> None:
    def play(clock: ManualClock, alarm: Alarm, rung: list[str]) -> None:
        alarm.at(-5, lambda: rung.append(f"{clock.time():.0f}"))

    assert run(play, 1) == ["0"]


def test_many_alarms_need_one_sleeper() -> None:
    async def main() -> None:
        clock = ManualClock()
        alarm = Alarm(clock)
        for n in range(10_000):
            alarm.at(clock.time() + 1000 + n, lambda: None)
        await clock.settle()
        assert clock.sleepers == 1
        alarm.close()
        await clock.settle()
        assert clock.sleepers == 0

    asyncio.run(main())


def test_the_clock_is_looked_at_anew_when_asked() -> None:
    async def main() -> None:
        clock, rung = JumpingClock(0.0), list[str]()
        alarm = Alarm(clock)
        alarm.check()
        alarm.at(3600, lambda: rung.append("rung"))
        await clock.settle()
        clock.jump(7200)
        alarm.check()
        await clock.settle()
        assert rung == ["rung"]
        alarm.close()

    asyncio.run(main())


def test_a_closed_alarm_starts_no_sleeper() -> None:
    async def main() -> int:
        clock = ManualClock(0.0)
        alarm = Alarm(clock)
        alarm.close()
        alarm.at(10, lambda: None)
        await clock.settle()
        return clock.sleepers

    assert asyncio.run(main()) == 0


def test_a_timer_that_was_cancelled_calls_nobody() -> None:
    async def main() -> None:
        clock, called = ManualClock(0.0), []
        alarm = Alarm(clock)
        timer = alarm.at(5, lambda: called.append("cancelled"))
        alarm.at(5, lambda: called.append("kept"))
        alarm.cancel(timer)
        alarm.cancel(timer)
        await clock.until(clock.sleep(6))
        alarm.cancel(timer)
        assert called == ["kept"]
        alarm.close()
        alarm.cancel(alarm.at(7, lambda: called.append("closed")))

    asyncio.run(main())


def test_timers_that_were_cancelled_long_before_their_time_are_not_kept() -> None:
    async def main() -> None:
        clock, called = ManualClock(0.0), []
        alarm = Alarm(clock)
        alarm.at(5, lambda: called.append(5))
        for _ in range(10_000):
            alarm.cancel(alarm.at(1e9, lambda: called.append(0)))
        assert len(alarm._heap) < 2_000
        await clock.until(clock.sleep(6))
        assert called == [5]
        alarm.close()

    asyncio.run(main())


def test_an_alarm_that_raises_keeps_no_other_from_ringing() -> None:
    async def main() -> None:
        clock, rung = ManualClock(0.0), list[str]()
        raised: list[BaseException] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: raised.append(context["exception"]))
        alarm = Alarm(clock)
        alarm.at(5, lambda: [][0])
        alarm.at(5, lambda: rung.append("same time"))
        alarm.at(9, lambda: rung.append("later"))
        await clock.until(clock.sleep(10))
        gc.collect()
        assert rung == ["same time", "later"]
        assert [type(error) for error in raised] == [IndexError]
        alarm.close()

    asyncio.run(main())
