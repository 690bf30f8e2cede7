"""Flow control across restarts, and when functions register other limits than before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.dev.records import Changes, StoredEvent
from inngest_asgi.errors import DevServerError
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import dumps, loads
from tests.dev.fakes import URL, FakeApp, Reply, op, ops, output, sha1, world
from tests.dev.flow.fakes import Busy, numbers, played, reasons, send_many, statuses

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from tests.dev.fakes import Call, World

A = sha1("a")


def done(call: Call) -> Reply:
    return output([event["data"].get("n") for event in call.body["events"]])


def sleeper(call: Call) -> Reply:
    return output(None) if A in call.steps else ops(op("Sleep", "a", opts={"duration": "1h"}))


def before_and_after(
    tmp_path: Path, app: FakeApp, first: Any, second: Any, *, between: float = 0.0
) -> None:
    """Play one part with a server and the next with another one on the same file."""

    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        async with world(app, db=db, clock=clock) as here:
            await first(here)
        clock.advance(between)
        async with world(app, db=db, clock=clock, sync=False) as here:
            await second(here)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("between", "began"), [(0.0, 31.0), (300.0, 300.0)], ids=["in-time", "after-it-was-due"]
)
def test_a_debounce_goes_on_under_the_next_server(
    tmp_path: Path, between: float, began: float
) -> None:
    ids: list[str] = []

    async def first(here: World) -> None:
        ids.extend(await send_many(here, *numbers(2)))

    async def second(here: World) -> None:
        start = here.clock.time() - between
        (run,) = await here.finish(ids[1])
        assert run.queued_at == start + began
        assert loads(run.output or b"") == [1]

    app = FakeApp().add("one", done, debounce={"period": "30s"})
    before_and_after(tmp_path, app, first, second, between=between)


def test_a_batch_fills_across_a_restart(tmp_path: Path) -> None:
    async def first(here: World) -> None:
        await send_many(here, *numbers(2))

    async def second(here: World) -> None:
        (event_id,) = await send_many(here, {"n": 2})
        (run,) = await here.finish(event_id)
        assert loads(run.output or b"") == [0, 1, 2]

    app = FakeApp().add("one", done, batchEvents={"maxSize": 3, "timeout": "60s"})
    before_and_after(tmp_path, app, first, second)


def test_a_batch_run_knows_all_its_events_after_a_restart(tmp_path: Path) -> None:
    ids: list[str] = []

    async def first(here: World) -> None:
        ids.extend(await send_many(here, *numbers(2)))

    async def second(here: World) -> None:
        (run,) = await here.finish(ids[1])
        assert [len(call.body["events"]) for call in here.app.calls] == [2, 2]
        assert run.batch_id is not None

    app = FakeApp().add("one", sleeper, batchEvents={"maxSize": 2, "timeout": "60s"})
    before_and_after(tmp_path, app, first, second)


def test_a_rate_limit_remembers_what_passed_before_a_restart(tmp_path: Path) -> None:
    async def first(here: World) -> None:
        await send_many(here, *numbers(1))

    async def second(here: World) -> None:
        ids = await send_many(here, *numbers(1))
        await here.pass_time(3_600)
        ids += await send_many(here, *numbers(1))
        assert await statuses(here, ids) == [[], [RunStatus.COMPLETED]]

    app = FakeApp().add("one", done, rateLimit={"limit": 1, "period": "1h"})
    before_and_after(tmp_path, app, first, second)


def test_a_throttle_remembers_starts_and_who_waits(tmp_path: Path) -> None:
    ids: list[str] = []

    async def first(here: World) -> None:
        ids.extend(await send_many(here, *numbers(3)))
        assert len(here.app.calls) == 1

    async def second(here: World) -> None:
        start = here.clock.time() - 100
        assert len(here.app.calls) == 1
        runs = [run for one in ids for run in await here.finish(one)]
        begun = [run.started_at - start for run in runs if run.started_at is not None]
        assert begun == [0, 3_600, 7_200]

    app = FakeApp().add("one", done, throttle={"limit": 1, "period": "1h"})
    before_and_after(tmp_path, app, first, second, between=100)


def test_a_call_that_a_restart_repeats_is_not_throttled(tmp_path: Path) -> None:
    async def slow(call: Call) -> Reply:
        if call.ctx["generation_id"] == 1:
            await asyncio.Event().wait()
        return output(None)

    ids: list[str] = []

    async def first(here: World) -> None:
        ids.extend(await send_many(here, *numbers(1)))

    async def second(here: World) -> None:
        (run,) = await here.finish(ids[0])
        assert run.ended_at == run.queued_at

    app = FakeApp().add("one", slow, throttle={"limit": 1, "period": "1h"})
    before_and_after(tmp_path, app, first, second)


def test_a_run_keeps_its_place_across_a_restart(tmp_path: Path) -> None:
    ids: list[str] = []

    async def first(here: World) -> None:
        ids.extend(await send_many(here, {"user": "ann"}, {"user": "ann"}, {"user": "bob"}))
        assert len(here.app.calls) == 2

    async def second(here: World) -> None:
        start = here.clock.time()
        runs = [run for one in ids for run in await here.finish(one)]
        begun = [run.started_at - start for run in runs if run.started_at is not None]
        assert begun == [0, 3_600, 0]

    limit = {"fn": [{"limit": 1, "key": "event.data.user"}]}
    app = FakeApp().add("one", sleeper, concurrency=limit)
    before_and_after(tmp_path, app, first, second)


def test_a_singleton_is_held_across_a_restart(tmp_path: Path) -> None:
    async def first(here: World) -> None:
        await send_many(here, {"user": "ann"})

    async def second(here: World) -> None:
        ann, bob = await send_many(here, {"user": "ann"}, {"user": "bob"})
        assert await reasons(here, ann) == ["singleton"]
        assert await reasons(here, bob) == []

    singleton = {"mode": "skip", "key": "event.data.user"}
    app = FakeApp().add("one", sleeper, singleton=singleton)
    before_and_after(tmp_path, app, first, second)


async def register(here: World, **config: Any) -> None:
    here.app.functions["shop-one"].update(config)
    assert (await here.server.sync(URL)).ok
    await here.server.settle()


def test_a_higher_limit_lets_those_start_who_wait() -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *numbers(5))
        await here.pass_time(2)
        await register(here, concurrency=3)
        assert busy.began == [(0, 0), (2, 1), (2, 2)]
        await here.pass_time(60)
        assert busy.began[3:] == [(10, 3), (12, 4)]

    played(FakeApp().add("one", busy, concurrency=1), play, clock=clock)


def test_a_lower_limit_holds_from_then_on() -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *numbers(5))
        await register(here, concurrency=1)
        await here.pass_time(60)
        assert busy.times == [0, 0, 0, 10, 20]

    played(FakeApp().add("one", busy, concurrency=3), play, clock=clock)


def test_a_new_key_is_that_of_runs_that_wait_already() -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *({"n": n, "user": user} for n, user in enumerate("aabb")))
        await here.pass_time(2)
        await register(here, concurrency={"limit": 1, "key": "event.data.user"})
        assert busy.began == [(0, 0), (2, 1), (2, 2)]

    played(FakeApp().add("one", busy, concurrency=1), play, clock=clock)


def test_a_new_limit_on_runs_counts_those_that_have_started() -> None:
    async def play(here: World) -> None:
        await send_many(here, *numbers(2))
        await register(here, concurrency={"fn": [{"limit": 2}]})
        await send_many(here, *numbers(1))
        assert len(here.app.calls) == 2
        await register(here, concurrency={"fn": [{"limit": 3}]})
        assert len(here.app.calls) == 3

    played(FakeApp().add("one", sleeper), play)


def test_a_faster_throttle_does_not_wait_for_the_slow_one() -> None:
    clock = ManualClock()
    busy = Busy(clock, seconds=0)

    async def play(here: World) -> None:
        await send_many(here, *numbers(4))
        await register(here, throttle={"limit": 1, "period": "10s"})
        await here.pass_time(60)
        assert busy.times == [0, 10, 20, 30]

    app = FakeApp().add("one", busy, throttle={"limit": 1, "period": "24h"})
    played(app, play, clock=clock)


def test_a_new_singleton_counts_runs_that_have_not_ended() -> None:
    async def play(here: World) -> None:
        await send_many(here, *numbers(1))
        await register(here, singleton={"mode": "skip"})
        (event_id,) = await send_many(here, *numbers(1))
        assert await reasons(here, event_id) == ["singleton"]

    played(FakeApp().add("one", sleeper), play)


def test_a_shorter_debounce_holds_for_the_next_event() -> None:
    clock = ManualClock()
    busy = Busy(clock, seconds=0)

    async def play(here: World) -> None:
        await send_many(here, {"n": 0})
        await register(here, debounce={"period": "1s"})
        await send_many(here, {"n": 1})
        await here.pass_time(3_600)
        assert busy.began == [(2, 1)]

    played(FakeApp().add("one", busy, debounce={"period": "30m"}), play, clock=clock)


def test_events_that_wait_for_a_function_that_was_removed_are_run_all_the_same() -> None:
    async def play(here: World) -> None:
        ids = await send_many(here, *numbers(1))
        here.app.functions.clear()
        assert (await here.server.sync(URL)).ok
        (run,) = await here.finish(ids[0])
        assert run.status is RunStatus.COMPLETED

    played(FakeApp().add("one", done, debounce={"period": "30s"}), play)


def test_a_window_whose_events_are_gone_closes_quietly() -> None:
    def forget(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM events")

    async def play(here: World) -> None:
        await send_many(here, *numbers(1))
        await here.server.store.read(forget)
        await here.pass_time(60)
        assert here.app.calls == []
        assert await here.server.store.read(count_windows) == 0

    played(FakeApp().add("one", done, debounce={"period": "30s"}), play)


def count_windows(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM windows").fetchone()
    return int(count)


def test_a_window_that_cannot_be_saved_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def lose(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TABLE runs")

    async def play(here: World) -> None:
        await send_many(here, *numbers(1))
        await here.server.store.read(lose)
        await here.pass_time(60)
        with pytest.raises(DevServerError):
            await here.server.send({"name": "shop/paid"})

    played(FakeApp().add("one", done, debounce={"period": "30s"}), play)
    assert "Flow control cannot go on" in caplog.text


def test_a_window_does_not_close_before_its_events_are_saved() -> None:
    async def play(here: World) -> None:
        now, changes = here.clock.time(), Changes()
        body = dumps({"name": "shop/paid", "data": {"n": 1}, "id": "e", "ts": int(now * 1000)})
        event = StoredEvent("e", "e", "shop/paid", int(now * 1000), now, body)
        (first,) = await send_many(here, {"n": 0})
        here.server.ingest.schedule.add_event(event, changes)
        await here.pass_time(60)
        assert here.app.calls == []
        await here.server.commits.commit(changes)
        (run,) = await here.finish(first)
        assert loads(run.output or b"") == [0, 1]

    batch = {"maxSize": 9, "timeout": "30s"}
    played(FakeApp().add("one", done, batchEvents=batch), play)


def test_a_rerun_takes_no_singleton_from_the_run_that_holds_it(tmp_path: Path) -> None:
    """Reruns start beside it; the next server must not think that one of them holds it."""

    def handler(call: Call) -> Reply:
        naps = call.body["event"]["data"]["n"] == 1
        return sleeper(call) if naps else output(None)

    async def first(here: World) -> None:
        (done_id,) = await send_many(here, {"n": 0})
        await here.pass_time(1)
        (run,) = await here.server.runs_of(done_id)
        await send_many(here, {"n": 1})
        await here.server.reruns.rerun(run.id)

    async def second(here: World) -> None:
        await here.pass_time(1)
        (late,) = await send_many(here, {"n": 2})
        assert await statuses(here, [late]) == [[]]

    app = FakeApp().add("one", handler, singleton={"mode": "skip"})
    before_and_after(tmp_path, app, first, second)
