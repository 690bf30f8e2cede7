"""The smoke tests of server-api.md 13, and what steps.md 8.1 saw, on the embedded server.

Of the tests (a) to (k) the first three are the worked exchanges of test_server.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev import RunStatus
from tests.dev.fakes import (
    Call,
    FakeApp,
    Handler,
    Reply,
    World,
    crash,
    op,
    ops,
    output,
    planned,
    ran,
    result,
    script,
    sha1,
)
from tests.dev.web.asking import within

A, B = sha1("a"), sha1("b")


@pytest.mark.parametrize("comes", [True, False], ids=["matched", "timed-out"])
def test_smoke_d_a_wait_for_an_event(*, comes: bool) -> None:
    condition = "event.data.n == async.data.n"
    wait = op("WaitForEvent", "shop/shipped", opts={"timeout": "1h", "if": condition})
    app = FakeApp().add("one", script(ops(wait), output(None)))

    async def play(here: World) -> None:
        event_id = await here.send(data={"n": 1})
        await here.server.settle()
        await here.send("shop/shipped", data={"n": 2})
        if comes:
            await here.send("shop/shipped", data={"n": 1}, id="shipped-1", ts=1_735_689_600_001)
        (run,) = await here.finish(event_id)
        assert (run.ended_at or 0) - run.queued_at == (0 if comes else 3600)

    within(app, play)
    event = {"name": "shop/shipped", "data": {"n": 1}, "user": {}}
    found = event | {"id": "shipped-1", "ts": 1_735_689_600_001}
    assert app.calls[1].steps == {sha1("shop/shipped"): found if comes else None}


def test_smoke_e_a_function_that_throws_twice_and_then_succeeds() -> None:
    app = FakeApp().add("one", script(crash(), crash(), output("at last")))

    async def play(here: World) -> None:
        run = await here.run_one()
        assert run.output == b'"at last"'
        # server-api.md 8: 15 s and 30 s, each with a jitter of up to 30 s
        assert 45 <= (run.ended_at or 0) - run.queued_at <= 105

    within(app, play)
    assert [call.ctx["attempt"] for call in app.calls] == [0, 1, 2]
    assert [call.ctx["max_attempts"] for call in app.calls] == [5] * 3


def test_smoke_f_no_retry() -> None:
    app = FakeApp().add("one", script(crash("never", no_retry=True)))
    status, error = result(app)
    assert (status, error["message"]) == (RunStatus.FAILED, "never")
    assert len(app.calls) == 1


@pytest.mark.parametrize(
    ("reply", "memo"),
    [
        (output({"n": 42}), {"data": {"n": 42}}),
        (
            crash("broke", no_retry=True),
            {
                "error": {
                    "error": "Error: broke",
                    "name": "Error",
                    "message": "broke",
                    "stack": "here",
                }
            },
        ),
    ],
    ids=["ok", "failed"],
)
def test_smoke_g_an_invoked_function(reply: Reply, memo: Any) -> None:
    opts = {"function_id": "shop-child", "payload": {"data": {"n": 21}}}
    invoke = op("InvokeFunction", "a", opts=opts)
    app = FakeApp().add("one", script(ops(invoke), output(None)))
    app.add("child", script(reply), event="shop/never")
    result(app)
    parent, child, _ = app.calls
    event = child.body["event"]
    assert event["name"] == "inngest/function.invoked"
    assert event["data"]["n"] == 21
    assert event["data"]["_inngest"]["fn_id"] == "shop-child"
    assert event["data"]["_inngest"]["source_fn_id"] == parent.ctx["fn_id"]
    assert event["data"]["_inngest"]["correlation_id"] == f"{parent.ctx['run_id']}.{A}"
    assert app.calls[-1].steps == {A: memo}


def test_smoke_h_an_event_cancels_a_sleeping_run() -> None:
    matcher = {"event": "shop/stopped", "if": "event.data.n == async.data.n"}
    app = FakeApp().add("one", script(ops(op("Sleep", "1h"))), cancel=[matcher])

    async def play(here: World) -> None:
        event_id = await here.send(data={"n": 1})
        await here.server.settle()
        await here.send("shop/stopped", data={"n": 1})
        (run,) = await here.finish(event_id)
        assert (run.status, run.ended_at) == (RunStatus.CANCELLED, run.queued_at)
        await here.pass_time(7200)

    within(app, play)
    assert len(app.calls) == 1


def test_smoke_i_a_batch_of_three() -> None:
    app = FakeApp().add("one", returns_ids, batchEvents={"maxSize": 3, "timeout": "60s"})

    async def play(here: World) -> None:
        first, *_ = [await here.send(id=name) for name in ("x", "y", "z")]
        (run,) = await here.finish(first)
        assert run.output == b'["x","y","z"]'
        assert run.ended_at == run.queued_at

    within(app, play)
    assert app.calls[0].body["event"]["id"] == "x"


def test_smoke_j_a_debounce() -> None:
    app = FakeApp().add("one", returns_ids, debounce={"period": "10s"})

    async def play(here: World) -> None:
        for name in ("x", "y", "z"):
            last = await here.send(id=name)
            await here.pass_time(5)
        (run,) = await here.finish(last)
        assert run.output == b'["z"]'
        assert 20 <= (run.started_at or 0) - 1_735_689_600 <= 22

    within(app, play)
    assert len(app.calls) == 1


def test_smoke_k_an_event_id_that_comes_twice() -> None:
    app = FakeApp().add("one", returns_ids)

    async def play(here: World) -> None:
        first, second = [await here.send(id="x") for _ in range(2)]
        assert first != second
        assert len(await here.finish(first)) == 1
        assert await here.server.runs_of(second) == []
        await here.pass_time(86_400 + 1)
        await here.finish(await here.send(id="x"))

    within(app, play)
    assert len(app.calls) == 2


def returns_ids(call: Call) -> Reply:
    return output([event["id"] for event in call.body["events"]])


# What was seen on the real server, version 2 (steps.md 8.1).


def test_seen_after_the_winner_of_a_race_the_loser_is_still_in_flight() -> None:
    race = {"opts": {"parallelMode": "race"}}

    async def handler(call: Call) -> Reply:
        if call.target == B:
            await worlds[0].clock.sleep(60)
        if call.target is not None:
            return ops(ran("a" if call.target == A else "b", **race))
        if A in call.steps:
            return output("a won")
        return ops(planned("a", **race), planned("b", **race))

    async def play(here: World) -> None:
        worlds.append(here)
        run = await here.run_one()
        assert (run.output, run.ended_at) == (b'"a won"', run.queued_at)
        await here.pass_time(120)
        ended = await here.server.run(run.id)
        assert ended is not None
        assert ended.output == b'"a won"'

    worlds: list[World] = []
    app = FakeApp().add("one", handler)
    within(app, play)
    discovery = app.calls[-1]
    # The real server clears the flag here, and a new step run in place ran twice; ours keeps it.
    assert discovery.ctx["disable_immediate_execution"]
    assert discovery.steps == {A: {"data": None}}


MIXES: list[Any] = [
    pytest.param([op("Sleep", "1h"), op("Sleep", "2h")], id="sleep-and-sleep"),
    pytest.param(
        [op("Sleep", "1h"), op("WaitForEvent", "shop/never", opts={"timeout": "2h"})],
        id="sleep-and-wait",
    ),
    pytest.param([planned("a"), op("Sleep", "2h")], id="step-and-sleep"),
]


@pytest.mark.parametrize("mix", MIXES)
def test_seen_the_function_is_called_again_when_all_ops_of_a_reply_are_done(mix: Any) -> None:
    app = FakeApp().add("one", mixed(mix))

    async def play(here: World) -> None:
        run = await here.run_one()
        assert (run.ended_at or 0) - run.queued_at == 7200

    within(app, play)
    assert len([call for call in app.calls if call.target is None]) == 2


def mixed(ops_: list[dict[str, Any]]) -> Handler:
    def handler(call: Call) -> Reply:
        if call.target is not None:
            return ops(ran("a"))
        return output(None) if len(call.steps) == 2 else ops(*ops_)

    return handler


def test_seen_reporting_a_pending_op_again_is_harmless() -> None:
    race = {"opts": {"parallelMode": "race"}}

    def handler(call: Call) -> Reply:
        if call.target is not None:
            return ops(ran("a", **race))
        if len(call.steps) < 2:
            return ops(planned("a", **race), op("Sleep", "1h"))
        return output(None)

    app = FakeApp().add("one", handler)

    async def play(here: World) -> None:
        run = await here.run_one()
        assert (run.ended_at or 0) - run.queued_at == 3600

    within(app, play)
    assert [call.target for call in app.calls] == [None, A, None, None]
