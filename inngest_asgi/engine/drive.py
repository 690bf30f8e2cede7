"""The async shell: runs an async function's tasks around the machine, on the caller's loop.

It turns the loop until user code is quiet, asks the machine, does what it says. The numbers of
the rules in comments are those of docs/architecture.md, "The step engine".
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import logging
import sys
from asyncio import current_task
from typing import TYPE_CHECKING, Any

from inngest_asgi.engine.drive_body import Ended, contained, contained_await
from inngest_asgi.engine.memos import MISSING
from inngest_asgi.engine.ops import PLAIN_SCOPE, SCOPE, Op, Scope, enter, is_async
from inngest_asgi.engine.run import Execute, Machine, Resolve, Wait
from inngest_asgi.errors import StepUsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Executor

    from inngest_asgi.clock import Clock
    from inngest_asgi.engine.outcomes import Outcome

QUIET_TURNS = 16
"""Loop turns without a new announcement after which user code counts as quiet (rule 1)."""

UNWIND_SECONDS = 5.0
"""How long cancelled user code may clean up before it is left alone (rule 9)."""

MOST_REFUSALS = 16
"""Step calls of one task while it unwinds, after which it seems to swallow everything (rule 9)."""

_QUICK_TURNS = 4

_log = logging.getLogger("inngest_asgi")
_stuck: set[asyncio.Task[Any]] = set()


class Drive:
    """Drives one call of an async function.

    Args:
        machine: the call's machine.
        clock: for timings and limits.
        executor: where blocking step bodies run.
    """

    def __init__(self, machine: Machine, *, clock: Clock, executor: Executor) -> None:
        self.plain_handler: object = None
        self._machine = machine
        self._clock = clock
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = None
        self._parked_tasks: set[asyncio.Task[Any] | None] = set()
        self._news: asyncio.Future[None] | None = None
        self._refused: dict[asyncio.Task[Any] | None, int] | None = None

    async def run(self, function: Callable[[], Awaitable[Any]]) -> Outcome:
        """Run user code until this call's outcome is known, then unwind it."""
        self._news = self._loop.create_future()
        task = _started(self._loop, self._user_code(function))
        try:
            # Tasks that an ended function created last get a turn, to come to their steps.
            await (asyncio.sleep(0) if task.done() else self._news)
            return self._machine.end or await self._decide(task)
        finally:
            self._refused, self._task = {}, None  # from here on, steps are neither run nor recalled
            if self._parked_tasks or not task.done():
                await self._unwind(task)
            self._let_go()

    def recall(self, step_id: str) -> Any:
        """Announce a step and return its result, without a wait and before there is an op for it.

        It is the short way of what replays are made of: the function's own task comes to a step
        that is done, and next in order (rule 5).

        Returns:
            The result as parsed; or MISSING, and then nothing was announced: `step` is the way in.
        """
        machine = self._machine
        if (
            step_id.__class__ is str
            and SCOPE.get() is PLAIN_SCOPE
            # Asked with its loop, this is four times faster; on any other loop `step` complains.
            and current_task(self._loop) is self._task
            and machine.target is None
        ):
            return machine.memos.recall(step_id, machine.ids)
        return MISSING

    async def step(self, op: Op) -> Any:
        """Announce a step and wait for its result.

        Raises:
            StepError: the step failed for good.
            StepUsageError: it is used on another event loop than the function's.
        """
        if self._refused is not None:
            await self._refuse(self._refused)
        scope = SCOPE.get()
        enter(op, scope)
        task = current_task()
        if task is not self._task:
            self._check_loop(op)
        machine = self._machine
        op.id, op.index = machine.claim(op.step_id, race=scope.race)
        if task is self._task:
            memo = machine.take(op.id)
            if memo is not MISSING:
                return op.rebuild(memo)
        return op.rebuild(await self._park(op, task))

    # Waiting for user code.

    async def _user_code(self, function: Callable[[], Awaitable[Any]]) -> None:
        self._task = current_task(self._loop)
        SCOPE.set(PLAIN_SCOPE)  # a call served inside a step's body is a call of its own
        try:
            self._machine.returned(await function())
        except BaseException as error:  # noqa: BLE001 - a run must not end the server
            self._machine.raised(error)
        self._wake()

    async def _decide(self, task: asyncio.Task[None]) -> Outcome:
        while True:
            await self._settle(task)
            action = self._machine.next_action()
            if isinstance(action, Resolve):
                if not action.op.waiter.done():
                    action.op.waiter.set_result(action.memo)
            elif isinstance(action, Execute):
                return await self._perform(action.op)
            elif isinstance(action, Wait):
                if not await self._wait_for_news(action.grace):
                    return self._machine.stalled()
            else:
                return action

    async def _settle(self, task: asyncio.Task[None]) -> None:
        """Turn the loop until nothing new was announced for a while, or the target was."""
        machine = self._machine
        turns, seen = 0, machine.announced
        while turns < QUIET_TURNS and machine.target is None:
            await asyncio.sleep(0)
            # A function that has ended gets one turn more, for tasks created last (rule 11).
            if not machine.parked and (not task.done() or (turns and not machine.targeted)):
                return
            turns = turns + 1 if machine.announced == seen else 0
            seen = machine.announced

    async def _wait_for_news(self, grace: float | None) -> bool:
        """Wait until a step parks or the function ends; False when `grace` ran out first."""
        self._news = self._loop.create_future()
        if grace is not None:
            return await self._ends_within(grace, self._news)
        await self._news
        return True

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # Announcing.

    async def _park(self, op: Op, task: asyncio.Task[Any] | None) -> Any:
        op.waiter = self._loop.create_future()
        op.context = contextvars.copy_context()
        self._parked_tasks.add(task)
        self._machine.park(op)
        self._wake()
        try:
            return await op.waiter
        except asyncio.CancelledError:
            if self._refused is None:
                self._machine.abandon(op)
            raise
        finally:
            del op.waiter  # a cancelled one leads back to this frame, by its traceback

    def _check_loop(self, op: Op) -> None:
        if asyncio.get_running_loop() is not self._loop:
            raise StepUsageError(
                f"Step {op.step_id!r} is used on another event loop than its function's. "
                "Steps work only on the loop that runs the function; do other work inside step.run."
            )

    # Running a body.

    async def _perform(self, op: Op) -> Outcome:
        """Run a step's body to its end, whatever its awaiter does meanwhile (rule 8)."""
        started = self._clock.nanoseconds()
        value, error = await self._run_body(op)
        ended = self._clock.nanoseconds()
        data, error = contained(op.dump, value) if error is None else (None, error)
        return self._machine.performed(op, data, error, started=started, ended=ended)

    async def _run_body(self, op: Op) -> Ended:
        context = op.context
        context.run(SCOPE.set, Scope(body_of=op))
        override = self._machine.memos.input_override(op.id)
        if not is_async(op.body):
            call = functools.partial(context.run, contained, op.call, override)
            value, error = await self._loop.run_in_executor(self._executor, call)
        else:
            value, error = contained(op.call, override)
        if error is None and inspect.isawaitable(value):
            value, error = await self._loop.create_task(contained_await(value), context=context)
            if error is not None and _is_cancelled():
                raise asyncio.CancelledError from error
        return value, error

    # Ending.

    async def _unwind(self, task: asyncio.Task[None]) -> None:
        """Cancel the function's task and those that parked, and let them clean up (rule 9)."""
        tasks = {one for one in (task, *self._parked_tasks) if one is not None and not one.done()}
        if not tasks:
            return
        for one in tasks:
            one.cancel()
        for _ in range(_QUICK_TURNS):
            await asyncio.sleep(0)
            if all(one.done() for one in tasks):
                return
        ended: asyncio.Future[list[Any]] = asyncio.gather(*tasks, return_exceptions=True)
        if not await self._ends_within(UNWIND_SECONDS, ended):
            _leave_alone({one for one in tasks if not one.done()})

    def _let_go(self) -> None:
        """Cut the ways back from tasks and contexts: a call's state ends with it, uncollected."""
        self._news = self.plain_handler = None
        self._parked_tasks.clear()
        self._machine.let_go()

    async def _ends_within(self, seconds: float, awaited: asyncio.Future[Any]) -> bool:
        limit = self._loop.create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait([awaited, limit], return_when=asyncio.FIRST_COMPLETED)
        finally:
            limit.cancel()
        return awaited.done()

    async def _refuse(self, refused: dict[asyncio.Task[Any] | None, int]) -> None:
        """Unwind a task that uses a step after the outcome is fixed; park one that goes on so."""
        await asyncio.sleep(0)
        task = current_task()
        refused[task] = refused.get(task, 0) + 1
        if refused[task] > MOST_REFUSALS:
            await asyncio.get_running_loop().create_future()
        raise asyncio.CancelledError("This call of the function is over.")


def _started(
    loop: asyncio.AbstractEventLoop, code: Coroutine[Any, Any, None]
) -> asyncio.Task[None]:
    """Give code a task of its own, which begins at once where Python can do that (3.12).

    A loop that makes tasks in a way of its own is left to it.
    """
    if sys.version_info >= (3, 12) and loop.get_task_factory() is None:
        return asyncio.Task(code, loop=loop, eager_start=True)
    return loop.create_task(code)


def _is_cancelled() -> bool:
    host = current_task()
    return host is not None and host.cancelling() > 0


def _leave_alone(tasks: set[asyncio.Task[Any]]) -> None:
    """Give up on tasks that do not end: nothing warns of their loss, or waits for them at exit."""
    for task in tasks:
        _stuck.add(task)
        task.add_done_callback(_stuck.discard)
        asyncio._unregister_task(task)  # noqa: SLF001 - documented for those who extend asyncio
    _log.error(
        "A function did not end within %s s after its call was answered: it seems to swallow "
        "asyncio.CancelledError. It is left alone; let that exception pass.",
        UNWIND_SECONDS,
    )
