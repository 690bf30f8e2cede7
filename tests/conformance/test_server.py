"""The worked exchanges of the protocol, from the server's side, with an app that is all JSON.

The app answers with the bytes of the pages, and what the embedded server asks it for is compared
with theirs. The same exchanges from the side of our SDK are in test_worked_exchanges.py.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

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
    world,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# steps.md 1 and 2
FIRST = "98bf98df193bcce7c33e6bc50927cf2ac21206cb"
SECOND = "764e20ec975d4ef820d0f42e6a5833384bd7ee36"
COMPLETE = "0737c22d3bfae812339732d14d8c7dbd6dc4e09c"
SLEEP = sha1("2s-step")
A, B = sha1("a"), sha1("b")

ENVIRONMENT = "00000000-0000-4000-b000-000000000000"
START, END = "2025-01-01T00:00:00.000Z", "2025-01-01T00:00:01.000Z"


def report(*items: str) -> Reply:
    """Answer with ops as a page writes them, and the headers that go with them."""
    return Reply(206, f"[{','.join(items)}]".encode(), {"x-inngest-no-retry": "false"})


def step_run(step_id: str, name: str, data: str) -> str:
    return (
        f'{{"op":"StepRun","id":"{step_id}","name":"{name}","displayName":"{name}","data":{data}}}'
    )


def step_planned(step_id: str) -> str:
    return f'{{"op":"StepPlanned","id":"{step_id}"}}'


def sleeping(seconds: int) -> str:
    return (
        f'{{"op":"Sleep","id":"{SLEEP}","name":"{seconds}s","displayName":"for {seconds}s-step"}}'
    )


def run_complete(data: str) -> str:
    return f'{{"op":"RunComplete","id":"{COMPLETE}","data":{data}}}'


def states(app: FakeApp) -> list[tuple[dict[str, Any], list[str], int]]:
    """Return what each call carried: the memos, and the stack with its size."""
    stacks = [call.ctx["stack"] for call in app.calls]
    return [
        (call.steps, stack["stack"], stack["current"])
        for call, stack in zip(app.calls, stacks, strict=True)
    ]


def playing(app: FakeApp, play: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        async with world(app) as here:
            await play(here)

    asyncio.run(main())


def test_two_sequential_steps_make_the_calls_of_the_page() -> None:  # steps.md 11
    app = FakeApp().add(
        "one",
        script(
            report(step_run(FIRST, "first step", '"one"')),
            report(sleeping(2)),
            report(step_run(SECOND, "second step", "2")),
            Reply(200, b'{"ok":true}', {"x-inngest-no-retry": "false"}),
        ),
    )

    async def play(here: World) -> None:
        run = await here.run_one()
        assert (run.status, run.output) == (RunStatus.COMPLETED, b'{"ok":true}')
        assert (run.ended_at or 0) - run.queued_at == 2

    playing(app, play)
    one, rest, two = {FIRST: {"data": "one"}}, {SLEEP: None}, {SECOND: {"data": 2}}
    assert states(app) == [
        ({}, [], 0),
        (one, [FIRST], 1),
        (one | rest, [FIRST, SLEEP], 2),
        (one | rest | two, [FIRST, SLEEP, SECOND], 3),
    ]
    assert [call.step_id for call in app.calls] == ["step"] * 4
    assert [call.ctx["attempt"] for call in app.calls] == [0] * 4
    assert [call.body["version"] for call in app.calls] == [-1, 2, 2, 2]


def test_parallel_steps_make_the_calls_of_the_page() -> None:  # steps.md 12
    together = asyncio.Barrier(2)

    async def handler(call: Call) -> Reply:
        if call.target is None:
            return output("next work") if call.steps else report(step_planned(A), step_planned(B))
        await together.wait()  # until both are called
        if call.target == A:
            await worlds[0].clock.sleep(1)
        return report(step_run(call.target, "a step", f'"{call.target[:1]}"'))

    async def play(here: World) -> None:
        worlds.append(here)
        assert (await here.run_one()).output == b'"next work"'

    worlds: list[World] = []
    app = FakeApp().add("one", handler)
    playing(app, play)
    first, *targeted, last = app.calls
    assert first.step_id == last.step_id == "step"
    assert {call.step_id for call in targeted} == {A, B}
    assert {call.ctx["step_id"] for call in targeted} == {A, B}
    assert [call.headers["x-inngest-step-id"] for call in targeted] == [A, B]
    assert [call.ctx["disable_immediate_execution"] for call in targeted] == [True, True]
    assert states(app)[-1] == ({B: {"data": "e"}, A: {"data": "8"}}, [B, A], 2)
    assert len(app.calls) == 4


@pytest.mark.parametrize("rests", [False, True], ids=["three-steps", "a-sleep-before-the-last"])
def test_checkpointed_steps_make_the_calls_of_the_page(*, rests: bool) -> None:  # checkpoint.md 10
    steps = {name: step_run(sha1(name), name, f'"{name}"') for name in "abc"}
    answers: list[tuple[int, bytes]] = []

    async def handler(call: Call) -> Reply:
        for name, step in steps.items():
            if rests and name == "c" and SLEEP not in call.steps:
                return report(sleeping(2))
            if sha1(name) not in call.steps:
                await checkpoint(call, step)
        return report(run_complete('{"ok":true}'))

    async def checkpoint(call: Call, step: str) -> None:
        ctx = call.ctx
        document = (
            f'{{"run_id":"{ctx["run_id"]}","fn_id":"{ctx["fn_id"]}","qi_id":"{ctx["qi_id"]}",'
            f'"request_id":"{call.headers["x-request-id"]}",'
            f'"generation_id":{call.headers["x-inngest-generation-id"]},'
            f'"request_started_at":1735689600123,"ts":1735689600456,"steps":[{step}]}}'
        )
        path = f"/v1/checkpoint/{ctx['run_id']}/async"
        answer = await worlds[0].http.post(path, content=document)
        answers.append((answer.status_code, answer.content))

    async def play(here: World) -> None:
        worlds.append(here)
        assert (await here.run_one()).output == b'{"ok":true}'

    worlds: list[World] = []
    app = FakeApp().add("one", handler)
    playing(app, play)
    assert answers == [(200, b"")] * 3
    assert len(app.calls) == (2 if rests else 1)
    if rests:
        memos: dict[str, Any] = {A: {"data": "a"}, B: {"data": "b"}, SLEEP: None}
        assert states(app)[1] == (memos, [A, B, SLEEP], 3)


def test_the_run_of_an_event_is_found_as_on_the_page() -> None:  # server-api.md 14
    async def handler(call: Call) -> Reply:
        await worlds[0].clock.sleep(1)
        return output({"ok": True})

    async def play(here: World) -> None:
        worlds.append(here)
        sent = await here.http.post("/e/dev", content=b'{"name":"shop/paid","data":{"n":1}}')
        (event_id,) = sent.json()["ids"]
        assert sent.content == f'{{"ids":["{event_id}"],"status":200}}'.encode()
        (run,) = await here.finish(event_id)
        listed = await here.http.get(f"/v1/events/{event_id}/runs")
        assert listed.text == (
            f'{{"data":[{{"run_id":"{run.id}","run_started_at":"{START}","function_id":'
            f'"{app.calls[0].ctx["fn_id"]}","function_version":1,"environment_id":"{ENVIRONMENT}",'
            f'"event_id":"{event_id}","status":"Completed","ended_at":"{END}","output":'
            f'{{"ok":true}}}}],"metadata":{{"fetched_at":"{END}",'
            '"cached_until":"2025-01-01T00:00:16.000Z"}}'
        )
        assert listed.headers["cache-control"] == "private, max-age=15"

    worlds: list[World] = []
    app = FakeApp().add("one", handler)
    playing(app, play)


def test_an_id_that_is_none_is_refused_as_on_the_page() -> None:  # server-api.md 14
    async def play(here: World) -> None:
        answer = await here.http.get("/v1/runs/nope")
        assert answer.status_code == 400
        assert answer.content == b'{"error":"Invalid run ID: nope","data":null,"status":400}'

    playing(FakeApp(), play)


def test_a_failure_handler_gets_the_event_of_the_page() -> None:  # server-api.md 14
    error = {"name": "Error", "message": "card declined", "stack": "..."}
    failing = Reply(500, error, {"x-inngest-no-retry": "true"})
    app = FakeApp().add("charge", script(failing))
    trigger = {
        "event": "inngest/function.failed",
        "expression": "event.data.function_id == 'shop-charge'",
    }
    app.add("charge-failure", script(output(None)), triggers=[trigger])

    async def play(here: World) -> None:
        run = await here.run_one(data={"n": 1}, id="paid-1")
        await here.pass_time(1)
        paid = {
            "name": "shop/paid",
            "data": {"n": 1},
            "user": {},
            "id": "paid-1",
            "ts": 1_735_689_600_000,
        }
        assert app.calls[1].body["event"] == {
            "name": "inngest/function.failed",
            "id": run.id,
            "ts": 1_735_689_600_000,
            "user": {},
            "data": {
                "function_id": "shop-charge",
                "run_id": run.id,
                "event": paid,
                "events": [paid],
                "error": {"error": "Error: card declined", **error},
                "_inngest": {"status": "Failed"},
            },
        }

    playing(app, play)


def test_a_signal_is_answered_as_on_the_page() -> None:  # server-api.md 14
    wait = op("WaitForSignal", "a", opts={"signal": "approve/42", "timeout": "1h"})

    async def play(here: World) -> None:
        event_id = await here.send()
        await here.server.settle()
        sent = b'{"signal":"approve/42","data":{"by":"ann"}}'
        answer = await here.http.post("/v1/signals", content=sent)
        (run,) = await here.finish(event_id)
        assert answer.text == (
            f'{{"data":{{"run_id":"{run.id}"}},"metadata":{{"fetched_at":"{START}"}}}}'
        )
        assert app.calls[1].steps == {
            A: {"data": {"signal": "approve/42", "data": {"by": "ann"}}},
        }

    app = FakeApp().add("one", script(ops(wait), output(None)))
    playing(app, play)


# The smoke tests (a) to (k) of server-api.md 13; (a), (b) and (c) are the exchanges above.


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

    playing(app, play)
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

    playing(app, play)
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
    app = FakeApp().add("one", script(report(sleeping(3600))), cancel=[matcher])

    async def play(here: World) -> None:
        event_id = await here.send(data={"n": 1})
        await here.server.settle()
        await here.send("shop/stopped", data={"n": 1})
        (run,) = await here.finish(event_id)
        assert (run.status, run.ended_at) == (RunStatus.CANCELLED, run.queued_at)
        await here.pass_time(7200)

    playing(app, play)
    assert len(app.calls) == 1


def test_smoke_i_a_batch_of_three() -> None:
    app = FakeApp().add("one", returns_ids, batchEvents={"maxSize": 3, "timeout": "60s"})

    async def play(here: World) -> None:
        first, *_ = [await here.send(id=name) for name in ("x", "y", "z")]
        (run,) = await here.finish(first)
        assert run.output == b'["x","y","z"]'
        assert run.ended_at == run.queued_at

    playing(app, play)
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

    playing(app, play)
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

    playing(app, play)
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
    playing(app, play)
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

    playing(app, play)
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

    playing(app, play)
    assert [call.target for call in app.calls] == [None, A, None, None]
