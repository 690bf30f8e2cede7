"""Watching runs: nothing is told twice, nothing is left out."""

from __future__ import annotations

import asyncio

from tests.dev.fakes import Call, FakeApp, Reply, kinds, ops, output, ran, world


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
