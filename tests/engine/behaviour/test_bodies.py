"""Where step bodies run, and what they see and leave behind (engine rules 8, 12, 13)."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.engine.outcomes import Raised
from tests.engine.calls import (
    EXECUTOR,
    Request,
    Shell,
    Tools,
    call_async,
    call_blocking,
    data,
    drive,
    new_tools,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable

USER: ContextVar[str] = ContextVar("user", default="nobody")


async def seeing(tools: Tools, *, blocking: bool) -> Any:
    """Run a body that reads and sets a context variable."""

    def read() -> str:
        seen = USER.get()
        USER.set("the body")
        return seen

    async def read_async() -> str:
        await asyncio.sleep(0)
        return read()

    USER.set("the function")
    try:
        return await tools.step.run("a", read if blocking else read_async)
    finally:
        tools.sent.append(USER.get())


@pytest.mark.parametrize("blocking", [True, False], ids=["blocking-body", "async-body"])
def test_a_body_sees_the_context_of_its_step_and_leaves_nothing_in_it(
    shell: Shell, tools: Tools, *, blocking: bool
) -> None:
    outcome = shell(lambda tools: seeing(tools, blocking=blocking), Request(), tools)
    assert shown(outcome) == ['StepRun a = "the function"']
    assert tools.sent == ["the function"]


def test_the_context_is_that_of_the_announcement(tools: Tools) -> None:
    async def named(name: str) -> Any:
        USER.set(name)

        async def read() -> str:
            return USER.get()

        return await tools.step.run(name, read)

    async def program(_: Tools) -> Any:
        return await asyncio.gather(named("a"), named("b"))

    outcome = call_async(program, Request(target="b"), tools)
    assert shown(outcome) == ['StepRun b = "b"']


def test_a_function_sees_the_context_of_its_host(shell: Shell, tools: Tools) -> None:
    async def program(_: Tools) -> Any:
        return USER.get()

    token = USER.set("the host")
    try:
        assert shown(shell(program, Request(), tools)) == {"returned": "the host"}
    finally:
        USER.reset(token)


async def threads(tools: Tools) -> Any:
    async def async_body() -> str:
        return threading.current_thread().name

    return [
        await tools.step.run("blocking", lambda: threading.current_thread().name),
        await tools.step.run("async", async_body),
    ]


def test_blocking_bodies_of_async_functions_run_in_the_executor(tools: Tools) -> None:
    outcome = call_async(threads, Request(), tools)
    assert "engine-tests" in shown(outcome)[0]


def test_async_bodies_of_async_functions_run_on_the_loop(tools: Tools) -> None:
    outcome = call_async(threads, Request(data(blocking=1)), tools)
    assert "MainThread" in shown(outcome)[0]


def test_blocking_bodies_of_blocking_functions_run_on_the_functions_thread() -> None:
    async def program(tools: Tools) -> Any:
        here = threading.get_ident()
        return await tools.step.run("a", lambda: threading.get_ident() == here)

    outcome = EXECUTOR.submit(call_blocking, program, Request(), new_tools()).result()
    assert shown(outcome) == ["StepRun a = true"]


def test_an_awaitable_that_is_no_coroutine_is_awaited(tools: Tools) -> None:
    class Later:
        def __await__(self) -> Any:
            yield from asyncio.sleep(0).__await__()
            return "later"

    async def program(tools: Tools) -> Any:
        return await tools.step.run("a", Later)

    assert shown(call_async(program, Request(), tools)) == ['StepRun a = "later"']


def wrong_arguments(handler: Callable[..., Any]) -> Any:
    async def program(tools: Tools) -> Any:
        return await tools.step.run("a", handler, 1)

    return program


async def without_arguments() -> None: ...


@pytest.mark.parametrize("handler", [without_arguments, lambda: None], ids=["async", "blocking"])
def test_a_body_called_with_wrong_arguments_fails_its_step(
    shell: Shell, tools: Tools, handler: Callable[..., Any]
) -> None:
    outcome = shell(wrong_arguments(handler), Request(), tools)
    assert shown(outcome) == ["StepError a ! TypeError"]


async def cancelling_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def raising_cancelled() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("body", [cancelling_itself, raising_cancelled])
def test_a_body_that_is_cancelled_by_user_code_fails_its_step(
    shell: Shell, tools: Tools, body: Callable[..., Any]
) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.step.run("a", body)

    assert shown(shell(program, Request(), tools)) == ["StepError a ! CancelledError"]


class Refusing(dict[str, Any]):
    """Data whose serialiser fails in a way of its own."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        def refuse(_: Any) -> Any:
            raise LookupError("refused")

        return core_schema.no_info_after_validator_function(refuse, handler(dict[str, Any]))


