"""Rate limits, idempotency, debounce, batches and singletons: which events start runs, and when."""

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


def done(call: Call) -> Reply:
    return output([event["data"].get("n") for event in call.body["events"]])


def numbers(count: int) -> list[dict[str, Any]]:
    return [{"n": number} for number in range(count)]


@pytest.mark.parametrize(
    ("limit", "at_once"),
    [(1, 1), (9, 1), (10, 2), (35, 4), (100, 11)],
    ids=["one", "below-ten", "ten", "thirty-five", "hundred"],
)
def test_a_rate_limit_lets_a_tenth_and_one_more_pass_from_idle(limit: int, at_once: int) -> None:
    async def play(here: World) -> None:
        ids = await send_many(here, *numbers(at_once + 2))
        assert len(here.app.calls) == at_once
        assert [await reasons(here, one) for one in ids[at_once:]] == [["rate_limit"]] * 2

    rate = {"limit": limit, "period": "60s"}
    played(FakeApp().add("one", done, rateLimit=rate), play)


def test_what_a_rate_limit_drops_is_gone_and_what_comes_later_passes() -> None:
    async def play(here: World) -> None:
        ids = await send_many(here, *numbers(2))
        await here.pass_time(29)
        ids += await send_many(here, {"n": 2})
        await here.pass_time(1)
        ids += await send_many(here, {"n": 3})
        await here.pass_time(3_600)
        assert await statuses(here, ids) == [DONE, [], [], DONE]

    rate = {"limit": 2, "period": "60s"}
    played(FakeApp().add("one", done, rateLimit=rate), play)


@pytest.mark.parametrize(
    ("data", "runs"),
    [
        ([{"user": "ann"}, {"user": "ann"}, {"user": "bob"}], 2),
        ([{"user": False}, {"user": False}, {"user": False}], 3),
        ([{}, {}, {}], 3),
        ([{"user": 42}, {"user": 42}, {"user": "42"}], 1),
        ([{"user": True}, {"user": "true"}], 1),
    ],
    ids=["text", "false-is-no-limit", "missing-is-no-limit", "numbers-as-text", "true-as-text"],
)
def test_rate_limits_count_by_key(data: list[dict[str, Any]], runs: int) -> None:
    async def play(here: World) -> None:
        await send_many(here, *data)
        assert len(here.app.calls) == runs

    rate = {"limit": 1, "period": "1h", "key": "event.data.user"}
    played(FakeApp().add("one", done, rateLimit=rate), play)


def test_rate_limits_of_functions_count_apart() -> None:
    async def play(here: World) -> None:
        await send_many(here, {}, {})
        assert sorted(call.function for call in here.app.calls) == ["shop-one", "shop-two"]

    rate = {"limit": 1, "period": "1h"}
    played(FakeApp().add("one", done, rateLimit=rate).add("two", done, rateLimit=rate), play)


def test_a_step_that_invokes_a_rate_limited_function_fails() -> None:
    def parent(call: Call) -> Reply:
        if A in call.steps:
            return output(call.steps[A])
        opts = {"function_id": "shop-child", "payload": {"data": {}}}
        return ops(op("InvokeFunction", "a", opts=opts))

    async def play(here: World) -> None:
        first = await here.run_one("ask")
        second = await here.run_one("ask")
        assert loads(first.output or b"") == {"data": [None]}
        error = loads(second.output or b"")["error"]
        assert error["message"] == "invoked function is rate limited"

    app = FakeApp().add("parent", parent, event="ask")
    app.add("child", done, event="never", rateLimit={"limit": 1, "period": "1h"})
    played(app, play)


def test_idempotency_starts_one_run_a_day_for_each_value() -> None:
    async def play(here: World) -> None:
        ids = await send_many(here, {"cart": 1}, {"cart": 1}, {"cart": 2})
        await here.pass_time(86_399)
        ids += await send_many(here, {"cart": 1})
        await here.pass_time(1)
        ids += await send_many(here, {"cart": 1})
        assert await statuses(here, ids) == [DONE, [], DONE, [], DONE]
        assert await reasons(here, ids[1]) == ["idempotency"]

    rate = {"limit": 100, "period": "1s"}
    app = FakeApp().add("one", done, idempotency="event.data.cart", rateLimit=rate)
    played(app, play)


def test_an_event_that_was_dropped_may_come_again_under_its_id() -> None:
    async def play(here: World) -> None:
        await here.run_one(id="a")
        dropped = await here.send(id="b")
        await here.pass_time(60)
        again = await here.send(id="b")
        repeated = await here.send(id="b")
        await here.server.settle()
        assert await statuses(here, [dropped, again, repeated]) == [[], DONE, []]
        assert await reasons(here, repeated) == ["repeated"]

    played(FakeApp().add("one", done, rateLimit={"limit": 1, "period": "60s"}), play)


DEBOUNCE = {"period": "30s"}


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
