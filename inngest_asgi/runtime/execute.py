"""Runs one parsed call and turns its outcome into a reply; knows nothing of HTTP or sockets."""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from inngest_asgi.engine.ambient import within
from inngest_asgi.engine.context import Context, ContextSync
from inngest_asgi.engine.drive import UNWIND_SECONDS, Drive
from inngest_asgi.engine.drive_body import contained, contained_await
from inngest_asgi.engine.drive_sync import DriveSync
from inngest_asgi.engine.group import Group, GroupSync
from inngest_asgi.engine.outcomes import (
    FUNCTION_FINAL,
    Outcome,
    Raised,
    Report,
    Returned,
    TargetMissing,
    describe,
    user_stack,
)
from inngest_asgi.engine.run import Machine
from inngest_asgi.engine.tools import Step
from inngest_asgi.engine.tools_sync import StepSync
from inngest_asgi.errors import (
    ApiError,
    CodecError,
    ConfigError,
    RequestError,
)
from inngest_asgi.middleware.colours import InAsync, InBlocking
from inngest_asgi.middleware.logger import QuietLogger
from inngest_asgi.middleware.records import RequestCall
from inngest_asgi.middleware.stack import Stack
from inngest_asgi.runtime.holding import loads_to_hold
from inngest_asgi.runtime.hooked import HookedCall
from inngest_asgi.runtime.hooked_services import HookedServices, HookedServicesSync
from inngest_asgi.runtime.oversize import with_state
from inngest_asgi.runtime.services import RunServices
from inngest_asgi.runtime.threads import Threads, loop_runner
from inngest_asgi.wire.calls import Call, parse_call
from inngest_asgi.wire.codec import Fragment
from inngest_asgi.wire.names import ErrorCode
from inngest_asgi.wire.replies import ErrorRecord, Reply, error_reply, ops_reply, output_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.clock import Clock
    from inngest_asgi.engine.context import Received
    from inngest_asgi.functions.collection import FunctionIndex
    from inngest_asgi.functions.function import Function

_GROUP = Group()  # it holds nothing of a call


def _no_request() -> None:
    """Stand for the request of a host that has none."""


