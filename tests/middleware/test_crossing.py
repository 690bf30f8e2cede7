"""From a thread to the loop and back: values, errors, context, cancellation, who runs where."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.engine.drive_body import contained
from inngest_asgi.middleware.crossing import (
    around_async,
    around_blocking,
    complete,
    start,
    unpacked,
)

if TYPE_CHECKING:
    from collections.abc import Callable

USER: ContextVar[str] = ContextVar("USER", default="nobody")


def here() -> int:
    return threading.get_ident()


def on_a_thread(work: Callable[[asyncio.AbstractEventLoop], Any]) -> Any:
    """Run something on a thread of its own, while a loop runs; it is given the loop."""

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Any] = loop.create_future()

        def run() -> None:
            outcome = contained(work, loop)
            loop.call_soon_threadsafe(ended.set_result, outcome)

        threading.Thread(target=copy_context().run, args=(run,)).start()
        return unpacked(await ended)

    return asyncio.run(main())


# A coroutine that never suspends.


def test_a_coroutine_that_never_suspends_runs_here_and_now() -> None:
    async def double(number: int) -> int:
        return number * 2

    assert complete(double(21)) == 42


def test_what_it_raises_is_raised() -> None:
    async def fail() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError):
        complete(fail())


def test_one_that_suspends_is_a_bug_that_says_so() -> None:
    with pytest.raises(RuntimeError, match="a bug of the library"):
        complete(asyncio.sleep(0))


# An awaitable started from a thread.


def test_a_thread_gets_what_the_loop_awaited_in_a_context() -> None:
    async def tell() -> str:
        await asyncio.sleep(0)
        return USER.get()

    def work(loop: asyncio.AbstractEventLoop) -> Any:
        USER.set("ada")
        return unpacked(start(loop, tell(), copy_context()).result())

    assert on_a_thread(work) == "ada"


def test_a_task_that_was_cancelled_is_a_cancellation_for_the_thread() -> None:
    tasks: list[asyncio.Task[Any]] = []

    def work(loop: asyncio.AbstractEventLoop) -> Any:
        never = asyncio.run_coroutine_threadsafe(_future(), loop).result()
        started = start(loop, never, copy_context(), tasks)
        while not tasks:
            pass
        loop.call_soon_threadsafe(tasks[0].cancel)
        return unpacked(started.result())

    with pytest.raises(asyncio.CancelledError):
        on_a_thread(work)


def test_a_task_cancelled_before_it_began_is_one_too() -> None:
    class Eager(list[Any]):
        def append(self, task: Any) -> None:
            task.cancel()

    def work(loop: asyncio.AbstractEventLoop) -> Any:
        sleeping = asyncio.run_coroutine_threadsafe(_future(), loop).result()
        return unpacked(start(loop, sleeping, copy_context(), Eager()).result())

    with pytest.raises(asyncio.CancelledError):
        on_a_thread(work)


async def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


# An async wrapper around blocking code.


async def wrap(call: Any, call_next: Any) -> Any:
    USER.set("ada")
    await asyncio.sleep(0)
    return {"wrapped": await call_next(call + 1), "on": here()}


def test_an_async_wrapper_runs_on_the_loop_and_the_code_on_its_thread() -> None:
    def work(loop: asyncio.AbstractEventLoop) -> Any:
        result = around_blocking(loop, wrap, lambda call: (call, USER.get(), here()), 1)
        return result, here(), USER.get()

    result, thread, user = on_a_thread(work)
    assert result == {"wrapped": (2, "ada", thread), "on": here()}
    assert user == "nobody"


def test_it_gets_what_the_code_raises_and_its_thread_what_it_raises() -> None:
    async def turn(call: Any, call_next: Any) -> Any:
        try:
            return await call_next(call)
        except KeyError as error:
            raise ValueError("turned") from error

    def fail(call: Any) -> Any:
        raise KeyError(call)

    with pytest.raises(ValueError, match="turned"):
        on_a_thread(lambda loop: around_blocking(loop, turn, fail, "k"))


def test_it_may_leave_the_code_out() -> None:
    async def answer(call: Any, call_next: Any) -> Any:
        return "cached"

    assert on_a_thread(lambda loop: around_blocking(loop, answer, str, 1)) == "cached"


def test_code_that_was_given_up_ends_before_the_thread_goes_on() -> None:
    ended: list[str] = []
    release = threading.Event()

    async def give_up(call: Any, call_next: Any) -> Any:
        waiting = asyncio.ensure_future(call_next(call))
        await asyncio.sleep(0)
        waiting.cancel()
        release.set()
        return "given up"

    def slow(call: Any) -> None:
        release.wait(5)
        ended.append("code")

    assert on_a_thread(lambda loop: around_blocking(loop, give_up, slow, 1)) == "given up"
    assert ended == ["code"]


# A blocking wrapper around async code.


def wrap_blocking(call: Any, call_next: Any) -> Any:
    USER.set("ada")
    return {"wrapped": call_next(call + 1), "on": here()}


async def told(call: Any) -> Any:
    await asyncio.sleep(0)
    return call, USER.get(), here()


def test_a_blocking_wrapper_has_a_thread_and_the_code_the_loop() -> None:
    result = asyncio.run(around_async(wrap_blocking, told, 1))
    assert result["wrapped"] == (2, "ada", here())
    assert result["on"] != here()


def test_a_blocking_wrapper_sees_the_context_and_changes_none() -> None:
    async def main() -> Any:
        USER.set("bob")
        seen = await around_async(lambda call, call_next: USER.get(), told, 1)
        await around_async(wrap_blocking, told, 1)
        return seen, USER.get()

    assert asyncio.run(main()) == ("bob", "bob")


def test_a_blocking_wrapper_gets_what_the_code_raises() -> None:
    async def fail(call: Any) -> Any:
        raise KeyError(call)

    def turn(call: Any, call_next: Any) -> Any:
        try:
            return call_next(call)
        except KeyError as error:
            raise ValueError("turned") from error

    with pytest.raises(ValueError, match="turned"):
        asyncio.run(around_async(turn, fail, "k"))


def test_cancelled_it_cancels_the_code_and_waits_for_its_wrapper() -> None:
    trace: list[str] = []
    begun = asyncio.Event()

    async def never(call: Any) -> Any:
        trace.append("code")
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            trace.append("cleaned up")

    def noting(call: Any, call_next: Any) -> Any:
        try:
            return call_next(call)
        finally:
            trace.append("wrapper")

    async def main() -> None:
        task = asyncio.create_task(around_async(noting, never, 1))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert trace == ["code", "cleaned up", "wrapper"]


def test_cancelled_before_its_wrapper_goes_on_it_does_not_begin_the_code() -> None:
    trace: list[str] = []
    begun, cancelled = threading.Event(), threading.Event()

    async def code(call: Any) -> None:
        trace.append("code")

    def late(call: Any, call_next: Any) -> Any:
        begun.set()
        cancelled.wait(5)
        return call_next(call)

    async def main() -> None:
        task = asyncio.create_task(around_async(late, code, 1))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        await asyncio.sleep(0)
        cancelled.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert trace == []
