"""What happens to user code once a call is answered (engine rules 9 and 11)."""

from __future__ import annotations

import asyncio
import logging
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.engine.drive import MOST_REFUSALS
from inngest_asgi.testing import ManualClock
from tests.engine.calls import (
    Program,
    Request,
    Tools,
    call_async,
    call_blocking,
    data,
    drive,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable

UNWIND = 5.0


async def tidying(tools: Tools) -> Any:
    """Note what unwinding looks like from inside."""
    try:
        return await tools.step.run("a", tools.body("a"))
    except asyncio.CancelledError:
        tools.sent.append("cancelled")
        raise
    finally:
        tools.sent.append("finally")


async def replying_otherwise(tools: Tools) -> Any:
    try:
        return await tools.step.run("a", tools.body("a"))
    except asyncio.CancelledError:
        return "another result"


async def raising_otherwise(tools: Tools) -> Any:
    try:
        return await tools.step.run("a", tools.body("a"))
    finally:
        raise ValueError("another error")


async def step_in_finally(tools: Tools) -> Any:
    try:
        return await tools.step.run("a", tools.body("a"))
    finally:
        tools.sent.append("finally")
        await tools.step.run("tidy", tools.body("tidy"))
        tools.sent.append("not reached")


async def several_tasks(tools: Tools) -> Any:
    async def branch(name: str) -> Any:
        try:
            await tools.step.run(name, tools.body(name))
        finally:
            tools.sent.append(name)

    await asyncio.gather(branch("a"), branch("b"))


@pytest.mark.parametrize(
    ("program", "report", "seen"),
    [
        (tidying, ['StepRun a = "a"'], ["cancelled", "finally"]),
        (replying_otherwise, ['StepRun a = "a"'], []),
        (raising_otherwise, ['StepRun a = "a"'], []),
        (step_in_finally, ['StepRun a = "a"'], ["finally"]),
        (several_tasks, ["StepPlanned a", "StepPlanned b"], ["a", "b"]),
    ],
)
def test_the_answer_is_fixed_before_user_code_unwinds(
    tools: Tools, program: Program, report: list[str], seen: list[str]
) -> None:
    assert shown(call_async(program, Request(), tools)) == report
    assert sorted(tools.sent) == sorted(seen)


def test_a_step_in_finally_runs_on_replay(tools: Tools) -> None:
    outcome = call_async(step_in_finally, Request(data(a=1)), tools)
    assert shown(outcome) == ['StepRun tidy = "tidy"']


def test_a_task_left_parked_is_unwound_too(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        tools.sent.append(asyncio.create_task(tools.step.run("aside", tools.body("aside"))))

    async def call() -> Any:
        outcome = await drive(program, Request(), tools)
        return shown(outcome), tools.sent[0].cancelled()

    assert asyncio.run(call()) == (['StepRun aside = "aside"'], True)


def test_a_task_that_never_used_a_step_is_left_alone(tools: Tools) -> None:
    release = asyncio.Event()

    async def program(tools: Tools) -> Any:
        tools.sent.append(asyncio.create_task(release.wait()))
        await tools.step.run("a", tools.body("a"))

    async def call() -> bool:
        await drive(program, Request(), tools)
        release.set()
        return bool(await tools.sent[0])

    assert asyncio.run(call())


def test_clean_up_may_take_some_time(tools: Tools) -> None:
    clock = ManualClock()

    async def program(tools: Tools) -> Any:
        try:
            await tools.step.run("a", tools.body("a"))
        finally:
            await clock.sleep(UNWIND - 1)
            tools.sent.append("done")

    async def call() -> Any:
        return shown(await clock.until(drive(program, Request(), tools, clock)))

    assert asyncio.run(call()) == ['StepRun a = "a"']
    assert tools.sent == ["done"]


# Code that swallows everything.


async def swallowing_for_ever(tools: Tools) -> Any:
    while True:
        try:
            await tools.step.run("a", tools.body("a"))
        except BaseException:  # noqa: BLE001 - that is the point
            tools.ran["swallowed"] += 1


@pytest.fixture
def noise() -> Callable[[asyncio.AbstractEventLoop], list[dict[str, Any]]]:
    """Listen to what a loop complains of."""

    def listen(loop: asyncio.AbstractEventLoop) -> list[dict[str, Any]]:
        complaints: list[dict[str, Any]] = []
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        return complaints

    return listen


def test_code_that_swallows_everything_is_dropped_after_five_seconds(
    tools: Tools, noise: Any, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()

    async def call() -> Any:
        complaints = noise(asyncio.get_running_loop())
        task = asyncio.create_task(drive(swallowing_for_ever, Request(), tools, clock))
        await clock.settle()
        assert not task.done()
        clock.advance(UNWIND)
        await clock.settle()
        return shown(task.result()), complaints

    with caplog.at_level(logging.ERROR, "inngest_asgi"):
        assert asyncio.run(call()) == (['StepRun a = "a"'], [])
    assert tools.ran == {"a": 1, "swallowed": 1 + MOST_REFUSALS}
    assert "seems to swallow asyncio.CancelledError" in caplog.text


def test_code_that_swallows_everything_does_not_keep_the_loop_from_closing(tools: Tools) -> None:
    """`asyncio.run` cancels and awaits all tasks it knows; a dropped one is not among them."""
    outcome = call_async(swallowing_for_ever, Request(), tools)
    assert shown(outcome) == ['StepRun a = "a"']


def test_steps_in_some_clean_up_blocks_are_refused_and_end_at_once(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        for name in "abc":
            try:
                await tools.step.run(name, tools.body(name))
            except asyncio.CancelledError:
                tools.sent.append(name)

    clock = ManualClock()

    async def call() -> Any:
        return shown(await clock.until(drive(program, Request(), tools, clock)))

    assert asyncio.run(call()) == ['StepRun a = "a"']
    assert tools.sent == ["a", "b", "c"]
    assert clock.next_due is None


def test_blocking_code_that_swallows_everything_announces_nothing_more(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        for name in "abc":
            try:
                await tools.step.run(name, tools.body(name))
            except BaseException:  # noqa: BLE001 - that is the point
                tools.sent.append(name)
        return "false"

    assert shown(call_blocking(program, Request(), tools)) == ['StepRun a = "a"']
    assert tools.ran == {"a": 1}
    assert tools.sent == ["a", "b", "c"]


# Cancellation that is not ours.


async def cancelling_itself(_: Tools) -> Any:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def cancelled_by_a_task(tools: Tools) -> Any:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_soon(task.cancel)
    await tools.step.run("a", tools.body("a"))


async def raising_cancelled(_: Tools) -> Any:
    raise asyncio.CancelledError


@pytest.mark.parametrize("program", [cancelling_itself, cancelled_by_a_task, raising_cancelled])
def test_a_function_that_is_cancelled_by_user_code_does_not_hang(
    tools: Tools, program: Program
) -> None:
    assert shown(call_async(program, Request(), tools)) == {"raised": "CancelledError"}


async def cancelled_while(tools: Tools, program: Program) -> list[str]:
    """Cancel a call from outside, as a host does that shuts down; return who is left."""
    call = asyncio.create_task(drive(program, Request(), tools))
    for _ in range(40):
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.sleep(0)
    return [str(one) for one in asyncio.all_tasks() - {asyncio.current_task()}]


async def body_at_work(tools: Tools) -> Any:
    async def body() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            tools.sent.append("body unwound")

    try:
        await tools.step.run("a", body)
    finally:
        tools.sent.append("function unwound")


async def function_at_work(tools: Tools) -> Any:
    async def aside() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            tools.sent.append("task unwound")

    try:
        await asyncio.gather(aside())
    finally:
        tools.sent.append("function unwound")


async def body_turning_cancellation_into_an_error(tools: Tools) -> Any:
    async def body() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            raise ValueError("interrupted") from None

    await tools.step.run("a", body)


@pytest.mark.parametrize(
    ("program", "seen"),
    [
        (body_at_work, ["body unwound", "function unwound"]),
        (function_at_work, ["task unwound", "function unwound"]),
        (body_turning_cancellation_into_an_error, []),
    ],
)
def test_a_host_that_cancels_a_call_leaves_no_task_behind(
    tools: Tools, program: Program, seen: list[str]
) -> None:
    assert asyncio.run(cancelled_while(tools, program)) == []
    assert tools.sent == seen


def test_a_host_that_cancels_twice_leaves_no_timer_behind(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        try:
            await tools.step.run("a", tools.body("a"))
        finally:
            await asyncio.get_running_loop().create_future()

    assert len(asyncio.run(cancelled_while(tools, program))) == 1


def test_unwinding_warns_of_nothing(tools: Tools) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert shown(call_async(several_tasks, Request(), tools))
