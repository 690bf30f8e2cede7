"""Hooks and step handlers of either kind, called from async and from blocking code."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.middleware.colours import Colour, Hook, InAsync, InBlocking
from inngest_asgi.middleware.crossing import complete

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

EXECUTOR = ThreadPoolExecutor(1, thread_name_prefix="pool")


def thread() -> str:
    return threading.current_thread().name


async def async_hook(value: int) -> tuple[int, str]:
    await asyncio.sleep(0)
    return value, thread()


def blocking_hook(value: int) -> tuple[int, str]:
    return value, thread()


def hook_that_gives_a_coroutine(value: int) -> Coroutine[Any, Any, tuple[int, str]]:
    return async_hook(value)


def in_async(work: Callable[[Colour], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(work(InAsync(EXECUTOR)))


def in_blocking(work: Callable[[Colour], Coroutine[Any, Any, Any]]) -> Any:
    """Run it on a thread named "blocking", beside a loop on the main thread."""

    async def main() -> Any:
        colour = InBlocking(asyncio.get_running_loop())
        with ThreadPoolExecutor(1, thread_name_prefix="blocking") as pool:
            return await asyncio.wrap_future(pool.submit(lambda: complete(work(colour))))

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("run", "hook", "where"),
    [
        (in_async, async_hook, "MainThread"),
        (in_async, blocking_hook, "MainThread"),
        (in_async, hook_that_gives_a_coroutine, "MainThread"),
        (in_blocking, async_hook, "MainThread"),
        (in_blocking, blocking_hook, "blocking_0"),
        (in_blocking, hook_that_gives_a_coroutine, "MainThread"),
    ],
)
def test_hooks_run_where_their_kind_belongs(run: Any, hook: Any, where: str) -> None:
    assert run(lambda colour: colour.hook(Hook(hook, is_async=False), 7)) == (7, where)


@pytest.mark.parametrize(
    ("run", "handler", "where"),
    [
        (in_async, async_hook, "MainThread"),
        (in_async, blocking_hook, "pool_0"),
        (in_async, hook_that_gives_a_coroutine, "MainThread"),
        (in_blocking, async_hook, "MainThread"),
        (in_blocking, blocking_hook, "blocking_0"),
        (in_blocking, hook_that_gives_a_coroutine, "MainThread"),
    ],
)
def test_handlers_of_steps_run_where_they_would_without_hooks(
    run: Any, handler: Any, where: str
) -> None:
    assert run(lambda colour: colour.body(handler, [7], {})) == (7, where)
    assert run(lambda colour: colour.body(handler, [], {"value": 7})) == (7, where)


@pytest.mark.parametrize("run", [in_async, in_blocking])
def test_what_a_handler_raises_comes_through(run: Any) -> None:
    def fail() -> None:
        raise StopIteration("odd")

    with pytest.raises((StopIteration, RuntimeError)):
        run(lambda colour: colour.body(fail, [], {}))


def test_code_of_the_colour_itself_is_called_as_such() -> None:
    assert in_async(lambda colour: colour.own(async_hook, 7)) == (7, "MainThread")
    assert in_blocking(lambda colour: colour.own(blocking_hook, 7)) == (7, "blocking_0")


async def body(args: Any, kwargs: Any) -> Any:
    return args, kwargs


def test_async_code_becomes_a_handler_of_the_colour() -> None:
    async def awaited(colour: Colour) -> Any:
        return await colour.as_body(body)(1, b=2)

    async def called(colour: Colour) -> Any:
        return colour.as_body(body)(1, b=2)

    assert in_async(awaited) == in_blocking(called) == ((1,), {"b": 2})


def test_async_code_is_handed_on_to_callers_of_the_colour() -> None:
    async def awaited(colour: Colour) -> Any:
        return await colour.begin(body(1, 2))

    async def called(colour: Colour) -> Any:
        return colour.begin(body(1, 2))

    assert in_async(awaited) == in_blocking(called) == (1, 2)


async def wrap(call: Any, call_next: Any) -> Any:
    return [thread(), *await call_next(call)]


def wrap_blocking(call: Any, call_next: Any) -> Any:
    return [thread(), *call_next(call)]


@pytest.mark.parametrize(
    ("run", "outer", "inner", "where"),
    [
        (in_async, wrap, wrap, ["MainThread", "MainThread", "MainThread"]),
        (in_async, wrap_blocking, wrap, ["inngest-middleware", "MainThread", "MainThread"]),
        (in_async, wrap, wrap_blocking, ["MainThread", "inngest-middleware", "MainThread"]),
        (in_blocking, wrap, wrap, ["MainThread", "MainThread", "blocking_0"]),
        (in_blocking, wrap_blocking, wrap, ["blocking_0", "MainThread", "blocking_0"]),
        (in_blocking, wrap, wrap_blocking, ["MainThread", "blocking_0", "blocking_0"]),
    ],
)
def test_onions_of_any_kind_around_code_of_any_colour(
    run: Any, outer: Any, inner: Any, where: list[str]
) -> None:
    async def core(call: Any) -> Any:
        return [thread()]

    def onion(colour: Colour) -> Any:
        layer = colour.layer(Hook(inner, is_async=inner is wrap), core)
        return colour.layer(Hook(outer, is_async=outer is wrap), layer)(1)

    async def entered(colour: Colour) -> Any:
        return await onion(colour)

    assert run(entered) == where
