"""Calls with hooks: where steps cannot go on as usual, and ends that are none."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.engine.drive_sync import DriveSync
from inngest_asgi.engine.run import Machine
from inngest_asgi.engine.tools_sync import StepSync
from inngest_asgi.errors import StepUsageError
from inngest_asgi.middleware.colours import InBlocking
from inngest_asgi.middleware.stack import Stack
from inngest_asgi.runtime.execute import Runtime
from inngest_asgi.runtime.hooked import HookedCall
from inngest_asgi.runtime.threads import Threads
from inngest_asgi.testing import ManualClock
from tests.engine.calls import Request
from tests.middleware.behaviour.hooks import COLOURS, body, ops, overriding, plain, served
from tests.middleware.tracing import traced
from tests.routes.asking import ORDERED, body_of, call, dev_client
from tests.runtime.running import document_of
from tests.runtime.test_threads import TellingClock

if TYPE_CHECKING:
    import inngest_asgi as inngest

colours = pytest.mark.parametrize("colour", COLOURS)


@colours
def test_a_nested_step_fails_its_outer_step_with_hooks_too(colour: str) -> None:
    async def nesting(ctx: Any) -> Any:
        def inner() -> Any:
            return ctx.step.run("inner", body)

        return await ctx.step.run("outer", inner)

    app = served(nesting, colour, middleware=[traced([])])
    (op,) = document_of(app.call())
    assert (op["op"], op["name"], op["error"]["name"]) == ("StepFailed", "outer", "NestedStepError")


@colours
def test_a_target_that_is_not_met_is_told_with_hooks_too(colour: str) -> None:
    reply = served(plain, colour, middleware=[traced([])]).call(target="gone")
    assert document_of(reply)["code"] == "step_unexpected"


@colours
def test_what_ends_programs_is_an_error_of_the_function(colour: str) -> None:
    async def leaving(ctx: Any) -> None:
        raise SystemExit(3)

    trace: list[str] = []
    hooks = traced(trace, hooks=["transform_output", "on_run_error"])
    reply = served(leaving, colour, middleware=[hooks]).call()
    assert (reply.status, document_of(reply)["name"]) == (500, "SystemExit")
    assert trace == ["on_run_error"]


@colours
def test_a_function_that_raises_a_cancellation_is_answered_with_hooks_too(colour: str) -> None:
    async def cancelling(ctx: Any) -> None:
        raise asyncio.CancelledError

    trace: list[str] = []
    hooks = traced(trace, hooks=["transform_output", "on_run_error"])
    reply = served(cancelling, colour, middleware=[hooks]).call()
    assert (reply.status, document_of(reply)["name"]) == (500, "CancelledError")
    assert trace == ["on_run_error"]


@pytest.mark.parametrize("hook", ["transform_input", "before_response", "wrap_request"])
def test_a_call_that_is_cancelled_in_a_hook_is_cancelled(hook: str) -> None:
    async def cancelled(*_: Any) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        served(plain, middleware=[overriding(**{hook: cancelled})]).call()


def test_steps_used_on_the_loop_that_hooks_would_wait_for_are_refused() -> None:
    client = dev_client(middleware=[traced([])])

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> str:
        return "unused"

    machine = Machine(Request().call(), blocking=True)

    async def on_the_loop() -> None:
        colour = InBlocking(asyncio.get_running_loop())
        stack = Stack.of(client.middleware, client, None)
        drive = DriveSync(machine, clock=ManualClock(), on_loop=nothing, on_outcome=nothing)
        hooked = HookedCall(stack, colour, client.functions[0], Request().call(), machine)
        StepSync(hooked.steps(drive), nothing).run("a", body)

    with pytest.raises(StepUsageError, match="on another thread"):
        asyncio.run(on_the_loop())


def _nothing(*_: Any) -> Any:
    """Stand for what is not used."""


nothing: Any = _nothing


class Clinging:
    """A blocking function that swallows what unwinds it, and its middleware.

    Attributes:
        trace: its hooks, each with the thread it ran in.
        left: what its next step raised, by name.
    """

    def __init__(self, *, hook_waits: bool = False) -> None:
        self.left: list[str] = []
        self.trace: list[tuple[str, str]] = []
        self.release = threading.Event()
        self.begun = threading.Event()
        self._hook_waits = hook_waits
        hooks = overriding(
            after_execution=self._after, transform_output=self._transform, before_response=self._end
        )
        self.client = dev_client(middleware=[hooks])
        self.client.create_function(fn_id="pay", trigger=ORDERED)(self._pay)

    def _pay(self, ctx: inngest.ContextSync) -> str:
        try:
            ctx.step.sleep("nap", "1h")
        except BaseException:
            if self._hook_waits:
                raise
            self.release.wait(10)
        return self._next(ctx)

    def _next(self, ctx: inngest.ContextSync) -> str:
        try:
            ctx.step.sleep("nap again", "1h")
        except BaseException as error:  # noqa: BLE001 - what a function does that clings
            self.left.append(type(error).__name__)
        return "too late"

    def _transform(self, result: inngest.TransformOutputResult) -> None:
        self._note("transform_output")

    def _after(self) -> None:
        self._note("after_execution")
        if self._hook_waits:
            self.begun.set()
            self.release.wait(10)

    async def _end(self) -> None:
        self._note("before_response")

    def _note(self, hook: str) -> None:
        self.trace.append((hook, threading.current_thread().name))


async def asked(function: Clinging, pool: ThreadPoolExecutor) -> Any:
    """Call it; give the task, the clock and the event of somebody sleeping on the clock."""
    clock = TellingClock()
    threads = Threads(pool, lambda: 1)
    client = function.client
    shared = Runtime(client, client.index, threads=threads, clock=clock)
    reply = asyncio.create_task(shared.execute(body_of(call()), "shop-pay", None))
    await clock.asleep.wait()
    return reply, clock


def test_hooks_run_on_the_loop_where_a_functions_thread_does_not_come_back() -> None:
    function = Clinging()

    async def scene() -> Any:
        with ThreadPoolExecutor(1, "pool") as pool:
            reply, clock = await asked(function, pool)
            clock.advance(5)
            try:
                return await reply
            finally:
                function.release.set()

    assert ops(asyncio.run(scene())) == ["Sleep nap"]
    names = ("after_execution", "transform_output", "before_response")
    assert function.trace == [(name, "MainThread") for name in names]


def test_a_thread_that_is_at_the_hooks_already_is_waited_for() -> None:
    function = Clinging(hook_waits=True)

    async def scene() -> Any:
        with ThreadPoolExecutor(1, "pool") as pool:
            reply, clock = await asked(function, pool)
            await asyncio.to_thread(function.begun.wait, 5)
            clock.advance(5)
            await clock.settle()
            function.release.set()
            return await reply

    assert ops(asyncio.run(scene())) == ["Sleep nap"]
    assert function.trace == [
        ("after_execution", "pool_0"),
        ("transform_output", "pool_0"),
        ("before_response", "MainThread"),
    ]


def test_a_step_after_the_answer_unwinds_where_the_hooks_have_left_the_thread() -> None:
    function = Clinging()

    async def scene() -> None:
        with ThreadPoolExecutor(1, "pool") as pool:
            reply, clock = await asked(function, pool)
            clock.advance(5)
            try:
                await reply
            finally:
                function.release.set()

    asyncio.run(scene())
    assert function.left == ["Answered"]


@colours
def test_a_step_that_ends_programs_is_not_shown_as_one_that_did_not_run(colour: str) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    async def leaving(ctx: Any) -> None:
        await ctx.step.run("a", leave)

    trace: list[str] = []
    app = served(leaving, colour, middleware=[traced(trace, hooks=["transform_output"])])
    (op,) = document_of(app.call())
    assert (op["op"], op["error"]["name"], trace) == ("StepError", "SystemExit", [])


@colours
def test_a_failure_of_nested_steps_is_not_shown_as_a_step_that_did_not_run(colour: str) -> None:
    async def nesting(ctx: Any) -> Any:
        return await ctx.step.run("outer", lambda: ctx.step.run("inner", body))

    trace: list[str] = []
    app = served(nesting, colour, middleware=[traced(trace, hooks=["transform_output"])])
    assert ops(app.call()) == ["StepFailed outer"]
    assert trace == []
