"""One call of a function with the hooks of its middleware around it, in either colour.

The engine knows nothing of it: hooks stand before its shells (where steps are announced), inside
of step bodies, and around the outcome.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from inngest_asgi.engine.ambient import within
from inngest_asgi.engine.drive_body import contained, contained_await
from inngest_asgi.engine.memos import MISSING
from inngest_asgi.engine.ops import SCOPE, enter, shown_input
from inngest_asgi.engine.outcomes import (
    FUNCTION_FINAL,
    STEP_FINAL,
    Outcome,
    Raised,
    Report,
    Returned,
    describe,
)
from inngest_asgi.engine.results import PLAIN
from inngest_asgi.engine.run import NESTED
from inngest_asgi.errors import (
    CodecError,
    EventValidationError,
    NestedStepError,
    OutputError,
    StepError,
)
from inngest_asgi.middleware.crossing import complete
from inngest_asgi.middleware.records import (
    NO_OUTPUT,
    FunctionCall,
    RunRecord,
    StepCall,
    StepInfo,
    StepMemos,
    StepRecord,
    TransformOutputResult,
)
from inngest_asgi.wire.codec import Fragment, dumps, embed, loads
from inngest_asgi.wire.names import Opcode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from inngest_asgi.engine.ops import Op
    from inngest_asgi.engine.run import Machine
    from inngest_asgi.functions.function import Function
    from inngest_asgi.middleware.colours import Colour
    from inngest_asgi.middleware.stack import Stack
    from inngest_asgi.wire.calls import Call

_OF_STEPS = (
    "after_execution",
    "before_execution",
    "on_memoization_end",
    "on_step_complete",
    "on_step_error",
    "on_step_start",
    "transform_output",
    "wrap_step",
    "wrap_step_handler",
)
"""The hooks for which steps have to be looked at, one by one."""


_STEP_FINAL = (*STEP_FINAL, NestedStepError)


class HookedCall:
    """One call with hooks.

    Args:
        stack: the hooks.
        colour: how they are called.
        function: the function that is called.
        call: the call.
        machine: the engine's machine for it.
    """

    def __init__(
        self, stack: Stack, colour: Colour, function: Function[Any], call: Call, machine: Machine
    ) -> None:
        self.colour = colour
        self.stack = stack
        self._function = function
        self._call = call
        self._machine = machine
        self._ctx: Any = None
        self._begun = False
        self._executed = False
        self._answers = threading.Lock()

    # What the runtime does with it.

    def steps(self, drive: Any) -> Any:
        """Return where tools announce steps: the shell itself, if no hook looks at steps."""
        return _HookedSteps(self, drive) if any(map(self.stack.uses, _OF_STEPS)) else drive

    async def run(
        self, ctx: Any, drive: Callable[[Callable[[], Any]], Awaitable[Outcome]]
    ) -> Outcome:
        """Run an async function's call, from `transform_input` to `before_response`."""
        outcome = await self._prepared(ctx) or await drive(self._run_function)
        return await self._finish(outcome)

    def run_sync(self, ctx: Any, drive: Callable[[Callable[[], Any]], Outcome]) -> Outcome:
        """Run a blocking function's call, on the function's thread."""
        outcome = complete(self._prepared(ctx)) or drive(lambda: complete(self._run_function()))
        return complete(self._finish(outcome)) if self._takes_over() else outcome

    async def finish_without(self, outcome: Outcome, colour: Colour) -> Outcome | None:
        """Finish a blocking function's call whose thread does not come back.

        Args:
            outcome: the call's outcome, known already.
            colour: how the hooks are called instead.

        Returns:
            The outcome to answer with; None when the thread is finishing the call after all.
        """
        if not self._takes_over():
            return None
        self.colour = colour
        return await self._finish(outcome)

    def _takes_over(self) -> bool:
        return self._answers.acquire(blocking=False)

    # Before and around the function.

    async def _prepared(self, ctx: Any) -> Raised | None:
        self._ctx = ctx
        _, error = await contained_await(self._prepare(ctx))
        return None if error is None else _raised(error)

    async def _prepare(self, ctx: Any) -> None:
        call = self._call
        if self.stack.uses("transform_input"):
            memos = StepMemos(call.steps)
            await self._run("transform_input", ctx, self._function, memos)
            memos.write_back()
            if self._function.event_types is not None:
                events = [one.to_dict() for one in ctx.events]
                call = replace(call, event=ctx.event.to_dict(), events=events)
        received = self._function.received(call)
        if received is not None:
            ctx.event, ctx.events = received
        if not call.steps and not call.attempt and call.target is None:
            await self._tell("on_run_start", self._record())

    async def _run_function(self) -> Any:
        around = self.stack.around("wrap_function", self.colour, self._enter)
        return await around(FunctionCall(self._ctx, self._function))

    async def _enter(self, call: FunctionCall) -> Any:
        await self._begin_when_replayed()
        return await self.colour.own(within, call.ctx, self._function.handler)

    async def _begin_when_replayed(self) -> None:
        if not self._begun and not self._machine.replaying:
            await self._begin()

    async def _begin(self) -> None:
        """Say that new code is about to run; once per call."""
        if not self._begun:
            self._begun = True
            await self._tell("on_memoization_end", self._record())
            await self._run("before_execution")

    # Around steps.

    async def step(self, op: Op, announce: Callable[[Op], Any]) -> Any:
        """Announce a step from inside the hooks around it.

        Args:
            op: the step.
            announce: the shell's own way in.
        """
        op.opts = _shown_options(op)
        info = StepInfo(op.step_id, Opcode.STEP_RUN if op.runnable else op.code, op.opts)
        call = StepCall(self._ctx, self._function, info, list(op.args), dict(op.kwargs or {}))
        announced = partial(self._announce, op, announce)
        return await self.stack.around("wrap_step", self.colour, announced)(call)

    async def _announce(self, op: Op, announce: Callable[[Op], Any], call: StepCall) -> Any:
        op.args, op.kwargs, op.opts = call.args, call.kwargs, call.step.opts
        if op.runnable:
            op.body = self.colour.as_body(partial(self._body, op, op.body, call.step))
        try:
            value = await self.colour.own(announce, op)
        except (StepError, OutputError, EventValidationError):
            await self._begin_when_replayed()
            raise
        await self._begin_when_replayed()
        return value

    async def _body(
        self,
        op: Op,
        body: Callable[..., Any],
        step: StepInfo,
        args: Sequence[Any],
        kwargs: dict[str, Any],
    ) -> Any:
        """Run a step's handler inside its hooks; gives its result as it is to be recorded."""
        await self._begin()
        record = StepRecord(self._ctx, self._function, step)
        await self._tell("on_step_start", record)
        call = StepCall(self._ctx, self._function, step, list(args), kwargs)
        around = self.stack.around("wrap_step_handler", self.colour, partial(self._handle, body))
        value, error = await contained_await(around(call))
        data, error = contained(op.dump, value) if error is None else (None, error)
        data, error = await contained_await(self._end_step(op, step, data, error))
        if op.nested:  # the step fails, whatever its body made of that (rule 12)
            error = NestedStepError(NESTED.message)
        if error is None:
            record.output = self._shown("on_step_complete", data)
            await self._tell("on_step_complete", record)
            op.result = PLAIN  # the result is JSON by now
            return data
        if isinstance(error, Exception):
            record.error, record.final = error, self._is_final(error, _STEP_FINAL)
            await self._tell("on_step_error", record)
        raise error

    async def _handle(self, body: Callable[..., Any], call: StepCall) -> Any:
        return await self.colour.body(body, call.args, call.kwargs)

    async def _end_step(
        self, op: Op, step: StepInfo, data: Fragment | None, error: BaseException | None
    ) -> Any:
        if op.nested or error is None or isinstance(error, Exception):
            self._executed = True
            await self._run("after_execution")
        return None if op.nested else await self._transformed(data, error, step)

    # After the function.

    async def _finish(self, outcome: Outcome) -> Outcome:
        outcome = await _outcome(self._end(outcome))
        await self._tell_of(outcome)
        return await _outcome(self._respond(outcome))

    async def _end(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Returned):
            outcome = self._dumped(outcome.value)
        if isinstance(outcome, Report | Returned) and not self._executed:
            await self._run("after_execution")
        if isinstance(outcome, Returned):
            return Returned(await self._transformed(outcome.value, None))
        if isinstance(outcome, Raised) and isinstance(outcome.error, Exception):
            return Returned(await self._transformed(None, outcome.error))
        if isinstance(outcome, Report) and len(outcome.ops) == 1 and not self._executed:
            await self._transform_unrun(outcome.ops[0])
        return outcome

    def _dumped(self, value: Any) -> Outcome:
        data, error = contained(self._function.dump, value)
        return Returned(data) if error is None else Raised(error)

    async def _transform_unrun(self, op: dict[str, Any]) -> None:
        """Let hooks change the options of a step that is reported without having run."""
        if "error" in op:
            return  # it did run, and ended as only programs or nested steps do
        info = StepInfo(op["name"], Opcode(op["op"]), op.pop("opts", {}))
        result = TransformOutputResult(None, NO_OUTPUT, info)
        await self._run("transform_output", result)
        if result.error is not None:
            raise result.error
        if info.opts:
            op["opts"] = info.opts

    async def _tell_of(self, outcome: Outcome) -> None:
        if isinstance(outcome, Returned):
            record = self._record(output=self._shown("on_run_complete", outcome.value))
            await self._tell("on_run_complete", record)
        elif isinstance(outcome, Raised):
            final = self._is_final(outcome.error, FUNCTION_FINAL)
            await self._tell("on_run_error", self._record(error=outcome.error, final=final))

    async def _respond(self, outcome: Outcome) -> Outcome:
        if _tells_of_a_run(outcome):  # lost, it would have the server run the step once more
            await self._tell("before_response")
        else:
            await self._run("before_response")
        return outcome

    # What both need.

    async def _transformed(
        self, data: Fragment | None, error: BaseException | None, step: StepInfo | None = None
    ) -> Fragment | None:
        """Return what hooks make of a result or an error; raise what stays an error."""
        if self.stack.uses("transform_output") and (error is None or isinstance(error, Exception)):
            output = NO_OUTPUT if data is None else loads(dumps(data))
            result = TransformOutputResult(error, output, step)
            await self._run("transform_output", result)
            error = result.error
            data = None if error is not None else _embedded(result)
        if error is not None:
            raise error
        return data

    def _shown(self, observer: str, data: Any) -> Any:
        """Return a result as observers get it; reading it costs nothing where there is none."""
        return loads(dumps(data)) if self.stack.uses(observer) else None

    def _is_final(self, error: BaseException, final: tuple[type[BaseException], ...]) -> bool:
        return self._call.last_attempt or not describe(error, final).retriable

    def _record(self, **more: Any) -> RunRecord:
        return RunRecord(self._ctx, self._function, **more)

    async def _run(self, name: str, *args: Any) -> None:
        await self.stack.run(name, self.colour, *args)

    async def _tell(self, name: str, *args: Any) -> None:
        await self.stack.tell(name, self.colour, *args)