def test_a_result_whose_own_validator_fails_oddly_fails_its_step(
    shell: Shell, tools: Tools
) -> None:
    def body() -> Refusing:
        return Refusing()

    async def program(tools: Tools) -> Any:
        return await tools.step.run("a", body)

    assert shown(shell(program, Request(), tools)) == ["StepError a ! LookupError"]


# Nested steps, seen from wherever a body may be.


async def nested_from_a_task(tools: Tools) -> Any:
    async def body() -> Any:
        return await asyncio.gather(
            tools.step.run("inner", tools.body("inner")), return_exceptions=True
        )

    return await tools.step.run("outer", body)


async def nested_from_a_thread(tools: Tools) -> Any:
    def body() -> Any:
        return asyncio.run(tools.step.run("inner", tools.body("inner")))

    return await tools.step.run("outer", body)


@pytest.mark.parametrize("program", [nested_from_a_task, nested_from_a_thread])
def test_a_step_in_a_body_is_nested_wherever_it_is_used(
    shell: Shell, tools: Tools, program: Any
) -> None:
    assert shown(shell(program, Request(), tools)) == ["StepFailed outer ! NestedStepError"]
    assert not tools.ran


def test_steps_of_other_tasks_are_not_nested_while_a_body_runs(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        started = asyncio.Event()

        async def body() -> str:
            started.set()
            for _ in range(50):
                await asyncio.sleep(0)
            return "ended"

        async def beside() -> Any:
            await started.wait()
            return await tools.step.run("beside", tools.body("beside"))

        return await asyncio.gather(tools.step.run("a", body), beside())

    assert shown(call_async(program, Request(), tools)) == ['StepRun a = "ended"']


def test_a_call_served_inside_a_body_is_a_call_of_its_own(shell: Shell, tools: Tools) -> None:
    """Tests, and apps that call themselves in process, serve calls from within a step."""
    inner = new_tools()

    async def served(tools: Tools) -> Any:
        return await tools.step.run("inner", tools.body("inner"))

    def body() -> Any:
        return shown(shell(served, Request(), inner))

    async def program(tools: Tools) -> Any:
        return await tools.step.run("outer", body)

    outcome = shell(program, Request(), tools)
    assert shown(outcome) == ['StepRun outer = ["StepRun inner = \\"inner\\""]']


# Steps used where they cannot work.


def test_a_step_on_another_loop_says_what_to_do(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        step = tools.step.run("a", tools.body("a"))
        return await asyncio.to_thread(asyncio.run, step)

    outcome = call_async(program, Request(), tools)
    assert isinstance(outcome, Raised)
    assert "Step 'a' is used on another event loop" in str(outcome.error)


def test_a_blocking_step_on_another_thread_says_what_to_do(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        step = tools.step.sleep("nap", "1s")
        return EXECUTOR.submit(asyncio.run, step).result()

    outcome = call_blocking(program, Request(), tools)
    assert isinstance(outcome, Raised)
    assert "Step 'nap' is used on another thread" in str(outcome.error)


def test_a_step_after_the_call_is_over_ends_its_task_quietly(tools: Tools) -> None:
    async def program(_: Tools) -> Any:
        return "returned"

    async def call() -> bool:
        await drive(program, Request(), tools)
        late = asyncio.create_task(tools.step.run("late", tools.body("late")))
        await asyncio.wait([late])
        return late.cancelled()

    assert asyncio.run(call())
