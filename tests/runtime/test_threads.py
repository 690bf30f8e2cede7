"""Where blocking code runs, and how its threads reach the loop."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.runtime.threads import Threads, loop_runner

if TYPE_CHECKING:
    from collections.abc import Awaitable

COLOUR = contextvars.ContextVar("colour", default="none")


def test_the_executor_is_made_on_first_use_and_then_kept() -> None:
    sizes = [3, 5]
    threads = Threads(None, lambda: sizes.pop(0))
    executor = threads.executor
    assert threads.executor is executor
    assert sizes == [5]
    assert isinstance(executor, ThreadPoolExecutor)
    assert executor._max_workers == 3
    threads.close()


def test_its_threads_have_a_name() -> None:
    threads = Threads(None, lambda: 1)
    name = threads.executor.submit(lambda: threading.current_thread().name).result()
    threads.close()
    assert name == "inngest_0"


def test_closed_it_takes_no_work_and_a_later_use_starts_afresh() -> None:
    threads = Threads(None, lambda: 1)
    first = threads.executor
    threads.close()
    with pytest.raises(RuntimeError):
        first.submit(int)
    assert threads.executor.submit(int, "7").result() == 7
    threads.close()


def test_closing_lets_running_work_end() -> None:
    threads, release = Threads(None, lambda: 1), threading.Event()
    running = threads.executor.submit(release.wait, 5)
    threads.close()
    release.set()
    assert running.result() is True


def test_closing_what_was_never_used_is_nothing() -> None:
    Threads(None, lambda: 0).close()


def test_an_executor_of_the_users_is_left_open() -> None:
    with ThreadPoolExecutor(1) as given:
        threads = Threads(given, lambda: 0)
        assert threads.executor is given
        threads.close()
        assert given.submit(int, "7").result() == 7


def on_loop(awaitable: Awaitable[Any], context: contextvars.Context) -> Any:
    """Run an awaitable from a pool thread, as a blocking function's step does."""

    async def run() -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, loop_runner(loop), awaitable, context)

    return asyncio.run(run())


def test_a_pool_thread_awaits_on_the_loop_in_a_given_context() -> None:
    async def body() -> tuple[str, bool]:
        return COLOUR.get(), threading.current_thread() is threading.main_thread()

    context = contextvars.copy_context()
    context.run(COLOUR.set, "red")
    assert on_loop(body(), context) == (("red", True), None)


def test_what_is_raised_on_the_loop_is_returned() -> None:
    async def body() -> None:
        raise SystemExit(3)

    value, error = on_loop(body(), contextvars.copy_context())
    assert value is None
    assert isinstance(error, SystemExit)


def test_a_body_that_is_cancelled_does_not_leave_its_thread_waiting() -> None:
    async def body() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    value, error = on_loop(body(), contextvars.copy_context())
    assert value is None
    assert isinstance(error, asyncio.CancelledError)


def test_a_task_that_is_cancelled_before_it_begins_does_not_leave_its_thread_waiting() -> None:
    # As loops do with every task when they end.
    def cancelled(loop: asyncio.AbstractEventLoop, body: Any, **options: Any) -> Any:
        task = asyncio.Task(body, loop=loop, **options)
        task.cancel()
        return task

    async def run() -> Any:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(cancelled)
        never = loop.create_future()
        context = contextvars.copy_context()
        try:
            return await loop.run_in_executor(None, loop_runner(loop), never, context)
        finally:
            loop.set_task_factory(None)

    value, error = asyncio.run(run())
    assert value is None
    assert isinstance(error, asyncio.CancelledError)
