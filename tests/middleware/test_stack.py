"""Which hooks are overridden, and in which order they run."""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import Any

import pytest

from inngest_asgi.errors import ConfigError
from inngest_asgi.middleware.base import Middleware, MiddlewareSync
from inngest_asgi.middleware.colours import InAsync
from inngest_asgi.middleware.stack import HOOKS, Stack, overridden
from tests.middleware.tracing import KINDS, traced

SEVEN = (
    "transform_input",
    "before_execution",
    "after_execution",
    "transform_output",
    "before_response",
    "before_send_events",
    "after_send_events",
)
BEFORE = (
    "transform_input",
    "before_execution",
    "before_response",
    "before_send_events",
    "on_memoization_end",
    "on_run_start",
    "on_step_start",
)
AFTER = (
    "after_execution",
    "after_send_events",
    "on_run_complete",
    "on_run_error",
    "on_step_complete",
    "on_step_error",
    "transform_output",
)


class Some(Middleware):
    async def before_execution(self) -> None:
        """Override one hook."""

    def after_execution(self) -> None:
        """Override another one."""

    def note(self) -> None:
        """Be no hook."""


class Derived(Some):
    def before_response(self) -> None:
        """Override a third one."""


def stack_of(*kinds: type[Middleware]) -> Stack:
    members = [kind("client", None) for kind in kinds]
    return Stack(members, logging.getLogger("inngest_asgi"))


def test_the_hooks_are_these() -> None:
    wraps = ("request", "function", "step", "step_handler", "send_events")
    onion = {f"wrap_{name}" for name in wraps}
    assert set(HOOKS) == {*BEFORE, *AFTER, *onion}
    assert set(SEVEN) <= set(HOOKS)


@pytest.mark.parametrize("kind", [Middleware, MiddlewareSync])
def test_the_classes_to_derive_from_override_nothing(kind: Any) -> None:
    assert overridden(kind) == ()


@pytest.mark.parametrize(
    ("kind", "hooks"),
    [
        (Some, {"before_execution": True, "after_execution": False}),
        (Derived, {"before_execution": True, "after_execution": False, "before_response": False}),
    ],
    ids=["own", "inherited"],
)
def test_what_is_overridden_is_known_with_its_kind(kind: Any, hooks: dict[str, bool]) -> None:
    assert dict(overridden(kind)) == hooks


def test_only_overridden_hooks_are_used() -> None:
    stack = stack_of(Middleware, Some)
    assert stack.uses("before_execution")
    assert not stack.uses("transform_input")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hook", BEFORE)
def test_before_hooks_run_in_the_order_of_registration(hook: str, kind: str) -> None:
    assert ran(hook, kind) == [f"1 {hook}", f"2 {hook}"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hook", AFTER)
def test_after_hooks_run_in_reverse(hook: str, kind: str) -> None:
    assert ran(hook, kind) == [f"2 {hook}", f"1 {hook}"]


def ran(hook: str, kind: str) -> list[str]:
    trace: list[str] = []
    stack = stack_of(traced(trace, "1 ", kind=kind), traced(trace, "2 ", kind=kind))
    args = [object()] * (3 if hook == "transform_input" else 1)
    run = stack.tell if hook.startswith("on_") else stack.run
    asyncio.run(run(hook, InAsync(), *args))
    return trace


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_the_first_onion_hook_is_the_outermost(first: str, second: str) -> None:
    trace: list[str] = []
    stack = stack_of(traced(trace, "1 ", kind=first), traced(trace, "2 ", kind=second))

    async def inner(call: Any) -> Any:
        trace.append("inner")
        return call * 2

    assert asyncio.run(stack.around("wrap_step", InAsync(), inner)(21)) == 42
    names = ["1 wrap_step (", "2 wrap_step (", "inner", "2 wrap_step )", "1 wrap_step )"]
    assert trace == names


def test_without_onion_hooks_nothing_is_put_around() -> None:
    async def inner(call: Any) -> None: ...

    assert stack_of(Some).around("wrap_step", InAsync(), inner) is inner


@pytest.mark.parametrize("hook", [name for name in HOOKS if name.startswith("wrap_")])
def test_the_onion_hooks_of_the_class_itself_let_everything_through(hook: str) -> None:
    assert getattr(Middleware("client", None), hook)(21, lambda call: call * 2) == 42


def logged(hook: Any) -> Any:
    """A decorator as many are: a plain function around whatever it is given."""

    @functools.wraps(hook)
    def wrapper(*args: Any) -> Any:
        return hook(*args)

    return wrapper


class Decorated(Middleware):
    @logged
    async def wrap_step(self, call: Any, call_next: Any) -> Any:
        return await call_next(call)

    @logged
    def wrap_function(self, call: Any, call_next: Any) -> Any:
        return call_next(call)


def test_an_async_hook_stays_one_under_a_plain_decorator() -> None:
    assert dict(overridden(Decorated)) == {"wrap_step": True, "wrap_function": False}


def test_a_hook_that_is_no_function_is_refused_with_a_sentence() -> None:
    class Without(Middleware):
        before_execution = None  # type: ignore[assignment]

    with pytest.raises(ConfigError, match=r"Without\.before_execution is None; make it a method"):
        overridden(Without)
