"""What a handler is, decided once at declaration: can it be called, and is it async or blocking."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from inngest_asgi.engine.ops import is_async as gives_coroutine
from inngest_asgi.errors import ConfigError


def checked_handler(handler: Any, field: str) -> bool:
    """Say whether a handler is async, after checking that it can be called with a context.

    Args:
        handler: a function, a method, a partial, or an object with `__call__`, decorated or not.
        field: what it is for, named in errors: "Function 'shop-pay': on_failure".

    Raises:
        ConfigError: it is no such thing, is a class or a generator, or does not take exactly
            one positional argument.
    """
    if not callable(handler) or inspect.isclass(handler):
        raise ConfigError(f"{field} is {handler!r}; pass a function, `async def` or `def`.")
    called = _called(handler)
    if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
        raise ConfigError(f"{field} is a generator; return a result instead of yielding.")
    _check_arguments(handler, field)
    return is_async(handler)


def is_async(handler: Any) -> bool:
    """Say whether calling a handler gives something to await.

    A blocking wrapper around an async function counts as async when it tells what it wraps
    (`functools.wraps`), since it hands on the coroutine.
    """
    return gives_coroutine(handler) or gives_coroutine(inspect.unwrap(_called(handler)))


def _called(handler: Any) -> Any:
    """Return the function that runs when a handler is called."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    return handler if inspect.isroutine(handler) else handler.__call__


def _check_arguments(handler: Any, field: str) -> None:
    try:
        # What counts is how the outermost wrapper is called; it may supply further arguments.
        signature = inspect.signature(handler, follow_wrapped=False)
    except ValueError:
        return  # compiled code does not tell; it is called as it is
    try:
        signature.bind(object())
    except TypeError:
        raise ConfigError(
            f"{field} is declared with the arguments {signature}, but is called with one, "
            "the context; write `def handler(ctx)`, and reach steps as `ctx.step`."
        ) from None
