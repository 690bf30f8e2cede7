"""The machine for one call of a run: what was announced, and what to do next. It does no I/O.

A shell feeds it (`claim`, `park`, `abandon`, `returned`, `raised`) and, whenever user code can go
no further, asks `next_action()` and does what the answer says:

    Resolve     give this memo to the step's waiter, let user code go on, ask again
    Execute     run this step's body here, then call `performed`: it returns the outcome
    Wait        nothing can be decided yet; ask again when something was announced or returned,
                and after `grace` seconds (None: no limit) take `stalled()` for the outcome
    an Outcome  the call is over (engine/outcomes.py)
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from inngest_asgi.engine.ids import StepIds
from inngest_asgi.engine.memos import MISSING, Memos
from inngest_asgi.engine.outcomes import (
    STEP_FINAL,
    Outcome,
    Raised,
    Report,
    Returned,
    TargetMissing,
    describe,
)
from inngest_asgi.errors import NestedStepError
from inngest_asgi.wire.names import ErrorCode, Opcode
from inngest_asgi.wire.replies import ErrorRecord

if TYPE_CHECKING:
    from inngest_asgi.engine.ops import Op
    from inngest_asgi.wire.calls import Call

STALL_GRACE = 10.0
"""Seconds a targeted call may do I/O of its own before its step must have been announced."""

NESTED = ErrorRecord(
    name="NestedStepError",
    message="Nested steps are not supported: a step's function used another step. "
    "Call the steps one after the other, from the function itself.",
    code=ErrorCode.STEP_NESTED,
)


@dataclass(frozen=True, slots=True)
class Resolve:
    """Give a memo to the waiter of its step."""

    op: Op
    memo: Any


@dataclass(frozen=True, slots=True)
class Execute:
    """Run a step's body here and now."""

    op: Op


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be decided yet."""

    grace: float | None


Action = Resolve | Execute | Wait | Outcome


class Machine:
    """One call's state.

    Args:
        call: the call as parsed.
        blocking: whether user code blocks: then nothing can happen while it does, and there is
            never a reason to wait.

    Attributes:
        ids: those of the steps that were announced.
        memos: what earlier calls left.
        race: whether one of them was in race mode.
        targeted: whether the server asked for one step; `target`: that step, once announced.
    """

    __slots__ = (
        "_abandoned",
        "_blocking",
        "_call",
        "_dropped",
        "_ended",
        "_found",
        "_memoised",
        "_planned",
        "_queue",
        "ids",
        "memos",
        "race",
        "target",
        "targeted",
    )

    def __init__(self, call: Call, *, blocking: bool = False) -> None:
        self.memos = Memos(call.steps, call.order)
        self.target: Op | None = None
        self.targeted = call.target is not None
        self._call = call
        self._blocking = blocking
        self.ids = StepIds()
        self._memoised: dict[str, Op] = {}
        self._queue: list[tuple[int, int, str]] = []
        self._planned: dict[str, Op] = {}
        self._found: list[str] = []
        self._abandoned = 0
        self._dropped: set[str] = set()
        self.race = False
        self._ended: Returned | Raised | None = None

    # What the shell tells.

    def claim(self, step_id: str, *, race: bool) -> tuple[str, int]:
        """Count a step as announced and return its hashed id and repeat index (rule 14)."""
        if race:
            self.race = True
        return self.ids.claim(step_id)

    def take(self, id: str) -> Any:
        """Return the memo of a step when it may resolve at once, else MISSING (rule 5)."""
        return MISSING if self.target is not None else self.memos.take(id)

    def park(self, op: Op) -> None:
        """Hold a step that could not resolve at once."""
        memo = self.memos.get(op.id)
        if memo is not MISSING:
            self._memoised[op.id] = op
            heappush(self._queue, (self.memos.rank(op.id), self.announced, op.id))
            return
        override = self.memos.input_override(op.id)
        if override:
            op.revise(override)
        self._found.append(op.id)
        if op.id == self._call.target:
            self.target = op
        else:
            self._planned[op.id] = op

    def abandon(self, op: Op) -> None:
        """Forget a parked step whose awaiter was cancelled; it counts for rule 3 (rule 11)."""
        if self._planned.pop(op.id, None) is not None:
            self._abandoned += 1
        elif self._memoised.pop(op.id, None) is not None:
            self._dropped.add(op.id)
            self.memos.resolve(op.id)

    def returned(self, value: Any) -> None:
        """Note that the function returned."""
        self._ended = Returned(value)

    def raised(self, error: BaseException) -> None:
        """Note that the function raised."""
        self._ended = Raised(error)

    def let_go(self) -> None:
        """Forget, once the call is over, what leads back here: parked steps, and how it ended."""
        if self.parked:
            for op in (*self._planned.values(), *self._memoised.values(), self.target):
                if op is not None:
                    del op.context
            self._planned.clear()
            self._memoised.clear()
        self.target = self._ended = None

    @property
    def end(self) -> Returned | Raised | None:
        """How the function ended, if no step is parked and none was asked for: then that is all."""
        return None if self.targeted or self._planned or self._memoised else self._ended

    @property
    def announced(self) -> int:
        """How many steps were announced; each took an id of its own."""
        return len(self.ids)

    @property
    def parked(self) -> bool:
        """Whether a live step waits for something."""
        return bool(self._planned or self._memoised or self.target)

    @property
    def replaying(self) -> bool:
        """Whether user code only repeats what earlier calls did; costs nothing until it is asked.

        Memos reach async code in the order they came, so with the newest one the replay is over,
        even if others (a removed step's, a lost race's) are never asked for. They reach blocking
        code in the order of the code: there the replay is over with the last of them.
        """
        if self.memos.newest in self._dropped:
            return True
        if self.announced - len(self._found) - len(self._memoised) >= self.memos.count:
            return False
        return self._blocking or not self.memos.newest_is_resolved

    # What the shell asks.

    def next_action(self) -> Action:
        """Decide, once user code can go no further."""
        if self.target is not None:
            op = self.target
            return Execute(op) if op.runnable else Report([op.unrun()])
        if isinstance(self._ended, Raised):
            return self._ended
        if self._memoised:
            return self._resolve_next()
        if self._call.target is not None:
            return self._without_target(self._call.target)
        if self._planned:
            return self._discover()
        return self._ended or Wait(None)

    def stalled(self) -> Outcome:
        """Return the outcome when waiting for the target came to nothing (rule 7)."""
        return TargetMissing(self._call.target or "", self._found)

    def performed(
        self, op: Op, data: Any, error: BaseException | None, *, started: int, ended: int
    ) -> Outcome:
        """Return the outcome after a body ended: done, to be tried again, or failed for good.

        Args:
            op: the step.
            data: its result as dumped.
            error: what it raised instead, or what dumping its result raised.
            started: when it started, in Unix nanoseconds.
            ended: when it ended, in Unix nanoseconds.
        """
        if op.nested:
            shape = op.failed(Opcode.STEP_FAILED, NESTED, started, ended)
            return Report([shape], no_retry=True, error=NestedStepError(NESTED.message))
        if error is None:
            return Report([op.ran(data, started, ended)])
        failure = describe(error, STEP_FINAL)
        final = self._call.last_attempt or not failure.retriable
        code = Opcode.STEP_FAILED if final else Opcode.STEP_ERROR
        return Report(
            [op.failed(code, failure.record, started, ended)],
            no_retry=final,
            retry_after=None if final else failure.retry_after,
            error=error,
        )

    # How it decides.

    def _resolve_next(self) -> Action:
        while (id := heappop(self._queue)[2]) not in self._memoised:
            pass  # its awaiter was cancelled
        self.memos.resolve(id)
        return Resolve(self._memoised.pop(id), self.memos.get(id))

    def _discover(self) -> Action:
        ops = list(self._planned.values())
        if len(ops) == 1 and self._may_execute(ops[0]):
            return Execute(ops[0])
        return Report([op.unrun() for op in ops])

    def _may_execute(self, op: Op) -> bool:
        alone = self._abandoned == 0 and not self.race
        return op.runnable and alone and not self._call.plan_only

    def _without_target(self, target: str) -> Action:
        """Decide on a targeted call whose step has not been announced."""
        if self.memos.get(target) is not MISSING:
            return self._after_memoised_target()
        idle = self._ended is not None and not self._planned
        if self._blocking or idle:
            return self.stalled()
        return Wait(STALL_GRACE if self._planned else None)

    def _after_memoised_target(self) -> Action:
        """Answer a call that was delivered again after its step was recorded: nothing to do."""
        return Report([]) if self._planned or self._ended else Wait(None)
