"""The queue: what is due, what must wait its turn, what is never done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inngest_asgi.dev.alarm import Alarm
from inngest_asgi.dev.flow.rates import Rates
from inngest_asgi.dev.flow.turnstile import Turnstile
from inngest_asgi.dev.jobs import Jobs
from inngest_asgi.dev.records import Job, JobKind
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import JumpingClock

if TYPE_CHECKING:
    from collections.abc import Callable


def call(name: str, *, run: str = "r", step: str | None = None, due: float = 0.0) -> Job:
    return Job(name, run, JobKind.CALL, step, due)


def queue(clock: ManualClock, alarm: Alarm, on_ready: Callable[[], None] = lambda: None) -> Jobs:
    return Jobs(clock, alarm, Turnstile(clock, alarm, Rates({})), on_ready)


def playing(play: Callable[[Jobs], None]) -> None:
    async def main() -> None:
        clock = ManualClock(0.0)
        alarm = Alarm(clock)
        play(queue(clock, alarm))
        alarm.close()

    asyncio.run(main())


def taken(jobs: Jobs) -> list[str]:
    names = []
    while (job := jobs.take()) is not None:
        names.append(job.id)
    return names


def test_due_jobs_are_taken_in_the_order_they_came() -> None:
    def play(jobs: Jobs) -> None:
        jobs.put([call("a", run="1"), call("b", run="2"), call("later", run="3", due=5)])
        assert taken(jobs) == ["a", "b"]

    playing(play)


def test_a_job_that_is_saved_while_it_is_leased_is_not_handed_out_twice() -> None:
    def play(jobs: Jobs) -> None:
        job = call("a")
        jobs.put([job])
        assert taken(jobs) == ["a"]
        jobs.put([job])
        jobs.release(job)
        assert taken(jobs) == []

    playing(play)


def test_a_job_of_the_future_becomes_due() -> None:
    async def main() -> None:
        clock, ready = ManualClock(0.0), list[float]()
        alarm = Alarm(clock)
        jobs = queue(clock, alarm, lambda: ready.append(clock.time()))
        jobs.put([call("later", due=5)])
        await clock.until(clock.sleep(6))
        assert ready == [5]
        assert taken(jobs) == ["later"]
        alarm.close()

    asyncio.run(main())


def test_a_clock_that_is_set_back_loses_no_job_that_was_due() -> None:
    async def main() -> None:
        clock = JumpingClock(0.0)
        alarm = Alarm(clock)
        jobs = queue(clock, alarm)
        jobs.put([call("due", due=0)])
        clock.jump(-2)
        assert taken(jobs) == []
        await clock.until(clock.sleep(3))
        assert taken(jobs) == ["due"]
        alarm.close()

    asyncio.run(main())


def test_a_job_that_is_put_off_while_it_waits_is_taken_once() -> None:
    async def main() -> None:
        clock = ManualClock(0.0)
        alarm = Alarm(clock)
        jobs, job = queue(clock, alarm), call("later")
        jobs.put([job])
        job.due = 5
        jobs.put([job])
        assert taken(jobs) == []
        await clock.until(clock.sleep(6))
        assert taken(jobs) == ["later"]
        alarm.close()

    asyncio.run(main())


def test_calls_of_the_whole_function_never_overlap() -> None:
    def play(jobs: Jobs) -> None:
        first, second, third = call("first"), call("second"), call("third")
        jobs.put([first, second, third, call("step", step="s"), call("other", run="2")])
        assert taken(jobs) == ["first", "step", "other"]
        jobs.release(first)
        assert taken(jobs) == ["second"]
        jobs.release(second)
        assert taken(jobs) == ["third"]

    playing(play)


def test_a_call_that_had_to_wait_is_told_of_when_it_need_not_any_more() -> None:
    async def main() -> list[str]:
        clock, told = ManualClock(0.0), list[str]()
        jobs = queue(clock, Alarm(clock), lambda: told.extend(taken(jobs)))
        first = call("first")
        jobs.put([first, call("second")])
        assert told == ["first"]
        jobs.release(first)
        return told

    assert asyncio.run(main()) == ["first", "second"]


def test_a_job_that_was_removed_is_not_taken() -> None:
    def play(jobs: Jobs) -> None:
        jobs.put([call("a"), call("b", step="s")])
        del jobs.of_run("r")["a"]
        assert taken(jobs) == ["b"]

    playing(play)


def test_a_job_that_was_removed_before_its_time_does_not_become_due() -> None:
    async def main() -> None:
        clock, ready = ManualClock(0.0), list[float]()
        alarm = Alarm(clock)
        jobs = queue(clock, alarm, lambda: ready.append(clock.time()))
        jobs.put([call("later", due=5)])
        jobs.drop(jobs.of_run("r")["later"])
        await clock.until(clock.sleep(6))
        assert ready == []
        alarm.close()

    asyncio.run(main())


def test_a_job_that_was_removed_while_it_was_saved_does_not_come_back() -> None:
    def play(jobs: Jobs) -> None:
        retry = call("a")
        retry.gone = True
        jobs.put([retry])
        assert taken(jobs) == []
        assert not jobs.is_active("r")

    playing(play)


def test_a_leased_job_is_not_given_out_twice() -> None:
    def play(jobs: Jobs) -> None:
        job = call("a", step="s")
        jobs.put([job])
        jobs.put([job])
        assert taken(jobs) == ["a"]

    playing(play)


def test_a_run_is_active_while_something_of_it_is_due_or_in_progress() -> None:
    def play(jobs: Jobs) -> None:
        job = call("a", step="s")
        jobs.put([job, call("later", step="t", due=5)])
        assert jobs.is_active("r")
        jobs.take()
        del jobs.of_run("r")["a"]
        assert not jobs.is_active("r")
        assert not jobs.is_active("unknown")

    playing(play)


def test_jobs_that_ask_nobody_outside_are_taken_when_there_is_no_room_for_calls() -> None:
    def play(jobs: Jobs) -> None:
        jobs.put([call("a", run="1"), Job("stop", "2", JobKind.CANCEL, None, 0.0)])
        assert jobs.take(others=False, calls=False) is None
        stop = jobs.take(calls=False)
        assert stop is not None
        assert stop.id == "stop"
        assert jobs.take(calls=False) is None
        assert taken(jobs) == ["a"]

    playing(play)


def test_a_job_that_is_brought_forward_is_taken_once() -> None:
    async def main() -> None:
        clock = ManualClock(0.0)
        alarm = Alarm(clock)
        jobs = queue(clock, alarm)
        job = call("a", due=5)
        jobs.put([job])
        job.due = 0.0
        jobs.put([job])
        assert taken(jobs) == ["a"]
        assert jobs._timers == {}
        jobs.put([call("b", run="other", due=7)])
        jobs.gone(["b", "unknown"])
        assert jobs._timers == {}
        await clock.until(clock.sleep(10))
        assert taken(jobs) == []
        alarm.close()

    asyncio.run(main())
