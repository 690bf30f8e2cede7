"""Observers: what they are told, and that they break nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import inngest_asgi as inngest
from inngest_asgi.errors import NestedStepError
from tests.middleware.behaviour.hooks import (
    COLOURS,
    DONE,
    body,
    fail,
    one_step,
    ops,
    overriding,
    served,
)
from tests.middleware.tracing import traced
from tests.runtime.running import document_of

colours = pytest.mark.parametrize("colour", COLOURS)


@colours
def test_observers_get_what_came_out(colour: str) -> None:
    records: list[Any] = []
    names = ("on_run_start", "on_run_complete", "on_step_start", "on_step_complete")
    app = served(one_step, colour, middleware=[overriding(**dict.fromkeys(names, records.append))])
    app.call()
    app.call({"a": DONE})
    start, step, same, end = records
    assert start.function.id == end.function.id == "shop-pay"
    assert step is same
    assert (step.step.id, step.step.op, step.output, step.error) == ("a", "StepRun", 1, None)
    assert (end.output, end.error) == ("done", None)


@colours
@pytest.mark.parametrize(
    ("error", "attempt", "final"),
    [
        (ValueError("no"), 0, False),
        (ValueError("no"), 3, True),
        (inngest.NonRetriableError("no"), 0, True),
    ],
    ids=["first attempt", "last attempt", "non-retriable"],
)
@pytest.mark.parametrize("place", ["run", "step"])
def test_observers_of_errors_know_whether_an_attempt_follows(
    place: str,
    error: Exception,
    attempt: int,
    final: bool,  # noqa: FBT001
    colour: str,
) -> None:
    async def raising() -> None:
        raise error

    async def program(ctx: Any) -> None:
        await (ctx.step.run("a", raising) if place == "step" else raising())

    records: list[Any] = []
    hooks = overriding(**{f"on_{place}_error": records.append})
    served(program, colour, middleware=[hooks]).call(attempt=attempt)
    assert [(one.error, one.final) for one in records] == [(error, final)]


@colours
def test_observers_that_raise_break_nothing(colour: str, caplog: pytest.LogCaptureFixture) -> None:
    names = (
        "on_run_start",
        "on_run_complete",
        "on_step_start",
        "on_step_complete",
        "on_memoization_end",
    )
    app = served(one_step, colour, middleware=[overriding(**dict.fromkeys(names, fail))])
    assert ops(app.call()) == ["StepRun a"]
    assert document_of(app.call({"a": DONE})) == "done"
    assert caplog.messages == ["Middleware hook fail failed; the run goes on"] * 6


@colours
@pytest.mark.parametrize("swallowing", [True, False], ids=["swallowed", "let through"])
def test_hooks_are_told_that_a_step_with_a_step_inside_failed(
    colour: str,
    swallowing: bool,  # noqa: FBT001
) -> None:
    async def nesting(ctx: Any) -> Any:
        def outer() -> Any:
            try:
                return ctx.step.run("inner", body)
            except BaseException:
                if not swallowing:
                    raise
                return "fine"

        async def awaiting() -> Any:
            try:
                return await ctx.step.run("inner", body)
            except BaseException:
                if not swallowing:
                    raise
                return "fine"

        return await ctx.step.run("outer", awaiting if colour == "async" else outer)

    records: list[Any] = []
    trace: list[str] = []
    names = ("on_step_complete", "on_step_error")
    hooks = [
        overriding(**dict.fromkeys(names, records.append)),
        traced(trace, hooks=[*names, "after_execution", "transform_output"]),
    ]
    assert ops(served(nesting, colour, middleware=hooks).call()) == ["StepFailed outer"]
    (record,) = records
    assert isinstance(record.error, NestedStepError)
    assert record.final
    assert trace == ["after_execution", "on_step_error"]


@colours
def test_observers_that_raise_a_cancellation_break_nothing(
    colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def cancelled(*_: Any) -> None:
        raise asyncio.CancelledError

    names = ("on_run_start", "on_run_complete", "on_step_start", "on_step_complete")
    app = served(one_step, colour, middleware=[overriding(**dict.fromkeys(names, cancelled))])
    assert ops(app.call()) == ["StepRun a"]
    assert document_of(app.call({"a": DONE})) == "done"
    assert len(caplog.messages) == 4


@colours
@pytest.mark.parametrize(
    ("call", "told"),
    [({}, 1), ({"attempt": 1}, 0), ({"target": "a"}, 0)],
    ids=["first call", "second attempt", "planned step"],
)
def test_a_run_starts_once(colour: str, call: dict[str, Any], told: int) -> None:
    records: list[Any] = []
    hooks = overriding(on_run_start=records.append)
    served(one_step, colour, middleware=[hooks]).call(**call)
    assert len(records) == told
