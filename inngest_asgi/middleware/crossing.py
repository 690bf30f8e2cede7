"""The ways between a blocking function's thread and the event loop; it knows no hooks by name.

A wrapper of one colour may stand around code of the other. Neither way uses the executor, so that
nothing a pool thread waits for is ever queued to its own pool.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from inngest_asgi.engine.drive_body import Ended, contained, contained_await

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

Tasks = list[asyncio.Task[Ended]]


def start(
    loop: asyncio.AbstractEventLoop,
    awaitable: Awaitable[Any],
    context: Context,
    tasks: Tasks | None = None,
) -> Future[Ended]:
    """Have a loop await something, from another thread.

    Args:
        loop: the loop.
        awaitable: what it awaits.
        context: the context variables it sees.
        tasks: where its task is noted, for who may have to cancel it.

    Returns:
        The future that gives what came of it.
    """
    ended: Future[Ended] = Future()

    def begin() -> None:
        task = loop.create_task(contained_await(awaitable), context=context)
        task.add_done_callback(lambda done: ended.set_result(_result(done)))
        if tasks is not None:
            tasks.append(task)

    loop.call_soon_threadsafe(begin)
    return ended


def unpacked(ended: Ended) -> Any:
    """Return what code returned, or raise what it raised."""
    value, error = ended
    if error is not None:
        raise error
    return value


def complete(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never suspends to its end, here and now."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    coroutine.close()
    raise RuntimeError("Blocking code was suspended; this is a bug of the library.")


def around_blocking(
    loop: asyncio.AbstractEventLoop,
    wrapper: Callable[[Any, Callable[[Any], Any]], Awaitable[Any]],
    inner: Callable[[Any], Any],
    call: Any,
) -> Any:
    """Wrap blocking code into an async wrapper: the code stays on this thread.

    Args:
        loop: where the wrapper runs.
        wrapper: takes `call` and a function that gives what `inner` does, to be awaited.
        inner: the code.
        call: its argument.
    """
    work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    async def call_next(call: Any) -> Any:
        ended: asyncio.Future[Ended] = loop.create_future()
        context = copy_context()

        def serve() -> None:
            loop.call_soon_threadsafe(_settle, ended, contained(context.run, inner, call))

        work.put(serve)
        return unpacked(await ended)

    done = start(loop, wrapper(call, call_next), copy_context())
    done.add_done_callback(lambda _: work.put(None))
    while (serve := work.get()) is not None:
        serve()
    return unpacked(done.result())


async def around_async(
    wrapper: Callable[[Any, Callable[[Any], Any]], Any],
    inner: Callable[[Any], Awaitable[Any]],
    call: Any,
) -> Any:
    """Wrap async code into a blocking wrapper, which gets a thread of its own.

    Args:
        wrapper: takes `call` and a function that gives what `inner` does.
        inner: the code; it runs on this loop.
        call: its argument.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Ended] = loop.create_future()
    tasks: Tasks = []
    cancelled = False

    async def code(call: Any) -> Any:
        if cancelled:  # its wrapper came to it too late
            raise asyncio.CancelledError
        return await inner(call)

    def call_next(call: Any) -> Any:
        return unpacked(start(loop, code(call), copy_context(), tasks).result())

    def work() -> None:
        outcome = contained(wrapper, call, call_next)
        loop.call_soon_threadsafe(_settle, ended, outcome)

    run = copy_context().run
    threading.Thread(target=run, args=(work,), name="inngest-middleware", daemon=True).start()
    try:
        outcome = await asyncio.shield(ended)
    except asyncio.CancelledError:
        cancelled = True
        for task in tasks:
            task.cancel()
        await ended
        raise
    return unpacked(outcome)


def _settle(ended: asyncio.Future[Ended], outcome: Ended) -> None:
    if not ended.done():
        ended.set_result(outcome)


def _result(task: asyncio.Task[Ended]) -> Ended:
    return (None, asyncio.CancelledError()) if task.cancelled() else task.result()
