"""Handlers: async or blocking, decided once; and the ones that could never be called."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions.handlers import checked_handler, is_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


async def asynchronous(ctx: object) -> object:
    return ctx


def blocking(ctx: object) -> object:
    return ctx


async def asynchronous_with_more(prefix: str, ctx: object, suffix: str = "") -> object:
    return ctx


def passing_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def awaiting(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def supplying(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(ctx: Any) -> Any:
        return function("prefix", ctx)

    return wrapper


class AsyncCallable:
    async def __call__(self, ctx: object) -> object:
        return ctx

    async def method(self, ctx: object) -> object:
        return ctx

    @passing_on
    async def decorated(self, ctx: object) -> object:
        return ctx


class BlockingCallable:
    def __call__(self, ctx: object) -> object:
        return ctx

    def method(self, ctx: object) -> object:
        return ctx


class Blocked:
    """A blocking stand-in for an async function, which it names as what it wraps."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)

    def __call__(self, ctx: object) -> object:
        return ctx


@pytest.mark.parametrize(
    ("handler", "colour"),
    [
        pytest.param(asynchronous, True, id="async-function"),
        pytest.param(blocking, False, id="function"),
        pytest.param(lambda ctx: ctx, False, id="lambda"),
        pytest.param(AsyncCallable(), True, id="async-object"),
        pytest.param(BlockingCallable(), False, id="object"),
        pytest.param(AsyncCallable().method, True, id="async-method"),
        pytest.param(BlockingCallable().method, False, id="method"),
        pytest.param(functools.partial(asynchronous_with_more, "prefix"), True, id="async-partial"),
        pytest.param(functools.partial(AsyncCallable()), True, id="partial-of-async-object"),
        pytest.param(functools.partial(passing_on(asynchronous)), True, id="partial-of-decorated"),
        pytest.param(functools.partial(blocking), False, id="partial"),
        pytest.param(passing_on(asynchronous), True, id="decorated-async"),
        pytest.param(passing_on(passing_on(asynchronous)), True, id="twice-decorated-async"),
        pytest.param(passing_on(functools.partial(asynchronous)), True, id="decorated-partial"),
        pytest.param(AsyncCallable().decorated, True, id="decorated-async-method"),
        pytest.param(passing_on(blocking), False, id="decorated"),
        pytest.param(awaiting(blocking), True, id="async-decorator"),
        pytest.param(supplying(asynchronous_with_more), True, id="decorator-that-supplies"),
        pytest.param(Blocked(asynchronous), False, id="blocking-object-around-async"),
        pytest.param(iter([1]).__next__, False, id="compiled"),
    ],
)
def test_the_colour_of_a_handler(handler: Callable[..., Any], colour: object) -> None:
    assert is_async(handler) is colour


def generator(ctx: object) -> Iterator[object]:
    yield ctx


async def async_generator(ctx: object) -> AsyncIterator[object]:
    yield ctx


class GeneratorCallable:
    def __call__(self, ctx: object) -> Iterator[object]:
        yield ctx


GENERATOR = "the handler is a generator; return a result instead of yielding."


@pytest.mark.parametrize(
    ("handler", "sentence"),
    [
        pytest.param(generator, GENERATOR, id="generator"),
        pytest.param(async_generator, GENERATOR, id="async-generator"),
        pytest.param(functools.partial(generator), GENERATOR, id="partial-of-generator"),
        pytest.param(GeneratorCallable(), GENERATOR, id="generator-object"),
        pytest.param(
            "pay", "the handler is 'pay'; pass a function, `async def` or `def`.", id="text"
        ),
        pytest.param(
            int,
            "the handler is <class 'int'>; pass a function, `async def` or `def`.",
            id="class",
        ),
        pytest.param(
            lambda: None,
            "the handler is declared with the arguments (), but is called with one, the context; "
            "write `def handler(ctx)`, and reach steps as `ctx.step`.",
            id="no-argument",
        ),
        pytest.param(
            lambda ctx, step: None,
            "the handler is declared with the arguments (ctx, step), but is called with one, the "
            "context; write `def handler(ctx)`, and reach steps as `ctx.step`.",
            id="two-arguments",
        ),
        pytest.param(
            lambda *, ctx: None,
            "the handler is declared with the arguments (*, ctx), but is called with one, the "
            "context; write `def handler(ctx)`, and reach steps as `ctx.step`.",
            id="keyword-argument",
        ),
    ],
)
def test_a_handler_that_cannot_work_is_refused(handler: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        checked_handler(handler, "Function 'shop-pay': the handler")
    assert str(raised.value) == f"Function 'shop-pay': {sentence}"


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(lambda ctx, more=1, *rest, **named: None, id="more-that-need-not-be-given"),
        pytest.param(supplying(asynchronous_with_more), id="decorator-that-supplies-arguments"),
        pytest.param(functools.partial(asynchronous_with_more, "prefix"), id="partial"),
        pytest.param(contextlib.contextmanager(generator), id="decorator-that-runs-a-generator"),
        pytest.param(max, id="compiled-code-that-hides-its-arguments"),
    ],
)
def test_a_handler_that_can_be_called_with_a_context_is_taken(handler: Any) -> None:
    assert checked_handler(handler, "the handler") is is_async(handler)
