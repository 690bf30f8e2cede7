"""Batches: which events come together, when they run, and how they are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.dev import RunStatus
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import FakeApp, Reply, op, ops, output, sha1
from tests.dev.flow.fakes import numbers, played, reasons, send_many, statuses

if TYPE_CHECKING:
    from tests.dev.fakes import Call, World

A = sha1("a")
DONE = [RunStatus.COMPLETED]


def done(call: Call) -> Reply:
    return output([event["data"].get("n") for event in call.body["events"]])


def batching(**option: Any) -> FakeApp:
    return FakeApp().add("one", done, batchEvents={"maxSize": 3, "timeout": "60s"} | option)


def test_a_batch_runs_at_once_when_it_is_full() -> None:
    async def play(here: World) -> None:
        ids = await send_many(here, *numbers(7))
        assert [call.body["event"]["data"]["n"] for call in here.app.calls] == [0, 3]
        runs = [await here.server.runs_of(one) for one in ids]
        assert [[loads(run.output or b"") for run in one] for one in runs] == [
            *[[[0, 1, 2]]] * 3,
            *[[[3, 4, 5]]] * 3,
            [],
        ]

    played(batching(), play)


def test_a_batch_runs_after_its_time_out_with_what_there_is() -> None:
    async def play(here: World) -> None:
        start = here.clock.time()
        await send_many(here, {"n": 0})
        await here.pass_time(50)
        ids = await send_many(here, {"n": 1})
        (run,) = await here.finish(ids[0])
        assert run.queued_at == start + 60
        assert loads(run.output or b"") == [0, 1]

    played(batching(), play)


def test_a_batch_is_known_by_its_id_and_by_each_of_its_events() -> None:
    def slow(call: Call) -> Reply:
        return output(None) if A in call.steps else ops(op("Sleep", "a", opts={"duration": "1h"}))

    async def play(here: World) -> None:
        ids = await send_many(here, *numbers(2))
        shown = [(await here.http.get(f"/v1/events/{one}/runs")).json()["data"] for one in ids]
        assert shown[0] == shown[1]
        (run,) = shown[0]
        assert len(run["batch_id"]) == 26
        assert run["event_id"] == ids[0]
        batch = (await here.http.get(f"/v0/runs/{run['run_id']}/batch")).json()
        assert [event["data"]["n"] for event in batch] == [0, 1]
        await here.finish(ids[0])
        assert [len(call.body["events"]) for call in here.app.calls] == [2, 2]

    app = FakeApp().add("one", slow, batchEvents={"maxSize": 2, "timeout": "60s"})
    played(app, play)


def test_batches_of_different_keys_fill_apart() -> None:
    async def play(here: World) -> None:
        users = ["ann", "bob", "ann", "bob", "bob"]
        await send_many(here, *({"n": n, "user": user} for n, user in enumerate(users)))
        assert [[event["data"]["n"] for event in call.body["events"]] for call in calls(here)] == [
            [1, 3, 4]
        ]
        await here.pass_time(61)
        assert [event["data"]["n"] for event in calls(here)[1].body["events"]] == [0, 2]

    played(batching(key="event.data.user"), play)


def calls(here: World) -> list[Call]:
    return here.app.calls


def test_an_event_that_is_not_to_be_batched_runs_alone_at_once() -> None:
    async def play(here: World) -> None:
        ids = await send_many(here, {"n": 0, "urgent": True}, {"n": 1})
        assert await statuses(here, ids) == [DONE, []]
        (run,) = await here.server.runs_of(ids[0])
        assert run.batch_id is None

    played(batching(**{"if": "event.data.urgent != true"}), play)


def test_a_repeated_request_does_not_fill_a_batch() -> None:
    async def play(here: World) -> None:
        seed = {"x-inngest-event-id-seed": "1735689600000,AAAAAAAAAAAAAA=="}
        for _ in range(3):
            answer = await here.http.post("/e/key", json={"name": "shop/paid"}, headers=seed)
        await here.pass_time(61)
        (run,) = await here.server.runs_of(answer.json()["ids"][0])
        assert loads(run.output or b"") == [None]

    played(batching(), play)


def test_a_batch_passes_the_rate_limit_as_a_whole() -> None:
    async def play(here: World) -> None:
        ids = await send_many(here, *numbers(6))
        assert await statuses(here, ids) == [DONE, DONE, DONE, [], [], []]
        assert [await reasons(here, one) for one in ids[3:]] == [["batch", "rate_limit"]] * 3

    batch, rate = {"maxSize": 3, "timeout": "60s"}, {"limit": 1, "period": "1h"}
    played(FakeApp().add("one", done, batchEvents=batch, rateLimit=rate), play)
