"""Ops: what a tool announces and what we report of it, built once for both colours of tools."""

from __future__ import annotations

import functools
import inspect
from contextvars import Context, ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import PydanticUserError

from inngest_asgi.engine.memos import memo_result
from inngest_asgi.engine.results import PLAIN, UNSET, ResultType
from inngest_asgi.engine.serializers import result_type
from inngest_asgi.errors import CodecError, ConfigError
from inngest_asgi.wire.codec import Fragment, dumps
from inngest_asgi.wire.durations import Duration, to_timedelta, wire_duration, wire_moment
from inngest_asgi.wire.names import Opcode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from inngest_asgi.engine.serializers import Serializer
    from inngest_asgi.wire.events import Event
    from inngest_asgi.wire.replies import ErrorRecord


LONGEST_WAIT = timedelta(days=366)
"""The longest sleep, and the longest wait (steps.md 4.2 and 4.3)."""

_MOST_INPUT = 4 * 1024 * 1024


def _nothing() -> None: ...


def _none(memo: Any) -> None:
    """Give nothing, whatever the memo: what a sleep leaves."""


class Op:
    """One step of one call, from the moment a tool announces it.

    Attributes:
        step_id: the id the user gave.
        code: the op that reports it unrun: StepPlanned for a runnable step, else its own.
        opts: what the op carries, by steps.md 4.
        body: the user's function, for a runnable step; with `args` and `kwargs`.
        result: how the body's result is dumped and rebuilt.
        decode: turns the memo of a step that the server carries out into what `await` gives.
        runnable: whether it is run here, not by the server.
        id: the hashed id; `index`: how many steps of this call had the same `step_id` before.
        race: whether it was announced inside a race (steps.md 8).
        context: the context variables where it was announced, for the body.
        waiter: the shell's own: what to wake with the memo.
        nested: set when the body used a step, which fails it for good.
        shows_input: whether the arguments are reported, so that a run can be repeated with others.
    """

    id = ""
    index = 0
    race = False
    nested = False
    shows_input = False
    context: Context
    waiter: Any

    def __init__(
        self,
        step_id: str,
        code: Opcode,
        *,
        opts: dict[str, Any] | None = None,
        body: Callable[..., Any] = _nothing,
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
        result: ResultType = PLAIN,
        decode: Callable[[Any], Any] = _none,
    ) -> None:
        self.step_id = step_id if step_id.__class__ is str and step_id else plain_id(step_id)
        self.code = code
        self.opts = opts
        self.body = body
        self.args = args
        self.kwargs = kwargs
        self.result = result
        self.decode = decode
        self.runnable = code is Opcode.STEP_PLANNED

    def rebuild(self, memo: Any) -> Any:
        """Turn the memo into what the user's `await` gives.

        Raises:
            StepError: the memo records a failure.
            OutputError: it does not validate against an explicit output type.
            EventValidationError: what a wait received is not of the type it waited for.
        """
        if self.runnable:
            return loaded(memo_result(memo, self.step_id), self.step_id, self.result)
        return self.decode(memo)

    def call(self, override: list[Any] | None) -> Any:
        """Call the body, with the server's arguments instead of the user's where it sent some."""
        return self.body(*(self.args if override is None else override), **(self.kwargs or {}))

    def dump(self, value: Any) -> Fragment:
        """Write the body's result as JSON.

        Raises:
            OutputError: it cannot be JSON, or is not of the explicit output type.
        """
        return self.result.dump(value, what=f"Step {self.step_id!r}")

    def revise(self, override: list[Any]) -> None:
        """Take what a server wants instead of the input it was shown (steps.md 6).

        The body of a request is merged over; the arguments of a step.run are replaced when it runs.
        """
        if self.opts and isinstance(self.opts.get("body"), dict) and isinstance(override[0], dict):
            self.opts["body"] = {**self.opts["body"], **override[0]}

    def unrun(self) -> dict[str, Any]:
        """Return the op that reports the step without having run it."""
        return self._shape(self.code)

    def ran(self, data: Fragment, started: int, ended: int) -> dict[str, Any]:
        """Return the op that reports the body's result; times in Unix nanoseconds."""
        return self._shape(Opcode.STEP_RUN, data=data, timing=_timing(started, ended))

    def failed(self, code: Opcode, error: ErrorRecord, started: int, ended: int) -> dict[str, Any]:
        """Return the op that reports the body's error; times in Unix nanoseconds."""
        return self._shape(code, error=error.to_op(), timing=_timing(started, ended))

    def _shape(self, code: Opcode, **more: Any) -> dict[str, Any]:
        shape = {
            "op": str(code),
            "id": self.id,
            "name": self.step_id,
            "displayName": self.step_id,
            "userland": {"id": self.step_id, "index": self.index},
            **more,
        }
        opts = dict(self.opts or {})
        if self.shows_input and self.args:
            opts |= shown_input(self.args)
        if self.race:
            opts["parallelMode"] = "race"
        return shape | {"opts": opts} if opts else shape


@dataclass(frozen=True, slots=True)
class Scope:
    """Where code runs: inside a step's body, inside a race, or in neither."""

    body_of: Op | None = None
    race: bool = False


PLAIN_SCOPE = Scope()
SCOPE: ContextVar[Scope] = ContextVar("inngest_scope", default=PLAIN_SCOPE)