class _HookedSteps:
    """Stands before a shell: what tools announce goes through the hooks."""

    __slots__ = ("_colour", "_drive", "_hooked")

    def __init__(self, hooked: HookedCall, drive: Any) -> None:
        self._hooked = hooked
        self._colour = hooked.colour
        self._drive = drive

    def recall(self, step_id: str) -> Any:
        return MISSING  # so that each step comes as an op

    def step(self, op: Op) -> Any:
        enter(op, SCOPE.get())
        colour = self._colour
        if colour is not self._hooked.colour or not colour.is_usable():
            return self._drive.step(op)  # which refuses it, and says why
        return colour.begin(self._hooked.step(op, self._drive.step))


def _shown_options(op: Op) -> dict[str, Any]:
    """Return the options a step is reported with as hooks may change them: as plain JSON data."""
    options = dict(op.opts or {})
    if op.shows_input and op.args:
        options |= shown_input(op.args)
    op.shows_input = False
    shown: dict[str, Any] = loads(dumps(options)) if options else options
    return shown


def _tells_of_a_run(outcome: Outcome) -> bool:
    """Whether a step ran in this call, whose result or error is in the outcome."""
    return isinstance(outcome, Report) and any("timing" in op for op in outcome.ops)


def _embedded(result: TransformOutputResult) -> Fragment:
    try:
        return embed(result.output if result.has_output() else None)
    except CodecError as error:
        raise OutputError(
            f"A transform_output hook left a value that cannot be recorded as JSON: {error}"
        ) from error


async def _outcome(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    outcome, error = await contained_await(work)
    return outcome if error is None else _raised(error)


def _raised(error: BaseException) -> Raised:
    if isinstance(error, asyncio.CancelledError):
        raise error
    return Raised(error)
