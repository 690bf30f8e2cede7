"""What is kept and what is forgotten, when, and that it happens by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import DevOptions
from inngest_asgi.dev.alarm import Alarm
from inngest_asgi.dev.records import Changes, StoredEvent
from inngest_asgi.dev.retention import Retention
from inngest_asgi.dev.store import retention
from inngest_asgi.dev.store.store import Store
from inngest_asgi.errors import ConfigError
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import Call, FakeApp, Reply, op, ops, output, ran, world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dev.fakes import World

DAY = 86_400.0
TABLES = ("events", "runs", "memos", "history", "jobs", "batch_events", "window_events")


def stepping(call: Call) -> Reply:
    return output("done") if call.steps else ops(ran("one", 1))


def sleeping(call: Call) -> Reply:
    return output("slept") if call.steps else ops(op("Sleep", "nap", opts={"duration": "30d"}))


async def counts(here: World) -> dict[str, int]:
    """Return how many rows the tables have that have any."""
    queries = [f"SELECT '{table}', count(*) FROM {table}" for table in TABLES]  # noqa: S608
    rows = await here.server.store.read(
        lambda db: db.execute(" UNION ALL ".join(queries)).fetchall()
    )
    return {table: count for table, count in rows if count}


def test_a_run_is_forgotten_with_all_that_is_its_own_when_its_time_is_over() -> None:
    async def main() -> None:
        async with world(FakeApp().add("pay", stepping), keep="7d") as here:
            event_id = await here.send()
            await here.finish(event_id)
            await here.pass_time(6.9 * DAY)
            assert len(await here.server.runs_of(event_id)) == 1
            await here.pass_time(0.2 * DAY)
            assert await counts(here) == {}

    asyncio.run(main())


def test_a_run_that_has_not_ended_is_kept_with_its_event_until_it_has() -> None:
    async def main() -> None:
        async with world(FakeApp().add("pay", sleeping), keep="1d") as here:
            event_id = await here.send()
            await here.pass_time(29 * DAY)
            assert (await counts(here))["events"] == 1
            await here.pass_time(1.5 * DAY)
            (run,) = await here.server.runs_of(event_id)
            assert run.status.label == "Completed"
            await here.pass_time(DAY)
            assert await counts(here) == {}

    asyncio.run(main())


def test_events_that_wait_to_be_batched_are_kept() -> None:
    async def main() -> None:
        batch = {"maxSize": 5, "timeout": "48h"}
        app = FakeApp().add("pay", lambda call: output(None), batchEvents=batch)
        async with world(app, keep="1d") as here:
            for _ in range(2):
                await here.send()
            await here.pass_time(1.9 * DAY)
            assert (await counts(here))["window_events"] == 2
            await here.pass_time(0.2 * DAY)
            assert app.of("pay")[0].body["events"][1]["name"] == "shop/paid"
            await here.pass_time(1.1 * DAY)
            assert await counts(here) == {}

    asyncio.run(main())


def test_why_an_event_started_nothing_is_forgotten_with_the_event() -> None:
    async def main() -> None:
        app = FakeApp().add("pay", stepping, rateLimit={"limit": 1, "period": "24h"})
        async with world(app, keep="1d") as here:
            for _ in range(2):
                await here.send()
            await here.pass_time(0.5 * DAY)
            assert (await counts(here))["runs"] == 1
            await here.pass_time(DAY)
            assert await counts(here) == {}

    asyncio.run(main())


def test_that_an_event_started_a_function_outlives_its_run() -> None:
    async def main() -> None:
        async with world(FakeApp().add("pay", stepping), keep="1h") as here:
            await here.run_one(id="order-1")
            await here.pass_time(7200)
            assert await counts(here) == {}
            again = await here.send(id="order-1")
            await here.server.settle()
            assert await here.server.runs_of(again) == []
            await here.pass_time(DAY)
            await here.run_one(id="order-1")

    asyncio.run(main())


def test_what_became_old_while_no_server_ran_is_forgotten_at_the_start(tmp_path: Path) -> None:
    async def main() -> None:
        clock, db = ManualClock(), str(tmp_path / "dev.db")
        async with world(FakeApp().add("pay", stepping), clock=clock, db=db) as here:
            await here.run_one()
        clock.advance(8 * DAY)
        async with world(FakeApp(), clock=clock, db=db, sync=False) as here:
            await here.pass_time(1)
            assert await counts(here) == {}

    asyncio.run(main())


def test_many_are_forgotten_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "RUNS_AT_ONCE", 3)
    monkeypatch.setattr(retention, "EVENTS_AT_ONCE", 3)

    async def main() -> None:
        async with world(FakeApp().add("pay", stepping), keep="1d") as here:
            for _ in range(7):
                await here.send()
            await here.pass_time(60)
            assert (await counts(here))["runs"] == 7
            await here.pass_time(DAY + 60)
            assert await counts(here) == {}

    asyncio.run(main())


def test_everything_is_kept_when_told_so() -> None:
    async def main() -> None:
        async with world(FakeApp().add("pay", stepping), keep=None) as here:
            await here.run_one()
            await here.pass_time(300 * DAY)
            assert (await counts(here))["runs"] == 1

    asyncio.run(main())


def test_a_store_that_fails_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with world(FakeApp().add("pay", stepping), keep="1d") as here:
            await here.run_one()
            here.server.store.read(lambda db: db.execute("DROP TABLE memos"))
            await here.pass_time(2 * DAY)

    asyncio.run(main())
    assert "Old runs cannot be forgotten" in caplog.text


def test_a_server_may_stop_in_the_midst_of_it() -> None:
    async def main() -> None:
        async with world(FakeApp().add("pay", stepping), keep="1d") as here:
            await here.run_one()
            here.clock.advance(2 * DAY)
            await asyncio.sleep(0)

    asyncio.run(main())


@pytest.mark.parametrize("keep", ["soon", -1, "-1d"])
def test_a_time_that_is_none_is_refused(keep: Any) -> None:
    with pytest.raises(ConfigError, match="keep"):
        DevOptions(keep=keep)


@pytest.mark.parametrize(
    ("event", "seed", "noted"),
    [({}, None, 0), ({"id": "order-1"}, None, 1), ({}, "1,AAECAwQFBgcICQ==", 1)],
    ids=["neither", "id", "seed"],
)
def test_only_events_that_may_come_again_are_remembered(
    event: dict[str, Any], seed: str | None, noted: int
) -> None:
    async def main() -> int:
        async with world(FakeApp().add("pay", stepping)) as here:
            headers = {} if seed is None else {"x-inngest-event-id-seed": seed}
            await here.http.post("/e/key", json={"name": "shop/paid", **event}, headers=headers)
            rows = await here.server.store.read(
                lambda db: db.execute("SELECT count(*) FROM starts").fetchone()
            )
            return int(rows[0])

    assert asyncio.run(main()) == noted


def test_what_comes_at_the_end_of_a_round_has_its_time_too() -> None:
    """At whatever moment of a round an event comes, somebody wakes for it."""

    async def main() -> None:
        clock, store = ManualClock(), await Store.open(":memory:")
        alarm = Alarm(clock)
        rounds = Retention(clock, alarm, store, 3_600.0)
        await rounds.stop()
        rounds.start()
        event = StoredEvent("E", "E", "a/b", 1, clock.time(), b"{}")
        for _ in range(100):
            rounds.saved(Changes(events=[event]))
            await store.flush()
            clock.advance(0.05)
        assert clock.next_due is not None
        assert 3_590 < clock.next_due - clock.time() <= 3_600
        await rounds.stop()
        alarm.close()
        await store.close()

    asyncio.run(main())
