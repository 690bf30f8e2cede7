"""Which hooks run in which call, and in which order, in either colour and of either kind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import inngest_asgi as inngest
from inngest_asgi.middleware import Middleware
from tests.middleware.behaviour import hook_tables as tables
from tests.middleware.behaviour.hooks import (
    COLOURS,
    DONE,
    FAILED,
    body,
    fail,
    failing,
    failing_step,
    one_step,
    ops,
    parallel,
    plain,
    served,
    sleeping,
    two_steps,
)
from tests.middleware.tracing import KINDS, traced
from tests.runtime.running import document_of

colours = pytest.mark.parametrize("colour", COLOURS)
kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
@colours
@pytest.mark.parametrize(
    ("program", "memos", "table"),
    [
        pytest.param(two_steps, {}, tables.FIRST_CALL, id="first-call"),
        pytest.param(two_steps, {"a": DONE}, tables.SECOND_CALL, id="second-call"),
        pytest.param(two_steps, {"a": DONE, "b": DONE}, tables.LAST_CALL, id="last-call"),
        pytest.param(sleeping, {}, tables.A_SLEEP, id="sleep"),
        pytest.param(failing_step, {}, tables.A_FAILED_STEP, id="step-that-raises"),
        pytest.param(failing_step, {"a": FAILED}, tables.A_CAUGHT_STEP_ERROR, id="step-failed"),
        pytest.param(failing, {}, tables.A_FAILURE, id="function-that-raises"),
    ],
)
def test_the_hooks_of_a_call(program: Any, memos: Any, table: str, colour: str, kind: str) -> None:
    trace: list[str] = []
    served(program, colour, middleware=[traced(trace, kind=kind)]).call(memos)
    assert trace == tables.lines(table)


@pytest.mark.parametrize(
    ("colour", "kind", "target", "table"),
    [
        pytest.param("async", "async", None, tables.A_PLAN, id="plan"),
        pytest.param("async", "async", "c", tables.A_TARGET, id="target"),
        pytest.param("blocking", "async", None, tables.A_PLAN_BLOCKING, id="blocking-plan"),
        pytest.param("blocking", "async", "c", tables.A_TARGET_BLOCKING, id="blocking-target"),
        pytest.param("blocking", "blocking", None, tables.A_PLAN_BLOCKING, id="all-blocking-plan"),
        pytest.param(
            "blocking", "blocking", "c", tables.A_TARGET_BLOCKING, id="all-blocking-target"
        ),
    ],
)
def test_the_hooks_of_parallel_steps(
    colour: str, kind: str, target: str | None, table: str
) -> None:
    trace: list[str] = []
    app = served(parallel, colour, middleware=[traced(trace, kind=kind)])
    app.call({"a": DONE}, target=target)
    assert trace == tables.lines(table)


def test_steps_gathered_in_plain_asyncio_are_planned_with_hooks_too() -> None:
    async def gathering(ctx: inngest.Context) -> Any:
        return await asyncio.gather(*(ctx.step.run(id, body) for id in "ab"))

    app = served(gathering, middleware=[traced([])])
    assert ops(app.call()) == ["StepPlanned a", "StepPlanned b"]
    assert document_of(app.call({"a": DONE, "b": DONE})) == ["done", "done"]


@kinds
@colours
def test_middleware_of_the_client_stands_outside_that_of_the_function(
    colour: str, kind: str
) -> None:
    trace: list[str] = []
    hooks = ("before_execution", "after_execution", "wrap_function", "on_run_complete")
    outer, inner = (traced(trace, name, kind=kind, hooks=hooks) for name in ("1 ", "2 "))
    served(plain, colour, middleware=[outer], inner=[inner]).call()
    assert trace == [
        "1 wrap_function (",
        "2 wrap_function (",
        "1 before_execution",
        "2 before_execution",
        "2 wrap_function )",
        "1 wrap_function )",
        "2 after_execution",
        "1 after_execution",
        "2 on_run_complete",
        "1 on_run_complete",
    ]


@colours
def test_a_step_that_is_not_looked_at_still_counts_for_the_call(colour: str) -> None:
    trace: list[str] = []
    app = served(one_step, colour, middleware=[traced(trace, hooks=["before_response"])])
    assert ops(app.call()) == ["StepRun a"]
    assert document_of(app.call({"a": DONE})) == "done"
    assert trace == ["before_response"] * 2


def test_each_call_has_an_instance_of_its_own_and_the_hosts_request() -> None:
    made: list[tuple[Any, object]] = []

    def factory(client: Any, raw_request: object) -> Middleware:
        made.append((client, raw_request))
        return Middleware(client, raw_request)

    app = served(plain, middleware=[factory])
    app.call()
    app.call()
    assert made == [(app.client, "the request")] * 2


@colours
def test_a_failure_handler_has_the_middleware_of_its_function(colour: str) -> None:
    trace: list[str] = []
    app = served(plain, colour, inner=[traced(trace)], on_failure=fail)
    (function,) = app.client.functions
    assert function.failure is not None
    assert function.failure.middleware == function.middleware != ()


@colours
def test_an_event_that_is_refused_ends_the_replay_like_any_other_memo(colour: str) -> None:
    paid = inngest.EventType("shop/paid", int)
    trace: list[str] = []

    async def waiting(ctx: Any) -> str:
        with pytest.raises(inngest.EventValidationError):
            await ctx.step.wait_for_event("paid", event=paid, timeout="1h")
        trace.append("goes on")
        return "told"

    app = served(waiting, colour, middleware=[traced(trace, hooks=["before_execution"])])
    reply = app.call({"paid": {"name": "shop/paid", "data": {"amount": "much"}}})
    assert document_of(reply) == "told"
    assert trace == ["before_execution", "goes on"]
