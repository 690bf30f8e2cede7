"""The worked exchanges of steps.md 11 and 12, replayed through the application by HTTP.

Where the page gives bytes, ours are those; ops have the shape that is ours (`name` is the user's
id, a sleep's time stands in `opts.duration`), written out here byte for byte.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.exchanges import hashed, op, planned, ran
from tests.routes.asking import (
    ORDERED,
    Answer,
    app_of,
    ask,
    body_of,
    call,
    called,
    cloud_client,
    dev_client,
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import inngest_asgi as inngest

# steps.md 1
FIRST = "98bf98df193bcce7c33e6bc50927cf2ac21206cb"
SECOND = "764e20ec975d4ef820d0f42e6a5833384bd7ee36"
A = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"
SLEEP = hashed("for 2s-step")
B = hashed("b")
AFTER = hashed("after")


def sequential_async(client: inngest.Inngest) -> None:
    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> dict[str, bool]:
        assert await ctx.step.run("first step", lambda: "one") == "one"
        await ctx.step.sleep("for 2s-step", "2s")
        assert await ctx.step.run("second step", lambda: 2) == 2
        return {"ok": True}


def sequential_blocking(client: inngest.Inngest) -> None:
    @client.create_function(fn_id="pay", trigger=ORDERED)
    def pay(ctx: inngest.ContextSync) -> dict[str, bool]:
        assert ctx.step.run("first step", lambda: "one") == "one"
        ctx.step.sleep("for 2s-step", "2s")
        assert ctx.step.run("second step", lambda: 2) == 2
        return {"ok": True}


def parallel_async(client: inngest.Inngest) -> None:
    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> str:
        a, b = await asyncio.gather(ctx.step.run("a", lambda: "A"), ctx.step.run("b", lambda: "B"))
        done: str = await ctx.step.run("after", lambda: a + b)
        return done


def parallel_blocking(client: inngest.Inngest) -> None:
    @client.create_function(fn_id="pay", trigger=ORDERED)
    def pay(ctx: inngest.ContextSync) -> str:
        a, b = ctx.group.parallel(
            (
                lambda: ctx.step.run("a", lambda: "A"),
                lambda: ctx.step.run("b", lambda: "B"),
            )
        )
        done: str = ctx.step.run("after", lambda: a + b)
        return done


sequential = pytest.mark.parametrize(
    "declare", [sequential_async, sequential_blocking], ids=["async", "blocking"]
)
parallel = pytest.mark.parametrize(
    "declare", [parallel_async, parallel_blocking], ids=["async", "blocking"]
)

# Steps that are done, in order, and what the next call of the sequential function answers.
MEMOS: dict[str, Any] = {FIRST: {"data": "one"}, SLEEP: None, SECOND: {"data": 2}}
SEQUENTIAL = [
    pytest.param(0, 206, ran("first step", '"one"'), id="1-runs-the-first-step"),
    pytest.param(
        1,
        206,
        op("Sleep", "for 2s-step", ',"opts":{"duration":"2s"}'),
        id="2-sleeps",
    ),
    pytest.param(2, 206, ran("second step", "2"), id="3-runs-the-second-step"),
    pytest.param(3, 200, b'{"ok":true}', id="4-returns"),
]


@sequential
@pytest.mark.parametrize(("done", "status", "body"), SEQUENTIAL)
def test_two_sequential_steps_with_a_sleep_between(
    declare: Callable[[inngest.Inngest], None], done: int, status: int, body: bytes
) -> None:
    client = dev_client()
    declare(client)
    stack = list(MEMOS)[:done]
    steps = {step: MEMOS[step] for step in stack}
    answer = called(app_of(client), call(steps, stack=stack) | {"version": 2 if done else -1})
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers["x-inngest-req-version"] == "2"
    assert answer.headers["x-inngest-no-retry"] == "false"


@sequential
@pytest.mark.parametrize(("done", "status", "body"), SEQUENTIAL)
def test_the_same_exchange_signed_in_cloud_mode(
    declare: Callable[[inngest.Inngest], None], done: int, status: int, body: bytes
) -> None:
    client = cloud_client()
    declare(client)
    stack = list(MEMOS)[:done]
    sent = body_of(call({step: MEMOS[step] for step in stack}, stack=stack))
    answer = called(app_of(client), body=sent, headers=signed(sent))
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers["x-inngest-signature"] == signed(body)["x-inngest-signature"]


@parallel
def test_parallel_steps_are_planned_in_one_reply(
    declare: Callable[[inngest.Inngest], None],
) -> None:
    client = dev_client()
    declare(client)
    answer = called(app_of(client))
    assert (answer.status, answer.body) == (206, planned("a", "b"))


@parallel
def test_planned_steps_run_in_concurrent_calls_of_their_own(
    declare: Callable[[inngest.Inngest], None],
) -> None:
    client = dev_client()
    declare(client)
    app, body = app_of(client), body_of(call(disable_immediate_execution=True))

    async def both() -> list[Answer]:
        queries = [f"fnId=shop-pay&stepId={one}" for one in (A, B)]
        return await asyncio.gather(
            *(ask(app, "POST", query=query, body=body) for query in queries)
        )

    answers = asyncio.run(both())
    assert [answer.status for answer in answers] == [206, 206]
    assert [answer.body for answer in answers] == [ran("a", '"A"'), ran("b", '"B"')]


@parallel
@pytest.mark.parametrize("stack", [[A, B], [B, A]], ids=["a-first", "b-first"])
def test_one_call_with_both_memos_goes_on(
    declare: Callable[[inngest.Inngest], None], stack: list[str]
) -> None:
    client = dev_client()
    declare(client)
    app = app_of(client)
    memos: dict[str, Any] = {A: {"data": "A"}, B: {"data": "B"}}
    answer = called(app, call(memos, stack=stack))
    assert (answer.status, answer.body) == (206, ran("after", '"AB"'))
    last = call(memos | {AFTER: {"data": "AB"}}, stack=[*stack, AFTER])
    assert (called(app, last).status, called(app, last).body) == (200, b'"AB"')


@parallel
def test_a_discovery_with_one_memo_plans_the_other_again(
    declare: Callable[[inngest.Inngest], None],
) -> None:
    # steps.md 8.1: an op that is pending may be reported again; jobs are keyed by its id.
    client = dev_client()
    declare(client)
    document = call({A: {"data": "A"}}, stack=[A], disable_immediate_execution=True)
    answer = called(app_of(client), document)
    assert (answer.status, answer.body) == (206, planned("b"))


@parallel
@pytest.mark.parametrize("attempt", [0, 3])
def test_a_planned_step_that_fails_is_reported_alone(
    declare: Callable[[inngest.Inngest], None], attempt: int
) -> None:
    client = dev_client()
    declare(client)
    document = call({A: {"input": [1, 2]}}, attempt=attempt)  # too many arguments for it
    answer = called(app_of(client), document, step_id=A)
    (shape,) = json.loads(answer.body)
    assert answer.status == 206
    assert shape["op"] == ("StepFailed" if attempt == 3 else "StepError")
    assert answer.headers["x-inngest-no-retry"] == ("true" if attempt == 3 else "false")
