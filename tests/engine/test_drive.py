"""The async shell alone: what it waits for, and what it does to the loop."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from inngest_asgi.engine.drive import QUIET_TURNS
from inngest_asgi.testing import ManualClock
from tests.engine.calls import Request, Tools, call_async, data, drive, shown


def test_a_function_that_returned_may_leave_the_target_to_a_task(tools: Tools) -> None:
    clock = ManualClock()

    async def program(tools: Tools) -> Any:
        async def late() -> Any:
            await clock.sleep(3)
            return await tools.step.run("late", tools.body("late"))

        parked = asyncio.create_task(tools.step.run("a", tools.body("a")))
        tools.sent += [parked, asyncio.create_task(late())]
        await asyncio.sleep(0)

    async def call() -> Any:
        return shown(await clock.until(drive(program, Request(target="late"), tools, clock)))

    assert asyncio.run(call()) == ['StepRun late = "late"']


def test_a_target_that_no_task_comes_to_is_missing_after_the_grace(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        tools.sent.append(asyncio.create_task(tools.step.run("a", tools.body("a"))))
        await asyncio.sleep(0)

    assert shown(call_async(program, Request(target="late"), tools)) == {"missing": 1}


@pytest.mark.parametrize("turns", range(QUIET_TURNS - 3, QUIET_TURNS + 3))
def test_a_memo_cancelled_in_the_very_turn_it_is_due_is_passed_over(
    tools: Tools, turns: int
) -> None:
    async def program(tools: Tools) -> Any:
        step = asyncio.create_task(tools.step.run("a", tools.body("a")))
        for _ in range(turns):
            await asyncio.sleep(0)
        step.cancel()
        await asyncio.wait([step])
        return await tools.step.run("b", tools.body("b"))

    outcome = call_async(program, Request(data(a=1, b=2)), tools)
    assert shown(outcome) == {"returned": 2}


def test_a_call_without_steps_leaves_no_task_behind(tools: Tools) -> None:
    async def program(_: Tools) -> Any:
        return 1

    async def call() -> Any:
        outcome = await drive(program, Request(), tools)
        return shown(outcome), asyncio.all_tasks() == {asyncio.current_task()}

    assert asyncio.run(call()) == ({"returned": 1}, True)


def _begun_by_the_loop(
    loop: asyncio.AbstractEventLoop, code: Any, **more: Any
) -> asyncio.Task[Any]:
    return asyncio.Task(code, loop=loop, **more)


FACTORIES = [
    pytest.param(None, id="none"),
    pytest.param(_begun_by_the_loop, id="its-own"),
    pytest.param(
        getattr(asyncio, "eager_task_factory", None),
        marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="Python has none"),
        id="eager",
    ),
]


@pytest.mark.parametrize("factory", FACTORIES)
def test_replays_and_new_steps_are_the_same_whatever_makes_the_loops_tasks(
    tools: Tools, factory: Any
) -> None:
    async def program(tools: Tools) -> Any:
        first = await tools.step.run("a", tools.body("a"))
        return first, await tools.step.run("b", tools.body("b"))

    async def call(state: Any) -> Any:
        asyncio.get_running_loop().set_task_factory(factory)
        return shown(await drive(program, Request(state), tools))

    assert asyncio.run(call(data(a=1))) == ['StepRun b = "b"']
    assert asyncio.run(call(data(a=1, b=2))) == {"returned": (1, 2)}


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_task_that_a_function_creates_last_comes_to_its_step(tools: Tools, factory: Any) -> None:
    async def program(tools: Tools) -> Any:
        tools.sent.append(asyncio.create_task(tools.step.run("a", tools.body("a"))))

    async def call() -> Any:
        asyncio.get_running_loop().set_task_factory(factory)
        return shown(await drive(program, Request(), tools))

    assert asyncio.run(call()) == ['StepRun a = "a"']


def test_a_function_that_ends_at_once_had_a_task_of_its_own(tools: Tools) -> None:
    async def program(_: Tools) -> Any:
        return asyncio.current_task()

    async def call() -> Any:
        outcome: Any = await drive(program, Request(), tools)
        return outcome.value, asyncio.current_task()

    inside, outside = asyncio.run(call())
    assert isinstance(inside, asyncio.Task)
    assert inside is not outside


def test_tools_give_coroutines(tools: Tools) -> None:
    """`create_task` and `TaskGroup` take nothing else."""

    async def program(tools: Tools) -> Any:
        steps = [
            tools.step.run("a", tools.body("a")),
            tools.step.sleep("b", "1s"),
            tools.step.send_event("c", []),
        ]
        found = [asyncio.iscoroutine(one) for one in steps]
        for one in steps:
            one.close()
        return found

    assert shown(call_async(program, Request(), tools)) == {"returned": [True] * 3}