class Runtime:
    """Runs calls of one application's functions.

    Args:
        client: the application's client.
        index: its functions.
        threads: where blocking code runs.
        clock: for timings and limits.
    """

    def __init__(
        self, client: Inngest, index: FunctionIndex, *, threads: Threads, clock: Clock
    ) -> None:
        self.client = client
        self.index = index
        self._threads = threads
        self._clock = clock

    def execute(
        self,
        body: bytes,
        fn_id: str,
        step_id: str | None,
        raw_request: Callable[[], object] = _no_request,
        *,
        request_id: str | None = None,
    ) -> Coroutine[Any, Any, Reply]:
        """Read one call, and return what runs it to its reply once it is awaited.

        What is refused is refused now, before anything runs; a streamed answer depends on it.

        Args:
            body: the request's body.
            fn_id: the function's id, as the server wrote it.
            step_id: the targeted step's hashed id, or "step" or None for none.
            raw_request: gives the host's request to middleware; not asked where there is none.
            request_id: what carried the call knows it by, where its body does not say.

        Raises:
            RequestError: the body is not a call, or there is no such function.
            ConfigError: middleware cannot be made.
            ApiError: (when awaited) the state is too large for a call and could not be fetched.
        """
        function = self._find(fn_id)
        document, held = _parse(body)
        call = parse_call(document, function.id, step_id, request_id)
        factories = self.client.middleware + function.middleware
        if not factories:
            return self._run(function, call, held)
        request = raw_request()
        stack = Stack.of(factories, self.client, request)
        return self._run_wrapped(function, call, held, stack, request)

    async def _run_wrapped(
        self, function: Function[Any], call: Call, held: object, stack: Stack, request: object
    ) -> Reply:
        """Run one call inside `wrap_request`, which is called on the loop in both colours."""

        async def run(_: RequestCall) -> Reply:
            return await self._run(function, call, held, stack)

        record = RequestCall(function, call.run_id, call.attempt, request)
        around = stack.around("wrap_request", InAsync(), run)
        reply, error = await contained_await(around(record))
        if isinstance(error, ApiError | ConfigError | asyncio.CancelledError):
            raise error
        if error is not None:
            return self._answer_raised(function, call, Raised(error))
        if not isinstance(reply, Reply):
            raise ConfigError(
                f"A wrap_request hook returned {reply!r}; return what call_next gives, a Reply."
            )
        return reply

    async def _run(
        self, function: Function[Any], call: Call, held: object, stack: Stack | None = None
    ) -> Reply:
        """Run one call; `held` is to live as long as the call's memos (`loads_to_hold`)."""
        if call.use_api:
            call = await with_state(call, self.client.api)
        received = None
        if stack is None and function.event_types is not None:
            received, error = contained(function.received, call)
            if error is not None:
                return self._answer_raised(function, call, Raised(error))
        run = self._run_async if function.is_handler_async else self._run_blocking
        return self._answer(function, call, await run(function, call, received, stack))

    def _find(self, fn_id: str) -> Function[Any]:
        function = self.index.find(fn_id)
        if function is None:
            raise RequestError(
                f"This application has no function {fn_id!r}. If it was just deployed, the "
                "server will try again; otherwise sync the application.",
                code=ErrorCode.FUNCTION_NOT_FOUND,
                status=500,
            )
        return function

    def _run_async(
        self,
        function: Function[Any],
        call: Call,
        received: Received | None,
        stack: Stack | None,
    ) -> Coroutine[Any, Any, Outcome]:
        client, machine, executor = self.client, Machine(call), self._threads.executor
        drive = Drive(machine, clock=self._clock, executor=executor)
        if stack is None:
            hooked, step = None, Step(drive, RunServices(client, call))
        else:
            hooked = HookedCall(stack, InAsync(executor), function, call, machine)
            step = Step(hooked.steps(drive), HookedServices(client, call, hooked))
        logger = QuietLogger(client.logger, machine)
        context: Context[Any] = Context(call, client.app_id, logger, step, _GROUP, received)
        if hooked is None:
            return drive.run(partial(within, context, function.handler))
        return hooked.run(context, drive.run)

    async def _run_blocking(
        self,
        function: Function[Any],
        call: Call,
        received: Received | None,
        stack: Stack | None,
    ) -> Outcome:
        loop = asyncio.get_running_loop()
        known: asyncio.Future[Outcome | None] = loop.create_future()
        client, machine = self.client, Machine(call, blocking=True)
        drive = DriveSync(
            machine,
            clock=self._clock,
            on_loop=loop_runner(loop),
            on_outcome=partial(_tell, loop, known),
        )
        if stack is None:
            hooked, step = None, StepSync(drive, RunServices(client, call))
        else:
            hooked = HookedCall(stack, InBlocking(loop), function, call, machine)
            step = StepSync(hooked.steps(drive), HookedServicesSync(client, call, hooked))
        logger, group = QuietLogger(client.logger, machine), GroupSync(drive)
        context: ContextSync[Any] = ContextSync(call, client.app_id, logger, step, group, received)
        run = partial(drive.run, partial(within, context, function.handler))
        if hooked is not None:
            run = partial(hooked.run_sync, context, drive.run)
        ended = self._threads.executor.submit(contextvars.copy_context().run, run)
        ended.add_done_callback(lambda _: _tell(loop, known, None))
        try:
            outcome = await known
        except asyncio.CancelledError:
            ended.cancel()  # one that still waits for a thread is not to begin
            raise
        if outcome is None or await self._has_unwound(function, ended):
            return ended.result()
        if hooked is None:
            return outcome
        colour = InAsync(self._threads.executor)
        finished = await hooked.finish_without(outcome, colour)
        return await asyncio.wrap_future(ended) if finished is None else finished

    async def _has_unwound(self, function: Function[Any], ended: Future[Outcome]) -> bool:
        """Give a blocking function whose outcome is known time to clean up (rule 9)."""
        end = asyncio.wrap_future(ended)
        limit = asyncio.ensure_future(self._clock.sleep(UNWIND_SECONDS))
        waiting: list[asyncio.Future[Any]] = [end, limit]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        limit.cancel()
        if not end.done():
            self.client.logger.error(
                "Function %s did not end within %s s after its call was answered: it seems to "
                "swallow BaseException. It still occupies a thread; let that exception pass.",
                function.id,
                UNWIND_SECONDS,
            )
        return end.done()

    # From outcome to reply.

    def _answer(self, function: Function[Any], call: Call, outcome: Outcome) -> Reply:
        if isinstance(outcome, Returned):
            return self._answer_returned(function, call, outcome.value)
        if isinstance(outcome, Report):
            if outcome.error is not None:
                self._log(f"A step of function {function.id!r} failed", call, outcome.error)
            return ops_reply(
                outcome.ops, no_retry=outcome.no_retry, retry_after=outcome.retry_after
            )
        if isinstance(outcome, TargetMissing):
            return _answer_missing(function, outcome)
        return self._answer_raised(function, call, outcome)

    def _answer_returned(self, function: Function[Any], call: Call, value: Any) -> Reply:
        if value.__class__ is Fragment:  # hooks have seen it
            return output_reply(value)
        data, error = contained(function.dump, value)
        if error is not None:
            return self._answer_raised(function, call, Raised(error))
        return output_reply(data)

    def _answer_raised(self, function: Function[Any], call: Call, raised: Raised) -> Reply:
        failure = describe(raised.error, FUNCTION_FINAL)
        self._log(f"Function {function.id!r} failed", call, raised.error)
        return error_reply(
            500 if failure.retriable else 400,
            failure.record,
            no_retry=not failure.retriable,
            retry_after=failure.retry_after if failure.retriable else None,
        )

    def _log(self, what: str, call: Call, error: BaseException) -> None:
        if not getattr(error, "quiet", False):
            self.client.logger.error(
                "%s in run %s, attempt %d: %s",
                what,
                call.run_id,
                call.attempt + 1,
                user_stack(error),
            )


def _tell(
    loop: asyncio.AbstractEventLoop,
    known: asyncio.Future[Outcome | None],
    outcome: Outcome | None,
) -> None:
    """Tell the loop, from a thread, the outcome of a call; or None, that the thread is done."""
    with suppress(RuntimeError):  # the loop was closed: nobody waits any more
        loop.call_soon_threadsafe(_settle, known, outcome)


def _settle(known: asyncio.Future[Outcome | None], outcome: Outcome | None) -> None:
    if not known.done():
        known.set_result(outcome)


def _parse(body: bytes) -> tuple[Any, object]:
    try:
        return loads_to_hold(body)
    except CodecError as error:
        raise RequestError(str(error), code=ErrorCode.BODY_INVALID, status=400) from None


def _answer_missing(function: Function[Any], missing: TargetMissing) -> Reply:
    """Tell that the step the server asked for was not met; a deploy may be under way (rule 7)."""
    found = ", ".join(missing.found) or "none"
    record = ErrorRecord(
        name="StepNotFoundError",
        message=f"Function {function.id!r} did not come to the requested step {missing.target}; "
        f"steps it came to: {found}. Did its code change while the run was under way?",
        code=ErrorCode.STEP_UNEXPECTED,
    )
    return error_reply(500, record, no_retry=False)
