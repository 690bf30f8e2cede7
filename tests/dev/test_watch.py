"""Watching runs: nothing is told twice, nothing is left out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev.records import Happening, Record
from inngest_asgi.dev.watch import MOST_BEHIND, Watcher
from tests.dev.fakes import Call, FakeApp, Reply, kinds, ops, output, ran, world

if TYPE_CHECKING:
    from tests.dev.fakes import World


def test_runs_of_one_event_are_told_of_until_the_last_has_ended() -> None:
    async def main() -> None:
        async def slow(call: Call) -> Reply:
            await here.clock.sleep(60)
            return output("slow")

        app = FakeApp().add("fast", lambda call: output("fast")).add("slow", slow)
        async with world(app) as here:
            event_id = await here.send()
            told = []

            async def watch() -> None:
                async for record in here.server.watch(event_id=event_id):
                    told.append(record)  # noqa: PERF401 - what is told so far matters, too

            await here.clock.until(watch(), settle=here.server.settle)
            seqs = [record.seq for record in told]
            assert len(set(seqs)) == len(seqs)
            for run in await here.server.runs_of(event_id):
                history = [record for record in told if record.run_id == run.id]
                assert history == await here.server.history(run.id)

    asyncio.run(main())


def test_two_may_watch_and_one_may_leave() -> None:
    async def main() -> None:
        done: list[str] = []
        app = FakeApp().add("one", lambda c: output(1) if c.steps else ops(ran("a")))
        async with world(app) as here:
            event_id = await here.send(ts=int((here.clock.time() + 60) * 1000))

            async def leave_early() -> None:
                async for _ in here.server.watch(event_id=event_id):
                    return

            async def stay() -> None:
                async for record in here.server.watch(event_id=event_id):
                    done.append(str(record.kind))  # noqa: PERF401 - noted as it comes

            await here.clock.until(asyncio.gather(leave_early(), stay()), settle=here.server.settle)
        assert done[-1] == "run_ended"

    asyncio.run(main())


def test_watching_a_run_that_does_not_exist_ends_at_once() -> None:
    async def main() -> list[str]:
        async with world(FakeApp(), sync=False) as here:
            return kinds([record async for record in here.server.watch(run_id="nobody")])

    assert asyncio.run(asyncio.wait_for(main(), 10)) == []


def watched(app: FakeApp, events: int, **options: Any) -> list[tuple[str, Any]]:
    """Send events at once, watch the first, and return what was told, with the reason if any."""

    async def main() -> list[tuple[str, Any]]:
        async with world(app) as here:
            first, *_ = [await here.send(data={"n": number}) for number in range(events)]
            watch = told(here, first)
            return await here.clock.until(watch, settle=here.server.settle)

    async def told(here: World, event_id: str) -> list[tuple[str, Any]]:
        return [
            (str(record.kind), record.details.get("reason"))
            async for record in here.server.watch(event_id=event_id)
        ]

    return asyncio.run(main())


def done(call: Call) -> Reply:
    return output(len(call.body["events"]))


RUN = [
    *(("run_queued", None), ("run_started", None), ("call_started", None), ("call_ended", None)),
    ("run_ended", None),
]


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"debounce": {"period": "30s"}}, [("event_waiting", "debounce"), *RUN]),
        ({"batchEvents": {"maxSize": 9, "timeout": "30s"}}, [("event_waiting", "batch"), *RUN]),
        ({"idempotency": "event.name"}, RUN),
    ],
    ids=["debounce", "batch", "at-once"],
)
def test_an_event_is_watched_until_what_it_waits_for_has_run(
    option: dict[str, Any], told: list[tuple[str, Any]]
) -> None:
    assert watched(FakeApp().add("one", done, **option), 2) == told


def test_an_event_that_is_dropped_says_why_and_that_is_all() -> None:
    async def main() -> list[str]:
        limit = {"limit": 1, "period": "1h"}
        async with world(FakeApp().add("one", done, rateLimit=limit)) as here:
            await here.run_one()
            event_id = await here.send()
            return [one.details["reason"] async for one in here.server.watch(event_id=event_id)]

    assert asyncio.run(asyncio.wait_for(main(), 10)) == ["rate_limit"]


def test_an_event_whose_batch_is_dropped_says_why() -> None:
    batch, rate = {"maxSize": 2, "timeout": "30s"}, {"limit": 1, "period": "1h"}

    async def main() -> list[tuple[str, Any]]:
        app = FakeApp().add("one", done, batchEvents=batch, rateLimit=rate)
        async with world(app) as here:
            for _ in range(2):
                await here.send()
            event_id = await here.send()

            async def told() -> list[tuple[str, Any]]:
                return [
                    (str(record.kind), record.details["reason"])
                    async for record in here.server.watch(event_id=event_id)
                ]

            return await here.clock.until(told(), settle=here.server.settle)

    assert asyncio.run(main()) == [("event_waiting", "batch"), ("not_started", "rate_limit")]


def test_an_event_is_watched_after_its_batch_has_run() -> None:
    async def main() -> list[str]:
        batch = {"maxSize": 2, "timeout": "30s"}
        async with world(FakeApp().add("one", done, batchEvents=batch)) as here:
            first, second = await here.send(), await here.send()
            await here.finish(first)
            return kinds([one async for one in here.server.watch(event_id=second)])

    assert asyncio.run(main()) == ["event_waiting", *(kind for kind, _ in RUN)]


def record(seq: int, run_id: str = "R", **details: Any) -> Record:
    return Record(seq, 0.0, run_id, "E", Happening.STEP_RECORDED, details)


def left(watcher: Watcher, count: int) -> list[int]:
    """Take so many records, and return their numbers; there must be no more of them."""

    async def main() -> list[int]:
        seqs = [(await watcher.get()).seq for _ in range(count)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watcher.get(), 0)
        return seqs

    return asyncio.run(main())


def test_who_watches_everything_and_takes_nothing_misses_the_oldest() -> None:
    watcher = Watcher()
    for seq in range(MOST_BEHIND + 3):
        watcher.put(record(seq))
    assert left(watcher, MOST_BEHIND)[0] == 3


def test_who_follows_runs_misses_nothing_of_them_and_is_kept_nothing_else() -> None:
    watcher = Watcher()
    for seq, run_id in enumerate(("R", "other")):
        watcher.put(record(seq, run_id))
    watcher.follow(["R"], ["W"])
    for seq in range(2, MOST_BEHIND + 3):
        watcher.put(record(seq))
        watcher.put(record(seq, "other"))
    watcher.put(record(-1, "", window="W"))
    watcher.put(record(-2, "later"))
    watcher.put(record(-3, "later", window="W"))
    watcher.put(record(-4, "later"))
    taken = left(watcher, MOST_BEHIND + 5)
    assert (taken[:2], taken[-3:]) == ([0, 2], [-1, -3, -4])
