"""Runs that wait for events and signals, as apps and clients see them; across restarts, too."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.dev.records import JobKind
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import Call, FakeApp, Handler, Reply, World, op, ops, output, sha1, world

if TYPE_CHECKING:
    from pathlib import Path

    from inngest_asgi.dev import RunRow

NOW = 1_735_689_600.0
A, B = sha1("a"), sha1("b")


def wait_event(name: str = "a", **opts: Any) -> dict[str, Any]:
    return op("WaitForEvent", name, opts={"event": "shop/shipped", "timeout": "1h"} | opts)


def wait_signal(name: str = "a", **opts: Any) -> dict[str, Any]:
    return op("WaitForSignal", name, opts={"signal": "go", "timeout": "1h"} | opts)


def once(reported: dict[str, Any]) -> Handler:
    """A function that waits once and returns the memo."""
    return lambda call: output(call.steps[A]) if A in call.steps else ops(reported)


async def signal(here: World, name: str, data: Any = None) -> Any:
    answer = await here.http.post("/v1/signals", json={"signal": name, "data": data})
    return answer.json()


async def started(here: World, **event: Any) -> str:
    """Send an event, and let what it starts go on until something is waited for."""
    event_id = await here.send(**event)
    await here.server.settle()
    return event_id


def only(runs: list[RunRow]) -> tuple[RunStatus, Any]:
    (run,) = runs
    return run.status, loads(run.output or b"null")


def test_an_event_resolves_a_wait_with_itself() -> None:
    async def main() -> None:
        app = FakeApp().add("waits", once(wait_event()))
        async with world(app) as here:
            event_id = await started(here)
            await here.pass_time(600)
            shipped = await here.send("shop/shipped", data={"n": 1}, id="S", ts=NOW * 1000, v="2")
            began = here.clock.time()
            status, memo = only(await here.finish(event_id))
            assert (status, here.clock.time()) == (RunStatus.COMPLETED, began)
            assert memo == {
                "name": "shop/shipped",
                "data": {"n": 1},
                "user": {},
                "id": "S",
                "ts": NOW * 1000,
                "v": "2",
            }
            assert shipped != "S"

    asyncio.run(main())


def test_a_wait_that_times_out_leaves_null() -> None:
    async def main() -> None:
        app = FakeApp().add("waits", once(wait_event()))
        async with world(app) as here:
            event_id = await started(here)
            began = here.clock.time()
            assert only(await here.finish(event_id)) == (RunStatus.COMPLETED, None)
            assert here.clock.time() == began + 3600
            await here.send("shop/shipped")
            await here.server.settle()
            assert len(app.calls) == 2

    asyncio.run(main())


def test_only_events_that_come_after_the_wait_was_stored_match() -> None:
    async def main() -> None:
        async def slow(call: Call) -> Reply:
            if A in call.steps:
                return output(call.steps[A]["data"])
            await here.clock.sleep(60)
            return ops(wait_event())

        app = FakeApp().add("waits", slow)
        async with world(app) as here:
            event_id = await started(here)
            await here.send("shop/shipped", data={"too": "early"})
            await here.pass_time(61)
            await here.send("shop/shipped", data={"in": "time"})
            assert only(await here.finish(event_id))[1] == {"in": "time"}

    asyncio.run(main())


def test_an_event_that_comes_while_a_wait_is_being_saved_is_not_lost() -> None:
    async def main() -> None:
        app = FakeApp().add("waits", once(wait_event()))
        async with world(app) as here:
            stored = asyncio.Event()
            saving = here.server.store.save

            def noticing(changes: Any) -> Any:
                if any(job.kind is JobKind.WAIT for job in changes.jobs):
                    stored.set()
                return saving(changes)

            here.server.store.save = noticing  # type: ignore[method-assign]
            event_id = await here.send()
            await stored.wait()
            sent = asyncio.ensure_future(here.server.send({"name": "shop/shipped"}))
            assert here.server.store.busy
            assert only(await here.finish(event_id))[1]["name"] == "shop/shipped"
            await sent

    asyncio.run(main())


@pytest.mark.parametrize(
    ("other", "memo"), [({"id": 7}, {"id": 7}), ({"id": 8}, None)], ids=["same", "different"]
)
def test_the_expression_of_a_wait_sees_both_events(other: Any, memo: Any) -> None:
    async def main() -> None:
        reported = wait_event(**{"if": "event.data.id == async.data.id"})
        app = FakeApp().add("waits", once(reported))
        async with world(app) as here:
            event_id = await started(here, data={"id": 7})
            await here.send("shop/shipped", data=other)
            _, found = only(await here.finish(event_id))
            assert (found and found["data"]) == memo

    asyncio.run(main())


def test_events_of_the_server_itself_can_be_waited_for() -> None:
    async def main() -> None:
        reported = wait_event(
            event="inngest/function.finished", **{"if": "async.data.function_id == 'shop-other'"}
        )
        app = FakeApp().add("waits", once(reported))
        app.add("other", lambda call: output(5), event="shop/other")
        async with world(app) as here:
            event_id = await started(here)
            await here.run_one("shop/other")
            _, memo = only(await here.finish(event_id))
            assert (memo["name"], memo["data"]["result"]) == ("inngest/function.finished", 5)

    asyncio.run(main())


def test_one_event_wakes_all_runs_that_wait_for_it_and_none_twice() -> None:
    async def main() -> None:
        app = FakeApp().add("waits", once(wait_event()))
        async with world(app) as here:
            ids = [await started(here) for _ in range(5)]
            await here.send("shop/shipped")
            await here.send("shop/shipped")
            for event_id in ids:
                assert only(await here.finish(event_id))[0] is RunStatus.COMPLETED
            assert len(app.calls) == 10

    asyncio.run(main())


def test_waits_that_run_out_do_not_wait_for_each_other() -> None:
    async def main() -> None:
        app = FakeApp()

        def both(call: Call) -> Reply:
            if A in call.steps and B in call.steps:
                return output([call.steps[A], call.steps[B]["data"]])
            return ops(wait_event("a", timeout="1m"), wait_event("b", event="shop/late"))

        app.add("waits", both)
        async with world(app) as here:
            event_id = await started(here)
            await here.pass_time(120)
            await here.send("shop/late", data={"n": 1})
            assert only(await here.finish(event_id))[1] == [None, {"n": 1}]
            assert len(app.calls) == 2

    asyncio.run(main())


def test_a_signal_resolves_a_wait_with_its_data() -> None:
    async def main() -> None:
        app = FakeApp().add("waits", once(wait_signal()))
        async with world(app) as here:
            event_id = await started(here)
            (run,) = await here.server.runs_of(event_id)
            answer = await signal(here, "go", {"by": "ann"})
            assert answer["data"] == {"run_id": run.id}
            memo = {"data": {"signal": "go", "data": {"by": "ann"}}}
            assert only(await here.finish(event_id)) == (RunStatus.COMPLETED, memo)

    asyncio.run(main())


def test_a_wait_for_a_signal_times_out_with_null() -> None:
    async def main() -> None:
        app = FakeApp().add("waits", once(wait_signal()))
        async with world(app) as here:
            assert (await here.run_one()).output == b"null"
            assert (await signal(here, "go"))["status"] == 404

    asyncio.run(main())


def test_the_second_run_that_waits_for_a_signal_fails() -> None:
    async def main() -> None:
        app = FakeApp().add("waits", once(wait_signal()))
        async with world(app) as here:
            first, second = await started(here), await started(here)
            status, error = only(await here.server.runs_of(second))
            assert (status, "Signal conflict" in error["message"]) == (RunStatus.FAILED, True)
            await signal(here, "go", 1)
            assert only(await here.finish(first))[1] == {"data": {"signal": "go", "data": 1}}

    asyncio.run(main())


def test_a_replaced_wait_for_a_signal_only_times_out() -> None:
    async def main() -> None:
        app = FakeApp().add("waits", once(wait_signal(conflict="replace")))
        async with world(app) as here:
            first = await started(here)
            second = await started(here)
            await signal(here, "go", 1)
            assert only(await here.finish(second))[1]["data"]["data"] == 1
            began = here.clock.time()
            assert only(await here.finish(first)) == (RunStatus.COMPLETED, None)
            assert here.clock.time() == began + 3600

    asyncio.run(main())


def test_a_run_that_fails_takes_no_signal_from_another() -> None:
    async def main() -> None:
        app = FakeApp().add("waits", once(wait_signal()))
        ends = op("RunComplete", "complete", data=None)
        app.add("ends", lambda _: ops(wait_signal(conflict="replace"), ends), event="shop/other")
        async with world(app) as here:
            event_id = await started(here)
            await here.run_one("shop/other")
            await signal(here, "go", 1)
            assert only(await here.finish(event_id))[1]["data"]["data"] == 1

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["event", "signal"])
@pytest.mark.parametrize("when", ["waiting", "matched"])
def test_waits_go_on_under_the_next_server(tmp_path: Path, kind: str, when: str) -> None:
    async def happen(here: World) -> None:
        if kind == "event":
            await here.send("shop/shipped", data={"id": 7})
        else:
            await signal(here, "go", {"id": 7})

    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        waits = wait_event(**{"if": "event.data.id == async.data.id"})
        app = FakeApp().add("waits", once(waits if kind == "event" else wait_signal()))
        async with world(app, db=db, clock=clock) as here:
            event_id = await started(here, data={"id": 7})
            if when == "matched":
                await happen(here)
        clock.advance(60)
        async with world(app, db=db, clock=clock, sync=False) as here:
            if when == "waiting":
                await here.server.settle()
                await happen(here)
            status, memo = only(await here.finish(event_id))
        data = memo["data"] if kind == "event" else memo["data"]["data"]
        assert (status, data) == (RunStatus.COMPLETED, {"id": 7})
        assert len(app.calls) == 2

    asyncio.run(main())


def test_a_wait_that_ran_out_while_no_server_ran_is_not_matched(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = FakeApp().add("waits", once(wait_event()))
        async with world(app, db=db, clock=clock) as here:
            event_id = await started(here)
        clock.advance(3601)
        async with world(app, db=db, clock=clock, sync=False, hold=True) as here:
            await here.send("shop/shipped")
            here.server.release()
            assert only(await here.finish(event_id)) == (RunStatus.COMPLETED, None)

    asyncio.run(main())
