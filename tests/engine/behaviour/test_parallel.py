"""Plain asyncio over steps, in async functions (architecture, engine rules 1, 4, 5, 10, 11)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.engine.outcomes import Raised
from inngest_asgi.errors import StepError
from inngest_asgi.testing import ManualClock
from tests.engine.calls import Program, Request, Tools, call_async, data, drive, failed, shown

if TYPE_CHECKING:
    from collections.abc import Coroutine


def steps(tools: Tools, names: str) -> list[Coroutine[Any, Any, Any]]:
    return [tools.step.run(one, tools.body(one)) for one in names]


def planned(names: str) -> list[str]:
    return [f"StepPlanned {one}" for one in names]


async def gather(tools: Tools) -> Any:
    return await asyncio.gather(*steps(tools, "abc"))


async def nested_gathers(tools: Tools) -> Any:
    async def pair(names: str) -> Any:
        return await asyncio.gather(*steps(tools, names))

    return await asyncio.gather(pair("ab"), asyncio.gather(pair("cd"), pair("ef")))


async def deep(tools: Tools) -> Any:
    """Come to a step only after many turns of the loop."""

    async def level(depth: int) -> Any:
        if depth:
            return await asyncio.gather(level(depth - 1))
        return await tools.step.run("deep", tools.body("deep"))

    return await asyncio.gather(level(10), *steps(tools, "a"))


async def task_group(tools: Tools) -> Any:
    async with asyncio.TaskGroup() as group:
        for one in steps(tools, "abc"):
            group.create_task(one)


async def as_completed(tools: Tools) -> Any:
    return [await one for one in asyncio.as_completed(steps(tools, "abc"))]


async def wait_for_all(tools: Tools) -> Any:
    tasks = [asyncio.create_task(one) for one in steps(tools, "abc")]
    await asyncio.wait(tasks)
    return [task.result() for task in tasks]


async def many(tools: Tools) -> Any:
    return await asyncio.gather(*(tools.step.run(str(n), tools.body(str(n))) for n in range(1000)))


@pytest.mark.parametrize(
    ("program", "report"),
    [
        (gather, planned("abc")),
        (nested_gathers, planned("abcdef")),
        (deep, ["StepPlanned a", "StepPlanned deep"]),
        (task_group, planned("abc")),
        (as_completed, planned("abc")),
        (wait_for_all, planned("abc")),
        (many, [f"StepPlanned {n}" for n in range(1000)]),
    ],
)
def test_every_step_announced_side_by_side_is_planned(
    tools: Tools, program: Program, report: list[str]
) -> None:
    assert sorted(shown(call_async(program, Request(), tools))) == sorted(report)
    assert not tools.ran


@pytest.mark.parametrize(
    ("program", "memos", "result"),
    [
        (gather, data(c=3, a=1, b=2), [1, 2, 3]),
        (nested_gathers, data(f=6, e=5, d=4, c=3, b=2, a=1), [[1, 2], [[3, 4], [5, 6]]]),
        (deep, data(a=1, deep=2), [[[[[[[[[[[2]]]]]]]]]], 1]),
        (as_completed, data(c=3, a=1, b=2), [3, 1, 2]),
        (wait_for_all, data(c=3, a=1, b=2), [1, 2, 3]),
        (many, {str(n): {"data": n} for n in reversed(range(1000))}, list(range(1000))),
    ],
)
def test_results_side_by_side_come_from_memos(
    tools: Tools, program: Program, memos: dict[str, Any], result: Any
) -> None:
    assert shown(call_async(program, Request(memos), tools)) == {"returned": result}


@pytest.mark.parametrize("target", "abc")
def test_one_of_many_runs_when_it_is_the_target(tools: Tools, target: str) -> None:
    outcome = call_async(gather, Request(target=target), tools)
    assert shown(outcome) == [f'StepRun {target} = "{target}"']
    assert tools.ran == {target: 1}


def test_a_target_many_turns_away_is_reached(tools: Tools) -> None:
    assert shown(call_async(deep, Request(target="deep"), tools)) == ['StepRun deep = "deep"']


def test_unresolved_steps_are_reported_each_time(tools: Tools) -> None:
    request = Request(data(b=2), plan_only=True)
    assert shown(call_async(gather, request, tools)) == planned("ac")


# Errors beside parked steps.


async def failing_in_a_task_group(tools: Tools) -> Any:
    async def fail() -> None:
        raise ValueError("no")

    async with asyncio.TaskGroup() as group:
        group.create_task(tools.step.run("a", tools.body("a")))
        group.create_task(fail())


def test_an_error_in_a_branch_beats_parked_steps(tools: Tools) -> None:
    outcome = call_async(failing_in_a_task_group, Request(), tools)
    assert isinstance(outcome, Raised)
    assert repr(outcome.error) == (
        "ExceptionGroup('unhandled errors in a TaskGroup', [ValueError('no')])"
    )


def test_the_target_beats_an_error_in_a_branch(tools: Tools) -> None:
    outcome = call_async(failing_in_a_task_group, Request(target="a"), tools)
    assert shown(outcome) == ['StepRun a = "a"']


async def mending(tools: Tools) -> Any:
    try:
        await gather(tools)
    except StepError as error:
        return [error.step_id, await tools.step.run("mend", tools.body("mend"))]


def test_a_failed_sibling_can_be_compensated(tools: Tools) -> None:
    memos = {**data(a=1, c=3), "b": failed()}
    assert shown(call_async(mending, Request(memos), tools)) == ['StepRun mend = "mend"']


async def keeping_exceptions(tools: Tools) -> Any:
    ended = await asyncio.gather(*steps(tools, "abc"), return_exceptions=True)
    return [getattr(one, "name", one) for one in ended]


def test_return_exceptions_gives_step_errors_and_nothing_of_ours(tools: Tools) -> None:
    memos = {"b": failed("CardError"), **data(a=1, c=3)}
    outcome = call_async(keeping_exceptions, Request(memos), tools)
    assert shown(outcome) == {"returned": [1, "CardError", 3]}


def test_return_exceptions_does_not_turn_parked_steps_into_data(tools: Tools) -> None:
    outcome = call_async(keeping_exceptions, Request(data(a=1)), tools)
    assert shown(outcome) == planned("bc")


# Background tasks.


async def returning_early(tools: Tools) -> Any:
    task = asyncio.create_task(tools.step.run("aside", tools.body("aside")))
    await tools.step.run("main", tools.body("main"))
    return task.done()


async def created_last(tools: Tools) -> Any:
    task = asyncio.create_task(tools.step.run("last", tools.body("last")))
    return task.done()


async def io_aside(tools: Tools) -> Any:
    """Leave a task behind that never comes to a step in time."""
    clock = ManualClock()

    async def aside() -> None:
        await clock.sleep(1)
        await tools.step.run("never", tools.body("never"))

    tools.sent.append(asyncio.create_task(aside()))
    return "returned"


def test_a_task_parked_when_the_function_returns_is_reported_first(tools: Tools) -> None:
    outcome = call_async(returning_early, Request(data(main=1)), tools)
    assert shown(outcome) == ['StepRun aside = "aside"']


def test_a_task_created_last_is_reported_first(tools: Tools) -> None:
    assert shown(call_async(created_last, Request(), tools)) == ['StepRun last = "last"']


def test_memos_of_a_task_left_behind_resolve_before_the_end(tools: Tools) -> None:
    outcome = call_async(returning_early, Request(data(main=1, aside=2)), tools)
    assert shown(outcome) == {"returned": False}


def test_a_task_that_never_announced_is_the_users_own(tools: Tools) -> None:
    assert shown(call_async(io_aside, Request(), tools)) == {"returned": "returned"}


# Real waiting beside steps.


async def waiting_beside(tools: Tools, clock: ManualClock) -> Any:
    async def slow() -> Any:
        await clock.sleep(5)
        return await tools.step.run("slow", tools.body("slow"))

    return await asyncio.gather(slow(), tools.step.run("quick", tools.body("quick")))


@pytest.mark.parametrize(
    ("request_", "outcome"),
    [
        pytest.param(Request(), ['StepRun quick = "quick"'], id="the-quick-one-runs"),
        pytest.param(Request(data(quick=1)), ['StepRun slow = "slow"'], id="then-the-slow-one"),
        pytest.param(Request(target="slow"), ['StepRun slow = "slow"'], id="targeted"),
        pytest.param(Request(data(quick=1, slow=2)), {"returned": [2, 1]}, id="replayed"),
    ],
)
def test_code_may_wait_beside_parked_steps(tools: Tools, request_: Request, outcome: Any) -> None:
    clock = ManualClock()

    async def call() -> Any:
        call = drive(lambda tools: waiting_beside(tools, clock), request_, tools, clock)
        return shown(await clock.until(call))

    assert asyncio.run(call()) == outcome


async def waiting_alone(_: Tools, clock: ManualClock) -> Any:
    await clock.sleep(3600)
    return "done"


def test_a_function_without_steps_may_take_its_time(tools: Tools) -> None:
    clock = ManualClock()

    async def call() -> Any:
        call = drive(lambda tools: waiting_alone(tools, clock), Request(), tools, clock)
        return shown(await clock.until(call))

    assert asyncio.run(call()) == {"returned": "done"}


# Code that changed while the run was under way.


async def changed(tools: Tools) -> Any:
    first = await tools.step.run("b", tools.body("b"))
    return [first, *await asyncio.gather(*steps(tools, "ca"))]


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        pytest.param("abc", {"returned": [2, 3, 1]}, id="order-changed"),
        pytest.param("xbac", {"returned": [2, 3, 1]}, id="step-removed"),
        pytest.param("xb", planned("ca"), id="step-added"),
    ],
)
def test_a_changed_function_does_not_hang(tools: Tools, order: str, outcome: Any) -> None:
    values = {"a": 1, "b": 2, "c": 3, "x": 9}
    memos = data(**{one: values[one] for one in order})
    assert shown(call_async(changed, Request(memos), tools)) == outcome
