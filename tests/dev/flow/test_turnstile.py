"""Concurrency, throttles and priority: what waits, who is next, and that nothing is exceeded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.dev.alarm import Alarm
from inngest_asgi.dev.cancels import cancel_job
from inngest_asgi.dev.flow.rates import Rates
from inngest_asgi.dev.flow.rules import read_rules
from inngest_asgi.dev.flow.tickets import make_ticket
from inngest_asgi.dev.flow.turnstile import Turnstile
from inngest_asgi.dev.jobs import Jobs
from inngest_asgi.dev.records import Changes, Job, JobKind
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import URL, FakeApp, Reply, op, ops, output, ran, sha1
from tests.dev.flow.fakes import Busy, played, send_many

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.dev.fakes import Call, World

A = sha1("a")


def users(*names: str) -> list[dict[str, Any]]:
    return [{"n": index, "user": name} for index, name in enumerate(names)]


def numbers(count: int) -> list[dict[str, Any]]:
    return [{"n": number} for number in range(count)]


@pytest.mark.parametrize(
    "limit",
    [2, {"limit": 2}, [{"limit": 2}], {"step": [{"limit": 2}]}],
    ids=["number", "object", "array", "by-kind"],
)
def test_calls_beyond_the_limit_wait_and_start_in_order(limit: Any) -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *numbers(5))
        await here.pass_time(60)
        assert busy.began == [(0, 0), (0, 1), (10, 2), (10, 3), (20, 4)]

    played(FakeApp().add("one", busy, concurrency=limit), play, clock=clock)


def test_a_limit_of_zero_is_none() -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *numbers(1_005))
        assert len(busy.began) == 1_005

    app = FakeApp().add("one", busy, concurrency=0)
    played(app, play, clock=clock, max_calls=2_000)


def test_without_a_limit_a_function_has_a_thousand_calls_in_progress() -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *numbers(1_005))
        assert len(busy.began) == 1_000
        await here.pass_time(11)
        assert len(busy.began) == 1_005

    played(FakeApp().add("one", busy), play, clock=clock, max_calls=2_000)


def test_each_key_has_the_limit_for_itself() -> None:
    clock = ManualClock()
    busy = Busy(clock, group="user")

    async def play(here: World) -> None:
        await send_many(here, *users("ann", "ann", "bob", "ann", "bob"))
        await here.pass_time(60)
        assert busy.began == [(0, 0), (0, 2), (10, 1), (10, 4), (20, 3)]

    limit = {"limit": 1, "key": "event.data.user"}
    played(FakeApp().add("one", busy, concurrency=limit), play, clock=clock)


def test_two_limits_hold_both() -> None:
    clock = ManualClock()
    busy = Busy(clock, group="user")

    async def play(here: World) -> None:
        await send_many(here, *users("ann", "ann", "bob", "cid", "dan"))
        await here.pass_time(60)
        assert sorted(busy.began) == [(0, 0), (0, 2), (10, 1), (10, 3), (20, 4)]

    limits = [{"limit": 2}, {"limit": 1, "key": "event.data.user"}]
    played(FakeApp().add("one", busy, concurrency=limits), play, clock=clock)


def test_two_limits_on_the_same_thing_count_once_and_the_lower_one_holds() -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *numbers(4))
        await here.pass_time(60)
        assert busy.times == [0, 0, 10, 10]

    limits = [{"limit": 4}, {"limit": 2}]
    played(FakeApp().add("one", busy, concurrency=limits), play, clock=clock)


@pytest.mark.parametrize("scope", ["env", "account"])
def test_functions_share_the_keys_of_a_scope(scope: str) -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *users("ann", "ann"))
        await here.pass_time(60)
        assert busy.times == [0, 10, 20, 30]

    app = FakeApp()
    for name in ("one", "two"):
        app.add(name, busy, concurrency={"limit": 1, "scope": scope, "key": "event.data.user"})
    played(app, play, clock=clock)


def test_those_who_share_a_key_are_held_to_limits_of_their_own() -> None:
    clock = ManualClock()
    wide, narrow = Busy(clock), Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *numbers(3), name="wide")
        await send_many(here, *numbers(1), name="narrow")
        await here.pass_time(60)
        assert wide.times == [0, 0, 0]
        assert narrow.times == [10]

    app = FakeApp()
    for name, busy, limit in (("wide", wide, 3), ("narrow", narrow, 1)):
        shared = {"limit": limit, "scope": "env", "key": "'openai'"}
        app.add(name, busy, event=name, concurrency=shared)
    played(app, play, clock=clock)


def test_functions_do_not_share_what_has_no_scope() -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *numbers(1))
        assert busy.times == [0, 0]

    app = FakeApp().add("one", busy, concurrency=1).add("two", busy, concurrency=1)
    played(app, play, clock=clock)


def sleeper(call: Call) -> Reply:
    if A not in call.steps:
        return ops(op("Sleep", "a", opts={"duration": "1h"}))
    return output(None)


def test_runs_that_sleep_do_not_count_as_calls() -> None:
    async def play(here: World) -> None:
        await send_many(here, *numbers(3))
        assert len(here.app.calls) == 3

    played(FakeApp().add("one", sleeper, concurrency=1), play)


def test_a_limit_on_runs_holds_from_start_to_end_through_sleeps() -> None:
    async def play(here: World) -> None:
        start = here.clock.time()
        ids = await send_many(here, *numbers(3))
        assert len(here.app.calls) == 1
        runs = [run for one in ids for run in await here.finish(one)]
        begun = [run.started_at - start for run in runs if run.started_at is not None]
        assert begun == [0, 3_600, 7_200]

    played(FakeApp().add("one", sleeper, concurrency={"fn": [{"limit": 1}]}), play)


def test_a_limit_on_runs_may_have_keys() -> None:
    async def play(here: World) -> None:
        await send_many(here, *users("ann", "ann", "bob"))
        assert [call.body["event"]["data"]["n"] for call in here.app.calls] == [0, 2]

    limit = {"fn": [{"limit": 1, "key": "event.data.user"}], "step": [{"limit": 5}]}
    played(FakeApp().add("one", sleeper, concurrency=limit), play)


def test_a_run_that_waits_for_its_place_can_be_cancelled_and_the_next_gets_it() -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        ids = await send_many(here, *numbers(3))
        (run,) = await here.server.runs_of(ids[1])
        cancel = cancel_job(run.id, clock.time(), "Somebody cancelled it.")
        await here.server.commits.commit(Changes(jobs=[cancel]))
        await here.pass_time(60)
        assert busy.began == [(0, 0), (10, 2)]
        (run,) = await here.server.runs_of(ids[1])
        assert run.status is RunStatus.CANCELLED

    played(FakeApp().add("one", busy, concurrency=1), play, clock=clock)


def test_a_failed_attempt_gives_its_place_away_until_it_is_tried_again() -> None:
    clock = ManualClock()
    times: list[tuple[float, int]] = []

    def flaky(call: Call) -> Reply:
        times.append((clock.time() - start, call.body["event"]["data"]["n"]))
        if call.ctx["attempt"] == 0 and call.body["event"]["data"]["n"] == 0:
            return Reply(500, {"message": "no"}, {"retry-after": "60"})
        return output(None)

    start = clock.time()

    async def play(here: World) -> None:
        await send_many(here, *numbers(2))
        await here.pass_time(120)
        assert times == [(0, 0), (0, 1), (60, 0)]

    played(FakeApp().add("one", flaky, concurrency=1), play, clock=clock)


def test_a_throttle_lets_limit_and_burst_start_then_one_an_interval() -> None:
    clock = ManualClock()
    busy = Busy(clock, seconds=0)

    async def play(here: World) -> None:
        await send_many(here, *numbers(8))
        await here.pass_time(300)
        assert busy.order == list(range(8))
        assert busy.times == [0, 0, 0, 30, 60, 90, 120, 150]

    throttle = {"limit": 2, "period": "60s", "burst": 1}
    played(FakeApp().add("one", busy, throttle=throttle), play, clock=clock)


def test_a_throttle_counts_by_key() -> None:
    clock = ManualClock()
    busy = Busy(clock, seconds=0)

    async def play(here: World) -> None:
        await send_many(here, *users("ann", "ann", "bob"))
        await here.pass_time(120)
        assert busy.began == [(0, 0), (0, 2), (60, 1)]

    throttle = {"limit": 1, "period": "1m", "key": "event.data.user"}
    played(FakeApp().add("one", busy, throttle=throttle), play, clock=clock)


def test_a_throttle_counts_starts_not_steps() -> None:
    def two_steps(call: Call) -> Reply:
        return output(None) if A in call.steps else ops(ran("a"))

    async def play(here: World) -> None:
        run = await here.run_one()
        assert run.ended_at == run.queued_at

    throttle = {"limit": 1, "period": "1h"}
    played(FakeApp().add("one", two_steps, throttle=throttle), play)


def test_a_throttle_counts_what_starts_and_not_what_waits_for_a_place() -> None:
    clock = ManualClock()
    busy = Busy(clock, seconds=100)

    async def play(here: World) -> None:
        await send_many(here, *numbers(3))
        await here.pass_time(400)
        assert busy.times == [0, 100, 200]
        await send_many(here, *numbers(2))
        await here.pass_time(5)
        assert busy.times == [0, 100, 200, 400]

    throttle = {"limit": 2, "period": "20s"}
    app = FakeApp().add("one", busy, throttle=throttle, concurrency=1)
    played(app, play, clock=clock)


def test_what_a_throttle_calls_and_a_limit_holds_back_lets_the_next_pass() -> None:
    clock = ManualClock()
    busy = Busy(clock, seconds=100)

    async def play(here: World) -> None:
        await send_many(here, *users("ann", "bob", "ann", "cid"))
        await here.pass_time(500)
        assert busy.began == [(0, 0), (10, 1), (20, 3), (100, 2)]

    config: dict[str, Any] = {
        "throttle": {"limit": 1, "period": "10s"},
        "concurrency": {"limit": 1, "key": "event.data.user"},
    }
    played(FakeApp().add("one", busy, **config), play, clock=clock)


@pytest.mark.parametrize(
    ("priorities", "order"),
    [
        ([0, 0, 0], [0, 1, 2, 3]),
        ([0, 10, 5], [0, 2, 3, 1]),
        ([-5, 0, 5], [0, 3, 2, 1]),
        ([43_200, 10**9, 0], [0, 1, 2, 3]),
        (["high", None, 5], [0, 3, 1, 2]),
    ],
    ids=["equal", "higher-first", "lower-last", "clamped", "no-numbers"],
)
def test_priority_says_who_is_next(priorities: list[Any], order: list[int]) -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, {"n": 0, "p": 0})
        await send_many(here, *({"n": n, "p": p} for n, p in enumerate(priorities, start=1)))
        await here.pass_time(60)
        assert busy.order == order

    app = FakeApp().add("one", busy, concurrency=1, priority={"run": "event.data.p"})
    played(app, play, clock=clock)


def test_priority_does_not_hasten_what_is_due_later() -> None:
    clock = ManualClock()
    busy = Busy(clock, seconds=100)

    async def play(here: World) -> None:
        await send_many(here, {"n": 0})
        due = int((clock.time() + 50) * 1000)
        await here.send(data={"n": 1, "p": 1_000}, ts=due)
        await here.pass_time(20)
        await send_many(here, {"n": 2, "p": 0})
        await here.pass_time(400)
        assert busy.order == [0, 2, 1]

    app = FakeApp().add("one", busy, concurrency=1, priority={"run": "event.data.p"})
    played(app, play, clock=clock)


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


def test_a_throttle_that_is_gone_when_it_would_open_calls_nobody() -> None:
    clock = ManualClock()
    busy = Busy(clock, seconds=0)

    async def play(here: World) -> None:
        await send_many(here, *numbers(2))
        here.app.functions["shop-one"]["throttle"] = {"limit": 2, "period": "1s", "burst": 9}
        assert (await here.server.sync(URL)).ok
        await here.pass_time(7_200)
        assert busy.times == [0, 0.5]

    throttle = {"limit": 1, "period": "1h"}
    played(FakeApp().add("one", busy, throttle=throttle), play, clock=clock)
