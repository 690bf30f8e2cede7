"""Concurrency, throttles and priority: what waits, who is next, and that nothing is exceeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.dev.cancels import cancel_job
from inngest_asgi.dev.records import Changes
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import FakeApp, Reply, op, ops, output, ran, sha1
from tests.dev.flow.fakes import Busy, played, send_many

if TYPE_CHECKING:
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
