"""The turnstile alone: what waits twice, is gone, or is not known."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.alarm import Alarm
from inngest_asgi.dev.flow.rates import Rates
from inngest_asgi.dev.flow.rules import read_rules
from inngest_asgi.dev.flow.tickets import make_ticket
from inngest_asgi.dev.flow.turnstile import Turnstile
from inngest_asgi.dev.jobs import Jobs
from inngest_asgi.dev.records import Job, JobKind
from inngest_asgi.testing import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable


def playing(config: dict[str, Any], play: Callable[[Turnstile, Jobs, ManualClock], None]) -> None:
    """Play with a queue that knows three runs of a function, "a", "b" and "c"."""

    async def main() -> None:
        clock = ManualClock(0.0)
        alarm = Alarm(clock)
        turnstile = Turnstile(clock, alarm, Rates({}))
        jobs = Jobs(clock, alarm, turnstile, lambda: None)
        for run in "abc":
            turnstile.add(run, make_ticket("f", read_rules("f", config), {}, 0.0))
        play(turnstile, jobs, clock)
        alarm.close()

    asyncio.run(main())


def call(run: str, number: int = 0) -> Job:
    return Job(f"{run}{number}", run, JobKind.CALL, f"s{number}", 0.0)


def taken(jobs: Jobs) -> list[str]:
    found = []
    while (job := jobs.take()) is not None:
        found.append(job.id)
    return found


def test_a_job_that_waits_twice_is_called_once() -> None:
    def play(turnstile: Turnstile, jobs: Jobs, clock: ManualClock) -> None:
        inside = [call("a", 1), call("a", 2)]
        twice = call("b")
        jobs.put([*inside, twice, twice, call("c")])
        assert taken(jobs) == ["a1", "a2"]
        for job in inside:
            jobs.drop(job)
            jobs.release(job)
        assert taken(jobs) == ["b0", "c0"]

    playing({"concurrency": 2}, play)


def test_a_job_that_waited_twice_is_not_done_before_it_is_due_again() -> None:
    def play(turnstile: Turnstile, jobs: Jobs, clock: ManualClock) -> None:
        first, second = call("a"), call("b")
        jobs.put([first, second, second])
        assert taken(jobs) == ["a0"]
        jobs.release(first)
        jobs.drop(first)
        assert taken(jobs) == ["b0"]
        second.due = 60.0
        jobs.release(second)
        assert taken(jobs) == []

    playing({"concurrency": 1}, play)


def test_a_job_that_is_gone_when_it_is_called_lets_the_next_pass() -> None:
    def play(turnstile: Turnstile, jobs: Jobs, clock: ManualClock) -> None:
        first = call("a")
        jobs.put([first, call("b"), call("c")])
        assert taken(jobs) == ["a0"]
        del jobs.of_run("b")["b0"]
        jobs.drop(first)
        jobs.release(first)
        assert taken(jobs) == ["c0"]

    playing({"concurrency": 1}, play)


def test_a_run_that_is_not_known_is_not_held_back() -> None:
    def play(turnstile: Turnstile, jobs: Jobs, clock: ManualClock) -> None:
        jobs.put([call("x"), call("y")])
        assert taken(jobs) == ["x0", "y0"]
        turnstile.remove("x")
        assert not turnstile.replace("x", make_ticket("f", read_rules("f", {}), {}, 0.0))
        assert turnstile.spent("x") == {}

    playing({"concurrency": 1}, play)


def test_a_gate_that_nobody_needs_is_forgotten() -> None:
    def play(turnstile: Turnstile, jobs: Jobs, clock: ManualClock) -> None:
        found = [call("a"), call("b")]
        jobs.put(found)
        assert taken(jobs) == ["a0"]
        for job in found:
            jobs.drop(job)
        jobs.release(found[0])
        assert taken(jobs) == []
        assert not turnstile._slots
        assert not turnstile._turns

    playing({"concurrency": 1, "throttle": {"limit": 1, "period": "60s"}}, play)


def test_what_is_not_a_call_needs_no_place() -> None:
    def play(turnstile: Turnstile, jobs: Jobs, clock: ManualClock) -> None:
        jobs.put([call("a"), Job("slept", "b", JobKind.SLEEP, "s", 0.0)])
        assert sorted(taken(jobs)) == ["a0", "slept"]

    playing({"concurrency": 1}, play)


def test_a_turnstile_that_nobody_listens_to_says_nothing() -> None:
    async def main() -> None:
        clock = ManualClock(0.0)
        turnstile = Turnstile(clock, Alarm(clock), Rates({}))
        ticket = make_ticket("f", read_rules("f", {"concurrency": 1}), {}, 0.0)
        turnstile.add("a", ticket)
        assert turnstile.admit((0.0, 0, call("a", 0)))
        assert not turnstile.admit((0.0, 1, call("a", 1)))
        turnstile.leave(call("a", 0))
        turnstile.remove("a")

    asyncio.run(main())
