"""Which functions an event starts: names, wildcards, expressions, once per event id and day."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import FakeApp, Reply, crash, output, script, world


def done(call: Any) -> Reply:
    return output(call.function)


@pytest.mark.parametrize(
    ("triggers", "event", "starts"),
    [
        ([{"event": "shop/order.paid"}], {"name": "shop/order.paid"}, 1),
        ([{"event": "shop/order.paid"}], {"name": "shop/order"}, 0),
        ([{"event": "shop/*"}], {"name": "shop/order.paid"}, 1),
        ([{"event": "shop/order.*"}], {"name": "shop/order.paid"}, 1),
        ([{"event": "shop/o*"}], {"name": "shop/order.paid"}, 0),
        ([{"event": "a", "expression": "event.data.n == 1"}], {"name": "a", "data": {"n": 1}}, 1),
        ([{"event": "a", "expression": "event.data.n == 1"}], {"name": "a", "data": {"n": 2}}, 0),
        ([{"event": "a"}, {"event": "a", "expression": "true"}], {"name": "a"}, 1),
        ([{"cron": "0 9 * * *"}], {"name": "a"}, 0),
    ],
    ids=[
        *("name", "other-name", "wildcard", "wildcard-at-dot", "no-boundary"),
        *("expression-true", "expression-false", "two-triggers", "cron"),
    ],
)
def test_triggers(triggers: list[dict[str, Any]], event: dict[str, Any], starts: int) -> None:
    async def main() -> int:
        async with world(FakeApp().add("one", done, triggers=triggers)) as here:
            return len(await here.finish(await here.send(**event)))

    assert asyncio.run(main()) == starts


def test_the_same_event_id_starts_a_function_once_a_day() -> None:
    async def main() -> list[int]:
        async with world(FakeApp().add("one", done)) as here:
            counts = []
            for wait in (0, 10, 86_400 - 11, 2):
                await here.pass_time(wait)
                counts.append(len(await here.finish(await here.send(id="order-7"))))
            return counts

    assert asyncio.run(main()) == [1, 0, 0, 1]


def test_the_same_event_id_twice_in_one_request_starts_once() -> None:
    async def main() -> None:
        app = FakeApp().add("one", done).add("two", done)
        async with world(app) as here:
            event = {"name": "shop/paid", "id": "order-7"}
            answer = await here.http.post("/e/key", json=[event, event])
            await here.server.settle()
            assert len(answer.json()["ids"]) == 2
            assert len(app.calls) == 2

    asyncio.run(main())


def test_a_request_that_is_repeated_with_its_seed_starts_no_second_run() -> None:
    async def main() -> None:
        app = FakeApp().add("one", lambda call: output(None))
        seed = {"x-inngest-event-id-seed": "1735689600000,AAECAwQFBgcICQ=="}
        async with world(app) as here:
            for _ in range(2):
                answer = await here.http.post("/e/key", json={"name": "shop/paid"}, headers=seed)
                assert answer.json()["ids"] == ["01JGFJJZ00000G40R40M30E20A"]
            assert len(await here.finish("01JGFJJZ00000G40R40M30E20A")) == 1
        assert len(app.calls) == 1

    asyncio.run(main())


def test_events_without_an_id_never_collide() -> None:
    async def main() -> None:
        async with world(FakeApp().add("one", done)) as here:
            assert await here.run_one() != await here.run_one()

    asyncio.run(main())


def companion(app: FakeApp, handler: Any) -> FakeApp:
    """The failure companion of `charge`, as SDKs register it."""
    expression = "event.data.function_id == 'shop-charge'"
    trigger = {"event": "inngest/function.failed", "expression": expression}
    return app.add("charge-failure", handler, triggers=[trigger], retries=0)


def test_a_failed_run_starts_its_failure_companion() -> None:
    async def main() -> None:
        app = FakeApp().add("charge", script(crash("card declined", no_retry=True)))
        companion(app, lambda call: output("told"))
        async with world(app) as here:
            run = await here.run_one(data={"n": 1})
            await here.server.settle()
            (call,) = app.of("charge-failure")
            event = call.body["event"]
            assert event["name"] == "inngest/function.failed"
            assert event["id"] == run.id
            data = event["data"]
            assert (data["function_id"], data["run_id"]) == ("shop-charge", run.id)
            assert data["event"]["data"] == {"n": 1}
            assert data["error"]["error"] == "Error: card declined"
            assert data["_inngest"] == {"status": "Failed"}

    asyncio.run(main())


def test_the_companion_of_another_function_is_not_started() -> None:
    async def main() -> None:
        app = FakeApp().add("refund", script(crash(no_retry=True)))
        app.add("charge", done, event="shop/charge")
        companion(app, done)
        async with world(app) as here:
            await here.run_one()
            await here.server.settle()
            assert app.of("charge-failure") == []

    asyncio.run(main())


@pytest.mark.parametrize(
    ("reply", "status", "key"),
    [(output({"ok": 1}), "Completed", "result"), (crash(no_retry=True), "Failed", "error")],
    ids=["completed", "failed"],
)
def test_every_run_that_ended_is_told_of(reply: Reply, status: str, key: str) -> None:
    async def main() -> dict[str, Any]:
        app = FakeApp().add("one", script(reply))
        app.add("observer", done, event="inngest/function.*", triggers=None)
        app.functions["shop-observer"]["triggers"] = [
            {
                "event": "inngest/function.finished",
                "expression": "event.data.function_id == 'shop-one'",
            }
        ]
        async with world(app) as here:
            run = await here.run_one()
            await here.server.settle()
            (call,) = app.of("observer")
            data: dict[str, Any] = call.body["event"]["data"]
            assert data["run_id"] == run.id
            assert data["events"] == [data["event"]]
            assert loads(run.output or b"") == data[key]
            return data

    assert asyncio.run(main())["_inngest"] == {"status": status}


def test_functions_that_are_registered_no_more_are_not_started_but_their_runs_go_on() -> None:
    async def main() -> None:
        app = FakeApp().add("old", script(Reply(500, {}, {"retry-after": "60"}), output("ok")))
        app.add("new", done, event="shop/other")
        async with world(app) as here:
            event_id = await here.send()
            await here.server.settle()
            del app.functions["shop-old"]
            assert (await here.server.sync("http://app.test/api/inngest")).functions == 1
            (run,) = await here.finish(event_id)
            assert run.status is RunStatus.COMPLETED
            assert await here.finish(await here.send()) == []

    asyncio.run(main())
