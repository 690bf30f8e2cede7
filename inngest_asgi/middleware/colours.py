"""How hooks are called in async and in blocking code, so that what calls them is written once.

What calls hooks is async code. In the blocking colour it never suspends, because every wait
happens inside: `crossing.complete` runs it on the function's thread.
"""

from __future__ import annotations

import asyncio
import inspect
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from inngest_asgi.engine.drive_body import contained
from inngest_asgi.engine.ops import is_async
from inngest_asgi.errors import ConfigError
from inngest_asgi.middleware.crossing import (
    around_async,
    around_blocking,
    complete,
    start,
    unpacked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from concurrent.futures import Executor

    Layer = Callable[[Any], Coroutine[Any, Any, Any]]
    Body = Callable[[Sequence[Any], dict[str, Any]], Coroutine[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook of one instance; `is_async` says whether it is an `async def`, decorated or not."""

    method: Callable[..., Any]
    is_async: bool


class Colour(Protocol):
    """How things are called; see `InAsync` and `InBlocking`."""

    async def hook(self, hook: Hook, *args: Any) -> Any:
        """Call a hook of either kind and return what it gives."""
        ...

    async def own(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call what is of this very colour, such as the function itself."""
        ...

    async def body(self, body: Callable[..., Any], args: Sequence[Any], kwargs: Any) -> Any:
        """Call the handler of a step, of either kind."""
        ...

    def is_usable(self) -> bool:
        """Whether hooks can be called from here: not from the loop that they would wait for."""
        ...

    def begin(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Hand async code to a caller of this colour: as it is, to be awaited, or its result."""
        ...

    def as_body(self, body: Body) -> Callable[..., Any]:
        """Turn async code into what the shell takes for a handler."""
        ...

    def layer(self, hook: Hook, inner: Layer) -> Layer:
        """Put an onion hook around something."""
        ...


class InAsync:
    """Hooks of an async function: on its loop, but blocking onion hooks on threads of their own.

    Args:
        executor: where blocking handlers of steps run.
    """

    def __init__(self, executor: Executor | None = None) -> None:
        self._executor = executor

    async def hook(self, hook: Hook, *args: Any) -> Any:
        result = hook.method(*args)
        return await result if inspect.isawaitable(result) else result

    async def own(self, function: Callable[..., Any], *args: Any) -> Any:
        return await function(*args)

    async def body(self, body: Callable[..., Any], args: Sequence[Any], kwargs: Any) -> Any:
        call = partial(body, *args, **kwargs)
        if is_async(body):
            return await call()
        loop = asyncio.get_running_loop()
        run = partial(copy_context().run, contained, call)
        value = unpacked(await loop.run_in_executor(self._executor, run))
        return await value if inspect.isawaitable(value) else value

    def is_usable(self) -> bool:
        return True

    def begin(self, work: Coroutine[Any, Any, Any]) -> Any:
        return work

    def as_body(self, body: Body) -> Callable[..., Any]:
        async def run(*args: Any, **kwargs: Any) -> Any:
            return await body(args, kwargs)

        return run

    def layer(self, hook: Hook, inner: Layer) -> Layer:
        if hook.is_async:
            return lambda call: hook.method(call, inner)

        async def layer(call: Any) -> Any:
            return _result_of(hook, await around_async(hook.method, inner, call))

        return layer


class InBlocking:
    """Hooks of blocking code: on its thread, but async ones on a loop that runs meanwhile.

    Args:
        loop: runs in another thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def hook(self, hook: Hook, *args: Any) -> Any:
        return self._awaited(hook.method(*args))

    async def own(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    async def body(self, body: Callable[..., Any], args: Sequence[Any], kwargs: Any) -> Any:
        return self._awaited(body(*args, **kwargs))

    def is_usable(self) -> bool:
        try:
            return asyncio.get_running_loop() is not self._loop
        except RuntimeError:
            return True

    def begin(self, work: Coroutine[Any, Any, Any]) -> Any:
        return complete(work)

    def as_body(self, body: Body) -> Callable[..., Any]:
        return lambda *args, **kwargs: complete(body(args, kwargs))

    def layer(self, hook: Hook, inner: Layer) -> Layer:
        def blocking(call: Any) -> Any:
            return complete(inner(call))

        async def layer(call: Any) -> Any:
            if hook.is_async:
                return around_blocking(self._loop, hook.method, blocking, call)
            return _result_of(hook, hook.method(call, blocking))

        return layer

    def _awaited(self, result: Any) -> Any:
        if not inspect.isawaitable(result):
            return result
        return unpacked(start(self._loop, result, copy_context()).result())


def _result_of(hook: Hook, result: Any) -> Any:
    """Return what a `def` onion hook returned.

    Raises:
        ConfigError: it is a coroutine, for which `call_next` was made wrongly: it would block.
    """
    if not inspect.iscoroutine(result):
        return result
    result.close()
    raise ConfigError(
        f"Middleware hook {getattr(hook.method, '__qualname__', hook.method)} is a `def` that "
        "returned a coroutine; make it `async def`, or let its decorator use functools.wraps."
    )
