"""Onion hooks: what they may change, and whose error is theirs."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest

import inngest_asgi as inngest
from inngest_asgi.errors import ConfigError
from inngest_asgi.wire.replies import Reply
from tests.middleware.behaviour.hooks import (
    COLOURS,
    DONE,
    body,
    fail,
    one_step,
    ops,
    overriding,
    plain,
    served,
    sleeping,
)
from tests.middleware.tracing import traced
from tests.routes.asking import RUN_ID, Api, dev_client
from tests.runtime.running import document_of

colours = pytest.mark.parametrize("colour", COLOURS)


@colours
def test_wrap_function_may_change_the_result(colour: str) -> None:
    async def wrap(call: Any, call_next: Any) -> Any:
        assert call.function.id == "shop-pay"
        return [await call_next(call)]

    reply = served(plain, colour, middleware=[overriding(wrap_function=wrap)]).call()
    assert document_of(reply) == [{"plain": True}]


@colours
def test_wrap_step_may_change_what_the_function_gets(colour: str) -> None:
    async def wrap(call: Any, call_next: Any) -> Any:
        return [call.step.id, await call_next(call)]

    app = served(one_step, colour, middleware=[overriding(wrap_step=wrap)])
    assert document_of(app.call({"a": DONE})) == ["a", "done"]


@colours
def test_wrap_step_may_change_arguments_and_options_before_the_announcement(colour: str) -> None:
    async def wrap(call: Any, call_next: Any) -> Any:
        assert call.args == call.step.opts["input"] == [1]
        call.args = [2]
        call.step.opts["input"] = ["hidden"]
        call.step.opts["more"] = True
        return await call_next(call)

    app = served(one_step, colour, middleware=[overriding(wrap_step=wrap)])
    (op,) = document_of(app.call())
    assert (op["data"], op["opts"]) == (2, {"input": ["hidden"], "more": True})


@colours
def test_what_wrap_step_raises_is_the_steps_error_to_the_function(colour: str) -> None:
    async def catching(ctx: Any) -> Any:
        try:
            return await ctx.step.run("a", body)
        except ValueError as error:
            return f"caught {error}"

    app = served(catching, colour, middleware=[overriding(wrap_step=fail)])
    assert document_of(app.call()) == "caught no"


@colours
def test_wrap_step_handler_may_change_what_goes_in_and_what_is_recorded(colour: str) -> None:
    async def wrap(call: Any, call_next: Any) -> Any:
        call.args = [call.args[0] + 1]
        return [await call_next(call)]

    app = served(one_step, colour, middleware=[overriding(wrap_step_handler=wrap)])
    (op,) = document_of(app.call())
    assert (op["data"], op["opts"]) == ([2], {"input": [1]})


@colours
@pytest.mark.parametrize("hook", ["wrap_step_handler", "after_execution", "transform_output"])
def test_what_hooks_around_a_step_that_runs_raise_is_its_error(hook: str, colour: str) -> None:
    app = served(one_step, colour, middleware=[overriding(**{hook: fail})])
    (op,) = document_of(app.call())
    assert (op["op"], op["error"]["message"]) == ("StepError", "no")


@colours
def test_what_before_execution_raises_in_a_step_is_the_steps_error(colour: str) -> None:
    async def gathering(ctx: Any) -> Any:
        return await ctx.step.run("b", body)

    # The memo of a step that is gone keeps the replay from ending before the step.
    app = served(gathering, colour, middleware=[overriding(before_execution=fail)])
    (op,) = document_of(app.call({"gone": DONE}))
    assert (op["op"], op["error"]["message"]) == ("StepError", "no")


@colours
@pytest.mark.parametrize(
    "hook",
    [
        "transform_input",
        "before_execution",
        "after_execution",
        "transform_output",
        "before_response",
        "wrap_function",
        "wrap_request",
    ],
)
def test_what_other_hooks_raise_is_the_functions_error(hook: str, colour: str) -> None:
    reply = served(plain, colour, middleware=[overriding(**{hook: fail})]).call()
    assert (reply.status, document_of(reply)["message"]) == (500, "no")
    assert reply.headers == {"x-inngest-no-retry": "false"}


@colours
def test_wrap_request_may_change_the_reply(colour: str) -> None:
    async def wrap(call: Any, call_next: Any) -> Any:
        reply = await call_next(call)
        assert (call.run_id, call.attempt, call.raw_request) == (RUN_ID, 2, "the request")
        return Reply(reply.status, reply.body, reply.headers | {"x-more": "yes"})

    reply = served(plain, colour, middleware=[overriding(wrap_request=wrap)]).call(attempt=2)
    assert reply.headers["x-more"] == "yes"


def test_wrap_request_that_returns_no_reply_is_told_so() -> None:
    async def wrap(call: Any, call_next: Any) -> Any:
        await call_next(call)

    with pytest.raises(ConfigError, match="returned None; return what call_next gives, a Reply"):
        served(plain, middleware=[overriding(wrap_request=wrap)]).call()


def test_state_that_cannot_be_fetched_is_no_error_of_the_function() -> None:
    api = Api({f"/v0/runs/{RUN_ID}/actions": (404, {}), f"/v0/runs/{RUN_ID}/batch": (404, {})})
    client = dev_client(api, middleware=[traced([])])
    with pytest.raises(inngest.ApiError):
        served(plain, client=client).call(use_api=True)


def bare(hook: Any) -> Any:
    """A decorator that does not tell what it wraps."""
    return lambda *args: hook(*args)


async def passing(call: Any, call_next: Any) -> Any:
    return await call_next(call)


ONIONS = ["wrap_step_handler", "wrap_function", "wrap_step"]


@colours
@pytest.mark.parametrize("hook", ONIONS)
def test_a_decorated_async_hook_is_one(hook: str, colour: str) -> None:
    decorated = functools.wraps(passing)(bare(passing))
    app = served(one_step, colour, middleware=[overriding(**{hook: decorated})])
    assert ops(app.call()) == ["StepRun a"]


@colours
@pytest.mark.parametrize("hook", ONIONS)
def test_a_hook_that_is_async_in_secret_is_told_what_to_do(hook: str, colour: str) -> None:
    reply = served(one_step, colour, middleware=[overriding(**{hook: bare(passing)})]).call()
    assert b"returned a coroutine; make it `async def`" in reply.body


@colours
def test_what_before_response_raises_does_not_lose_the_result_of_a_step(
    colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    trace: list[str] = []
    tracing = traced(trace, hooks=["before_response"])
    hooks = [tracing, overriding(before_response=fail), tracing]
    assert ops(served(one_step, colour, middleware=hooks).call()) == ["StepRun a"]
    assert trace == ["before_response"] * 2
    assert caplog.messages == ["Middleware hook fail failed; the run goes on"]


@colours
def test_what_before_response_raises_fails_a_call_that_ran_nothing(colour: str) -> None:
    reply = served(sleeping, colour, middleware=[overriding(before_response=fail)]).call()
    assert (reply.status, document_of(reply)["message"]) == (500, "no")


def test_before_execution_does_not_hold_up_other_branches() -> None:
    gone_on = asyncio.Event()

    async def wait() -> None:
        async with asyncio.timeout(5):
            await gone_on.wait()

    async def branching(ctx: Any) -> Any:
        async def other() -> None:
            await ctx.step.run("a", body)
            await asyncio.sleep(0)
            gone_on.set()

        await asyncio.gather(other(), ctx.step.run("b", body))
        return "done"

    app = served(branching, middleware=[overriding(before_execution=wait)])
    assert document_of(app.call({"a": DONE, "b": DONE})) == "done"


@colours
def test_a_handler_gets_its_keywords_through_the_hooks(colour: str) -> None:
    async def wrap(call: Any, call_next: Any) -> Any:
        call.kwargs["more"] = call.kwargs["less"] + 1
        return await call_next(call)

    async def keywords(ctx: Any) -> Any:
        return await ctx.step.run("a", lambda **given: given, less=1)

    app = served(keywords, colour, middleware=[overriding(wrap_step=wrap)])
    (op,) = document_of(app.call())
    assert op["data"] == {"less": 1, "more": 2}


@colours
def test_a_step_shows_no_input_with_hooks_that_it_does_not_show_without(colour: str) -> None:
    async def telling(ctx: Any) -> Any:
        if colour == "async":
            return await inngest.step.realtime.publish("a", "t", 1, channel="c")
        return inngest.step_sync.realtime.publish("a", "t", 1, channel="c")

    app = served(telling, colour, middleware=[overriding(wrap_step=passing)])
    (op,) = document_of(app.call(disable_immediate_execution=True))
    assert op["opts"] == {"type": "step.realtime.publish"}