class NestedStep(BaseException):
    """Unwinds a step's body that used another step; see `Machine.performed`."""


def enter(op: Op, scope: Scope) -> None:
    """Take over what the place of the announcement says of a step.

    Raises:
        NestedStep: it is announced inside another step's body (rule 12).
    """
    if scope.body_of is not None:
        scope.body_of.nested = True
        raise NestedStep(
            f"Step {op.step_id!r} is used inside step {scope.body_of.step_id!r}. "
            "Nested steps are not supported; call the steps one after the other."
        )
    op.race = scope.race


def loaded(data: Any, step_id: str, result: ResultType) -> Any:
    """Rebuild the data of a memo to the type of its step's result."""
    return data if result is PLAIN else result.load(data, what=f"Step {step_id!r}")


def run_op(
    step_id: str,
    handler: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    output_type: Any,
    serializer: Serializer | None = None,
) -> Op:
    """Build the op of step.run.

    Args:
        step_id: the step's id.
        handler: its body.
        args: the body's.
        kwargs: the body's.
        output_type: the explicit type of its result, or `UNSET`.
        serializer: for a result of an explicit type.

    Raises:
        ConfigError: the id is not a string or empty, the handler is not a function, or
            pydantic can make nothing of the output type.
    """
    result = run_result(step_id, handler, output_type, serializer)
    op = Op(step_id, Opcode.STEP_PLANNED, body=handler, args=args, kwargs=kwargs, result=result)
    op.shows_input = True
    return op


def wrap_op(
    step_id: str, handler: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> Op:
    """Build the op of step.ai.wrap.

    Raises:
        ConfigError: the id is not a string or empty, or the handler is not a function.
    """
    op = run_op(step_id, handler, args, kwargs, UNSET)
    op.opts = {"type": "step.ai.wrap"}
    return op


def run_result(
    step_id: str,
    handler: Callable[..., Any],
    output_type: Any,
    serializer: Serializer | None = None,
) -> ResultType:
    """Return the type of what step.run gives; see `run_op`.

    Raises:
        ConfigError: the handler is not a function, or pydantic can make nothing of the output type.
    """
    if not callable(handler):
        _refuse_handler(step_id, handler)
    try:
        return result_type(handler, output_type, serializer)
    except PydanticUserError as error:
        raise ConfigError(
            f"step.run({step_id!r}): output_type is {output_type!r}, of which pydantic can make "
            "nothing; pass a type it knows, such as a BaseModel or list[int]."
        ) from error


def sleep_op(step_id: str, duration: Duration) -> Op:
    """Build the op of step.sleep.

    Raises:
        ConfigError: the id is not a string or empty, the duration is none, negative or too long.
    """
    return Op(
        step_id, Opcode.SLEEP, opts={"duration": wire_wait(duration, f"step.sleep({step_id!r})")}
    )


def sleep_until_op(step_id: str, until: datetime) -> Op:
    """Build the op of step.sleep_until.

    Raises:
        ConfigError: the id is not a string or empty, `until` is not a moment with a time zone.
    """
    field = f"step.sleep_until({step_id!r})"
    return Op(step_id, Opcode.SLEEP, opts={"duration": wire_moment(until, field=field)})


def send_event_op(
    step_id: str, events: Event[Any] | Sequence[Event[Any]], send: Callable[..., Any]
) -> Op:
    """Build the op of step.send_event: a runnable step whose result is the list of event ids.

    Raises:
        ConfigError: the id is not a string or empty.
    """
    opts = {"type": "step.sendEvent"}
    return Op(step_id, Opcode.STEP_PLANNED, opts=opts, body=send, args=(events,))


def wire_wait(duration: Duration, field: str) -> str:
    """Return how long a run rests or waits, as the wire writes it.

    Raises:
        ConfigError: it is no duration, negative, or so long that servers would fail the run.
    """
    if to_timedelta(duration, field=field) > LONGEST_WAIT:
        raise ConfigError(f"{field}: {duration!r} is longer than the 366 days a server waits.")
    return wire_duration(duration, field=field)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine, as far as can be told without calling it."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - a callable object's own method
    )


def plain_id(step_id: object) -> str:
    """Return a step id as a plain string; members of string enums are strings too.

    Raises:
        ConfigError: it is not a string, or empty.
    """
    if not isinstance(step_id, str) or not step_id:
        raise ConfigError(
            f"A step id must be a string that is not empty, got {step_id!r}; "
            "it is the first argument of every step."
        )
    return str.__str__(step_id)


def _refuse_handler(step_id: str, handler: object) -> NoReturn:
    """Say what step.run wants; a coroutine instead of a function is the usual slip."""
    if inspect.iscoroutine(handler):
        handler.close()
        raise ConfigError(
            f"step.run({step_id!r}) got a coroutine; pass the function and its arguments "
            f"apart: step.run({step_id!r}, function, argument)."
        )
    raise ConfigError(f"step.run({step_id!r}) needs a function to run, got {handler!r}.")


def shown_input(args: Sequence[Any]) -> dict[str, Any]:
    """Return the arguments as an option, unless they are no JSON or larger than servers take."""
    try:
        text = dumps(list(args))
    except CodecError:
        return {}
    return {"input": Fragment(text)} if len(text) <= _MOST_INPUT else {}


def _timing(started: int, ended: int) -> dict[str, int]:
    return {"a": started, "b": max(ended - started, 0)}
