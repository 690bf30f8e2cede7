"""Rate limits and idempotency: which events start nothing, and when they would again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

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
