"""Debounces: the last of many events starts a run, at the right moment."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import FakeApp, Reply, op, ops, output, sha1, world
from tests.dev.flow.fakes import Busy, played, reasons, send_many

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dev.fakes import Call, World

DEBOUNCE = {"period": "30s"}


def done(call: Call) -> Reply:
    return output([event["data"].get("n") for event in call.body["events"]])


def debounced(clock: ManualClock, **option: Any) -> tuple[FakeApp, Busy]:
    busy = Busy(clock, seconds=0)
    return FakeApp().add("one", busy, debounce=DEBOUNCE | option), busy


def test_a_debounce_starts_once_no_event_came_for_its_period() -> None:
    clock = ManualClock()
    app, busy = debounced(clock)

    async def play(here: World) -> None:
        for number in range(3):
            await send_many(here, {"n": number})
            await here.pass_time(20)
        await here.pass_time(60)
        assert busy.began == [(40 + 30 + 1, 2)]

    played(app, play, clock=clock)


def test_a_debounce_starts_no_later_than_its_time_out() -> None:
    clock = ManualClock()
    app, busy = debounced(clock, timeout="45s")

    async def play(here: World) -> None:
        for number in range(4):
            await send_many(here, {"n": number})
            await here.pass_time(20)
        await here.pass_time(60)
        assert busy.began == [(45 + 1, 2), (60 + 30 + 1, 3)]

    played(app, play, clock=clock)


def test_a_debounce_ignores_older_events() -> None:
    clock = ManualClock()
    app, busy = debounced(clock)

    async def play(here: World) -> None:
        now = int(clock.time() * 1000)
        await here.send(data={"n": "new"}, ts=now)
        await here.pass_time(10)
        older = await here.send(data={"n": "old"}, ts=now - 1)
        await here.pass_time(60)
        assert busy.began == [(31, "new")]
        assert await reasons(here, older) == ["older"]

    played(app, play, clock=clock)


def test_an_event_as_old_as_the_last_one_takes_its_place() -> None:
    clock = ManualClock()
    app, busy = debounced(clock)

    async def play(here: World) -> None:
        await send_many(here, {"n": 0}, {"n": 1})
        await here.pass_time(60)
        assert busy.began == [(31, 1)]

    played(app, play, clock=clock)


def test_debounces_of_different_keys_wait_apart() -> None:
    clock = ManualClock()
    app, busy = debounced(clock, key="event.data.user")

    async def play(here: World) -> None:
        await send_many(here, {"n": 0, "user": "ann"}, {"n": 1, "user": "bob"})
        await here.pass_time(20)
        await send_many(here, {"n": 2, "user": "ann"})
        await here.pass_time(60)
        assert busy.began == [(31, 1), (51, 2)]

    played(app, play, clock=clock)


def test_what_waits_says_so_and_until_when() -> None:
    async def play(here: World) -> None:
        event_id = await here.send()
        (record,) = await here.server.store.event_history(event_id)
        assert record.kind == "event_waiting"
        assert record.details["function"] == "shop-one"
        assert record.details["reason"] == "debounce"
        assert record.details["until"] == here.clock.time() + 31

    played(FakeApp().add("one", done, debounce=DEBOUNCE), play)


def test_a_rate_limit_comes_before_a_debounce() -> None:
    async def play(here: World) -> None:
        ids = await send_many(here, {"n": 0}, {"n": 1})
        await here.pass_time(60)
        assert [call.body["event"]["data"]["n"] for call in here.app.calls] == [0]
        assert await reasons(here, ids[1]) == ["rate_limit"]

    rate = {"limit": 1, "period": "1h"}
    played(FakeApp().add("one", done, debounce=DEBOUNCE, rateLimit=rate), play)


@pytest.mark.parametrize("replaced", ["by-the-same-server", "by-the-next-server"])
def test_a_parent_does_not_wait_for_an_invocation_that_a_newer_one_replaced(
    tmp_path: Path, replaced: str
) -> None:
    """A debounced function starts for the last event only: nobody answers those before."""

    def parent(call: Call) -> Reply:
        opts = {"function_id": "shop-child", "payload": {"data": {}}}
        memo = call.steps.get(sha1("a"))
        return output(memo) if memo else ops(op("InvokeFunction", "a", opts=opts))

    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = FakeApp().add("parent", parent)
        app.add("child", lambda call: output("child"), event="x", debounce=DEBOUNCE)
        async with contextlib.AsyncExitStack() as stack:
            here = await stack.enter_async_context(world(app, db=db, clock=clock))
            first = await here.send()
            await here.server.settle()
            if replaced == "by-the-next-server":
                await stack.aclose()
                here = await stack.enter_async_context(world(app, db=db, clock=clock, sync=False))
            await here.pass_time(1)
            second = await here.send()
            await here.server.settle()
            (row,) = await here.server.runs_of(first)
            assert "a newer event" in loads(row.output or b"")["error"]["message"]
            (row,) = await here.finish(second)
            assert loads(row.output or b"") == {"data": "child"}
            assert len(app.of("child")) == 1

    asyncio.run(main())
