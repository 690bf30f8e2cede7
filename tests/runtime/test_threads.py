"""Where blocking code runs, how its threads reach the loop, and how long a reply waits for it."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.runtime.execute import Runtime
from inngest_asgi.runtime.threads import Threads, loop_runner
from inngest_asgi.testing import ManualClock
from tests.routes.asking import NOW, ORDERED, body_of, call, dev_client
from tests.runtime.running import RUN_OP, Colour, document_of, ran, run, runtime

if TYPE_CHECKING:
    from collections.abc import Awaitable

    import inngest_asgi as inngest

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
    threads = Threads(None, lambda: 0)  # no pool has that size: making one would fail
    threads.close()
    assert threads._own is None


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


# User code on threads.


def test_a_blocking_function_never_runs_on_the_loop() -> None:
    client = dev_client()

    @client.create_function(fn_id="pay", trigger=ORDERED)
    def pay(ctx: inngest.ContextSync) -> str:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return threading.current_thread().name

    assert document_of(ran(client)) == "inngest_0"


def test_a_blocking_functions_step_runs_on_the_functions_thread() -> None:
    client = dev_client()
    threads: list[int] = []

    @client.create_function(fn_id="pay", trigger=ORDERED)
    def pay(ctx: inngest.ContextSync) -> None:
        threads.append(threading.get_ident())
        ctx.step.run("first step", lambda: threads.append(threading.get_ident()))

    assert ran(client).status == 206
    assert len(threads) == 2
    assert len(set(threads) - {threading.get_ident()}) == 1


def test_an_async_step_of_a_blocking_function_runs_on_the_loop() -> None:
    client = dev_client()

    async def body() -> bool:
        return threading.current_thread() is threading.main_thread()

    @client.create_function(fn_id="pay", trigger=ORDERED)
    def pay(ctx: inngest.ContextSync) -> None:
        ctx.step.run("first step", body)

    assert document_of(ran(client))[0]["data"] is True


def test_a_blocking_step_of_an_async_function_runs_in_the_executor() -> None:
    client = dev_client()

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> None:
        await ctx.step.run("first step", lambda: threading.current_thread().name)

    assert document_of(ran(client))[0]["data"] == "inngest_0"


def test_the_loop_turns_while_blocking_functions_block() -> None:
    # Each waits for the other, so both must be running, and the loop must let the second in.
    client = dev_client()
    together = threading.Barrier(2, timeout=5)

    @client.create_function(fn_id="pay", trigger=ORDERED)
    def pay(ctx: inngest.ContextSync) -> int:
        return together.wait()

    async def both() -> list[Any]:
        shared = runtime(client, size=2)
        body = body_of(call())
        calls = (shared.execute(body, "shop-pay", None) for _ in range(2))
        return list(await asyncio.gather(*calls))

    replies = asyncio.run(both())
    assert {reply.body for reply in replies} == {b"0", b"1"}


@pytest.mark.parametrize("where", ["function", "step"])
def test_context_variables_of_the_request_reach_user_code(colour: Colour, where: str) -> None:
    code = colour.declare(lambda _: COLOUR.get())
    client = code if where == "function" else colour.declare_step(lambda: COLOUR.get())

    async def request() -> Any:
        COLOUR.set("the request")
        return document_of(await run(client))

    shown = asyncio.run(request())
    assert "the request" in (shown if where == "function" else shown[0]["data"])


def test_what_a_blocking_function_sets_does_not_leak_out() -> None:
    client = Colour("blocking").declare(lambda _: COLOUR.set("leaked"))

    async def request() -> str:
        await run(client)
        return COLOUR.get()

    assert asyncio.run(request()) == "none"


# Blocking functions that will not let go (engine rule 9).


class Clinging:
    """A blocking function that swallows what unwinds it, and then waits."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.client = dev_client()
        self.client.create_function(fn_id="pay", trigger=ORDERED)(self._pay)

    def _pay(self, ctx: inngest.ContextSync) -> str:
        try:
            ctx.step.run("first step", lambda: "one")
        except BaseException:  # noqa: BLE001 - that is what it is about
            self.release.wait(10)
        return "too late"


class TellingClock(ManualClock):
    """A clock that tells when somebody sleeps on it."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self.asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await super().sleep(seconds)


def test_a_reply_waits_no_longer_than_five_seconds_for_a_function_to_unwind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    function, clock = Clinging(), TellingClock()

    async def scene() -> Any:
        execute = runtime(function.client, clock=clock).execute(body_of(call()), "shop-pay", None)
        reply = asyncio.create_task(execute)
        await clock.asleep.wait()
        clock.advance(4.9)
        await clock.settle()
        assert not reply.done()
        assert not caplog.records
        clock.advance(0.1)
        return await reply

    try:
        assert document_of(asyncio.run(scene())) == [RUN_OP]
    finally:
        function.release.set()
    (record,) = caplog.records
    assert "shop-pay did not end within 5.0 s" in record.message


def test_a_function_that_ends_in_time_is_waited_for_and_its_reply_stands(
    caplog: pytest.LogCaptureFixture,
) -> None:
    function, clock = Clinging(), TellingClock()

    async def scene() -> Any:
        execute = runtime(function.client, clock=clock).execute(body_of(call()), "shop-pay", None)
        reply = asyncio.create_task(execute)
        await clock.asleep.wait()
        function.release.set()
        await reply
        assert clock.next_due is None
        return await reply

    assert document_of(asyncio.run(scene())) == [RUN_OP]
    assert not caplog.records


def test_a_request_that_is_cancelled_leaves_its_blocking_function_to_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client, begun, release = dev_client(), threading.Event(), threading.Event()
    ended = threading.Event()

    @client.create_function(fn_id="pay", trigger=ORDERED)
    def pay(ctx: inngest.ContextSync) -> None:
        begun.set()
        release.wait(5)
        try:
            ctx.step.run("first step", int)
        finally:
            ended.set()

    async def scene() -> None:
        with ThreadPoolExecutor(1) as pool:
            threads = Threads(pool, lambda: 1)
            shared = Runtime(client, client.index, threads=threads, clock=ManualClock(NOW))
            request = asyncio.create_task(shared.execute(body_of(call()), "shop-pay", None))
            await asyncio.to_thread(begun.wait, 5)
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
            release.set()
            assert await asyncio.to_thread(ended.wait, 5)

    asyncio.run(scene())
    assert not caplog.records


def test_a_request_that_is_cancelled_before_it_has_a_thread_runs_nothing() -> None:
    client, begun = dev_client(), threading.Event()

    @client.create_function(fn_id="pay", trigger=ORDERED)
    def pay(ctx: inngest.ContextSync) -> None:
        begun.set()

    async def scene() -> None:
        release = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(release.wait, 5)
            threads = Threads(pool, lambda: 1)
            shared = Runtime(client, client.index, threads=threads, clock=ManualClock(NOW))
            request = asyncio.create_task(shared.execute(body_of(call()), "shop-pay", None))
            await asyncio.sleep(0)
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
            release.set()

    asyncio.run(scene())
    assert not begun.is_set()
