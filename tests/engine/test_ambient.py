"""Ambient tools: those of the running call, wherever code is; a sentence where there is none."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any, cast

import pytest

import inngest_asgi as inngest
from inngest_asgi.engine.ambient import within
from inngest_asgi.engine.context import Context, ContextSync
from inngest_asgi.errors import StepUsageError
from inngest_asgi.wire.calls import Call, parse_call

CALL: Call = parse_call({"event": {"name": "a/b"}, "ctx": {"run_id": "r"}}, "shop-f", None)


class Tools:
    """Stands for steps and groups: tells what was asked for."""

    def run(self, step_id: str) -> str:
        return f"ran {step_id}"


def called(context: Any, handler: Any) -> Any:
    """Call a handler as the runtime does, leaving no trace in the test's own context."""
    return contextvars.copy_context().run(within, context, handler)


def context(kind: Any) -> Any:
    return kind(CALL, app_id="shop", logger=cast("Any", None), step=Tools(), group=Tools())


def test_steps_of_the_running_async_function() -> None:
    assert called(context(Context), lambda _: cast("Any", inngest.step).run("a")) == "ran a"


def test_steps_of_the_running_blocking_function() -> None:
    assert (
        called(context(ContextSync), lambda _: cast("Any", inngest.step_sync).run("a")) == "ran a"
    )


@pytest.mark.parametrize("kind", [Context, ContextSync])
def test_groups_of_either_colour(kind: Any) -> None:
    assert called(context(kind), lambda _: cast("Any", inngest.group).run("a")) == "ran a"


def test_they_reach_tasks_that_the_function_starts() -> None:
    async def deep() -> str:
        return str(await asyncio.create_task(deeper()))

    async def deeper() -> Any:
        return cast("Any", inngest.step).run("a")

    async def function() -> str:
        return str(await within(context(Context), lambda _: deep()))

    assert asyncio.run(function()) == "ran a"


@pytest.mark.parametrize(
    ("kind", "tools", "advice"),
    [
        pytest.param(
            ContextSync, inngest.step, "use inngest.step_sync.run", id="async-in-blocking"
        ),
        pytest.param(Context, inngest.step_sync, "use inngest.step.run", id="blocking-in-async"),
    ],
)
def test_the_wrong_colour_says_which_to_use(kind: Any, tools: Any, advice: str) -> None:
    with pytest.raises(StepUsageError, match=advice):
        called(context(kind), lambda _: tools.run("a"))


@pytest.mark.parametrize("tools", [inngest.step, inngest.step_sync, inngest.group])
def test_outside_of_a_call_it_says_so(tools: Any) -> None:
    async def apart() -> None:
        with pytest.raises(StepUsageError, match=r"run is used outside of a function's call"):
            tools.run("a")

    contextvars.Context().run(asyncio.run, apart())


def test_they_show_what_they_are() -> None:
    assert repr(inngest.step) == "<inngest.step>"


def test_looking_for_special_attributes_does_not_need_a_call() -> None:
    assert not hasattr(inngest.step, "__wrapped__")
