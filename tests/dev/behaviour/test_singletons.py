"""Singletons, and what starts later: one run at a time, and the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import FakeApp, Reply, op, ops, output, sha1
from tests.dev.flow.fakes import Busy, played, reasons, send_many, statuses

if TYPE_CHECKING:
    from tests.dev.fakes import Call, World

A = sha1("a")
DONE = [RunStatus.COMPLETED]
DEBOUNCE = {"period": "30s"}


def done(call: Call) -> Reply:
    return output([event["data"].get("n") for event in call.body["events"]])


def test_a_singleton_that_skips_drops_events_while_its_run_is_active() -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        first, second = await send_many(here, {"n": 0}, {"n": 1})
        await here.pass_time(11)
        (third,) = await send_many(here, {"n": 2})
        await here.pass_time(11)
        assert await statuses(here, [first, second, third]) == [DONE, [], DONE]
        (run,) = await here.server.runs_of(first)
        (record,) = await here.server.store.event_history(second)
        assert (record.kind, record.details["reason"]) == ("not_started", "singleton")
        assert record.details["run"] == run.id

    played(FakeApp().add("one", busy, singleton={"mode": "skip"}), play, clock=clock)


@pytest.mark.parametrize(
    ("users", "order"),
    [(["ann", "ann", "bob"], [0, 2]), ([False, False], [0, 1]), ([None, None], [0])],
    ids=["keys", "false-is-no-singleton", "null"],
)
def test_singletons_have_keys(users: list[Any], order: list[int]) -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *({"n": n, "user": user} for n, user in enumerate(users)))
        assert busy.order == order

    singleton = {"mode": "skip", "key": "event.data.user"}
    played(FakeApp().add("one", busy, singleton=singleton), play, clock=clock)


def test_a_singleton_that_cancels_lets_the_newest_run_go_on() -> None:
    clock = ManualClock()

    def sleeps(call: Call) -> Reply:
        return output("ok") if A in call.steps else ops(op("Sleep", "a", opts={"duration": "1m"}))

    async def play(here: World) -> None:
        ids = []
        for number in range(3):
            ids += await send_many(here, {"n": number})
            await here.pass_time(10)
        await here.pass_time(120)
        cancelled = [RunStatus.CANCELLED]
        assert await statuses(here, ids) == [cancelled, cancelled, DONE]
        (run,) = await here.server.runs_of(ids[0])
        assert "takes its place" in loads(run.output or b"")["message"]

    app = FakeApp().add("one", sleeps, singleton={"mode": "cancel"})
    played(app, play, clock=clock)


def test_a_debounced_singleton_is_decided_when_the_debounce_ends() -> None:
    clock = ManualClock()
    busy = Busy(clock, seconds=100)

    async def play(here: World) -> None:
        await send_many(here, {"n": 0})
        await here.pass_time(32)
        (event_id,) = await send_many(here, {"n": 1})
        await here.pass_time(200)
        assert busy.order == [0]
        assert await reasons(here, event_id) == ["debounce", "singleton"]

    app = FakeApp().add("one", busy, singleton={"mode": "skip"}, debounce=DEBOUNCE)
    played(app, play, clock=clock)


def test_an_event_of_the_future_starts_its_run_then() -> None:
    async def play(here: World) -> None:
        due = here.clock.time() + 3_600
        run = await here.run_one(ts=int(due * 1000))
        assert run.started_at == due

    played(FakeApp().add("one", done), play)


def test_a_day_of_a_shop_is_over_in_no_time() -> None:
    """Four events an hour for a day: three functions, each as its rule has it."""
    clock = ManualClock()
    limited, collected, waited = (Busy(clock, seconds=0) for _ in range(3))

    async def play(here: World) -> None:
        for number in range(24 * 4):
            await here.send(data={"n": number})
            await here.pass_time(15 * 60)
        assert len(limited.began) == 24
        assert len(collected.began) == 24 * 4 / 8
        assert len(waited.began) == 24

    app = FakeApp()
    app.add("limited", limited, rateLimit={"limit": 1, "period": "1h"})
    app.add("collected", collected, batchEvents={"maxSize": 8, "timeout": "3h"})
    app.add("waited", waited, debounce={"period": "20m", "timeout": "59m59s"})
    played(app, play, clock=clock)
