"""Throttles and priority: when runs start that must not start at once, and which one is first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.testing import ManualClock
from tests.dev.fakes import URL, FakeApp, Reply, ops, output, ran, sha1
from tests.dev.flow.fakes import Busy, numbers, played, send_many

if TYPE_CHECKING:
    from tests.dev.fakes import Call, World

A = sha1("a")


def users(*names: str) -> list[dict[str, Any]]:
    return [{"n": index, "user": name} for index, name in enumerate(names)]


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
