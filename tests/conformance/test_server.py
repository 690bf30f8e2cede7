"""The worked exchanges of the protocol, from the server's side, with an app that is all JSON.

The app answers with the bytes of the pages, and what the embedded server asks it for is compared
with theirs. The same exchanges from the side of our SDK are in test_worked_exchanges.py.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from inngest_asgi.dev import RunStatus
from tests.dev.fakes import (
    Call,
    FakeApp,
    Reply,
    World,
    op,
    ops,
    output,
    script,
    sha1,
)
from tests.dev.web.asking import within

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

    within(app, play)
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
    within(app, play)
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
    within(app, play)
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
    within(app, play)


def test_an_id_that_is_none_is_refused_as_on_the_page() -> None:  # server-api.md 14
    async def play(here: World) -> None:
        answer = await here.http.get("/v1/runs/nope")
        assert answer.status_code == 400
        assert answer.content == b'{"error":"Invalid run ID: nope","data":null,"status":400}'

    within(FakeApp(), play)


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

    within(app, play)


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
    within(app, play)
