"""What hooks are given: plain records they may read and change; nothing here calls a hook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from inngest_asgi.engine.context import Context, ContextSync
    from inngest_asgi.functions.function import Function
    from inngest_asgi.wire.events import Event
    from inngest_asgi.wire.names import Opcode

CallNext: TypeAlias = Callable[[Any], Any]
"""What an onion hook calls with its record to go on inwards: awaited in `async def` hooks."""

NO_OUTPUT: Final = type("NoOutput", (), {"__repr__": lambda _: "<no output>"})()
"""In a `TransformOutputResult`: nothing was returned, which is not None."""

_FIELDS = frozenset({"type", "data", "error"})


@dataclass(slots=True)
class MemoError:
    """The error a step failed with for good, as it was recorded."""

    message: str
    name: str
    stack: str | None = None


@dataclass(slots=True)
class StepMemo:
    """What a step of an earlier call left. Changed in `transform_input`, it is what the step gives.

    Attributes:
        id: the step's id as the server knows it: the SHA-1 of the one in the code, in hex.
        data: its result as JSON data; of a wait, the whole event; None if it failed.
        error: its error, if it failed for good.
    """

    id: str
    data: Any
    error: MemoError | None = None


class StepMemos:
    """The memos of a call, for `transform_input`.

    Args:
        steps: the memos as parsed, by hashed id; `write_back` changes it.
    """

    __slots__ = ("_memos", "_steps")

    def __init__(self, steps: dict[str, Any]) -> None:
        self._steps = steps
        self._memos: list[StepMemo] | None = None

    @property
    def size(self) -> int:
        """How many there are."""
        return sum(1 for _ in self.values())

    def values(self) -> Iterator[StepMemo]:
        """Yield them; assign to `data` or `error` to change what the steps give."""
        if self._memos is None:
            raws = self._steps.items()
            self._memos = [_read(id, raw) for id, raw in raws if not _is_override(raw)]
        return iter(self._memos)

    def write_back(self) -> None:
        """Let the steps see the changes; costs nothing when nobody looked at the memos."""
        for memo in self._memos or ():
            self._steps[memo.id] = _written(memo, self._steps[memo.id])


@dataclass(slots=True)
class StepInfo:
    """A step, in short.

    Attributes:
        id: the id the user gave it.
        op: what kind of step it is, such as "StepRun", "Sleep" or "InvokeFunction".
        opts: what is reported with it, such as the `input` of a `step.run` or the `payload` of an
            invoke; may be changed in place. Not in the repr: those of `step.ai.infer` have a key.
    """

    id: str
    op: Opcode
    opts: dict[str, Any] = field(repr=False)


@dataclass(slots=True)
class TransformOutputResult:
    """What a step or a function came to; whatever `output` and `error` are set to is reported.

    Attributes:
        error: what it raised, or None.
        output: what it returned, as JSON data.
        step: the step; None for the function itself.
    """

    error: Exception | None
    output: Any
    step: StepInfo | None = None

    def has_output(self) -> bool:
        """Whether something was returned, None included; not so of a sleep, or after an error."""
        return self.output is not NO_OUTPUT


@dataclass(slots=True)
class SendEventsResult:
    """What came of sending events.

    Attributes:
        ids: the ids of the events that were accepted.
        error: why not all of them were, or None.
    """

    ids: list[str] = field(default_factory=list)
    error: str | None = None


@dataclass(slots=True)
class RequestCall:
    """For `wrap_request`: one call of a function, before anything of it has run.

    Attributes:
        function: what is called.
        run_id: the run's id.
        attempt: how often this piece of work was tried before.
        raw_request: the host's request.
    """

    function: Function[Any]
    run_id: str
    attempt: int
    raw_request: object


@dataclass(slots=True)
class FunctionCall:
    """For `wrap_function`: a function and the context it is about to get."""

    ctx: Context[Any] | ContextSync[Any]
    function: Function[Any]


@dataclass(slots=True)
class StepCall:
    """For `wrap_step` and `wrap_step_handler`.

    Attributes:
        ctx: the call's context.
        function: the function whose step it is.
        step: the step; its `opts` may be changed in `wrap_step`, before it is announced.
        args: what its handler gets, by position; may be changed.
        kwargs: what its handler gets, by name; may be changed.
    """

    ctx: Context[Any] | ContextSync[Any]
    function: Function[Any]
    step: StepInfo
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class SendEventsCall:
    """For `wrap_send_events`: events that are about to be sent; the list may be changed.

    Attributes:
        events: the events.
        env: the branch environment to send to, where it is not the client's.
    """

    events: list[Event[Any]]
    env: str | None = None


@dataclass(slots=True)
class RunRecord:
    """For observers of runs.

    Attributes:
        ctx: the call's context.
        function: the function.
        output: what it returned, as JSON data (`on_run_complete`).
        error: what it raised (`on_run_error`).
        final: whether no attempt follows (`on_run_error`).
    """

    ctx: Context[Any] | ContextSync[Any]
    function: Function[Any]
    output: Any = None
    error: BaseException | None = None
    final: bool = False


@dataclass(slots=True)
class StepRecord:
    """For observers of steps.

    Attributes:
        ctx: the call's context.
        function: the function whose step it is.
        step: the step.
        output: what it returned, as JSON data (`on_step_complete`).
        error: what it raised (`on_step_error`).
        final: whether no attempt follows (`on_step_error`).
    """

    ctx: Context[Any] | ContextSync[Any]
    function: Function[Any]
    step: StepInfo
    output: Any = None
    error: BaseException | None = None
    final: bool = False


def _is_override(raw: Any) -> bool:
    """Whether it is no memo but the arguments that a step is to run with (steps.md 6)."""
    return isinstance(raw, dict) and raw.keys() == {"input"}


def _is_wrapped(raw: Any) -> bool:
    """Whether the result stands in a wrapper (steps.md 6.1), unlike that of a wait or a sleep."""
    return isinstance(raw, dict) and bool(raw) and raw.keys() <= _FIELDS


def _read(id: str, raw: Any) -> StepMemo:
    if not _is_wrapped(raw):
        return StepMemo(id, raw)
    error = raw.get("error")
    if not isinstance(error, dict):
        return StepMemo(id, raw.get("data"), None if error is None else MemoError(str(error), ""))
    stack = error.get("stack")
    return StepMemo(
        id,
        raw.get("data"),
        MemoError(
            message=str(error.get("message", "")),
            name=str(error.get("name", "")),
            stack=stack if isinstance(stack, str) else None,
        ),
    )


def _written(memo: StepMemo, raw: Any) -> Any:
    if memo.error is None:
        return {"data": memo.data} if _is_wrapped(raw) else memo.data
    recorded = raw["error"] if _is_wrapped(raw) and isinstance(raw.get("error"), dict) else {}
    error = {"message": memo.error.message, "name": memo.error.name, "stack": memo.error.stack}
    return {"error": recorded | error}
