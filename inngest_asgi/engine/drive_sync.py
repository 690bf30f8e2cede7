"""The blocking shell: runs a blocking function on its thread, around the machine.

Blocking code cannot be parked, so a step that cannot go on unwinds the function: `Answered` when
the call's outcome is known, `Parked` inside `group.parallel`, where siblings are still to be asked.
"""

from __future__ import annotations

import contextvars
import inspect
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, cast

from inngest_asgi.engine.drive_body import Ended, contained
from inngest_asgi.engine.memos import MISSING
from inngest_asgi.engine.ops import PLAIN_SCOPE, SCOPE, Op, Scope, enter
from inngest_asgi.engine.run import Execute, Machine
from inngest_asgi.errors import StepUsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from inngest_asgi.clock import Clock
    from inngest_asgi.engine.outcomes import Outcome

_LATE_PAUSE = 0.1


class Answered(BaseException):
    """This call of the function is over; let it pass."""


class Parked(BaseException):
    """A branch of `group.parallel` waits for a step; let it pass."""


class DriveSync:
    """Drives one call of a blocking function, on the thread that calls `run`.

    Args:
        machine: the call's machine, made with `blocking=True`.
        clock: for timings.
        on_loop: awaits something on the call's event loop, in a context, and waits for its end.
        on_outcome: told as soon as the outcome is known, while user code still unwinds.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        clock: Clock,
        on_loop: Callable[[Awaitable[Any], contextvars.Context], Ended],
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        self._machine = machine
        self._clock = clock
        self._on_loop = on_loop
        self._on_outcome = on_outcome
        self._outcome: Outcome | None = None
        self._thread = 0
        self._whole = self._branch = Branch()
        self._uses: dict[str, Use] = {}

    def run(self, function: Callable[[], Any]) -> Outcome:
        """Run user code until this call's outcome is known."""
        self._thread = threading.get_ident()
        SCOPE.set(PLAIN_SCOPE)  # a call served inside a step's body is a call of its own
        try:
            self._machine.returned(function())
        except BaseException as error:  # noqa: BLE001 - it becomes the function's error
            self._machine.raised(error)
        try:
            return self._outcome or self._decide()
        finally:
            self._machine.let_go()

    def step(self, op: Op) -> Any:
        """Announce a step and return its result; the tools' only way in.

        Raises:
            StepError: the step failed for good.
            StepUsageError: it is used on another thread than the function's.
        """
        scope = SCOPE.get()
        enter(op, scope)
        self._check_thread(op)
        self._refuse_late()
        op.id, op.index = self._machine.claim(op.step_id, race=scope.race)
        self._branch.steps.append(op)
        self._branch.round += 1
        if self._uses or self._branch is not self._whole:
            self._note_use(op)
        memo = self._machine.memos.get(op.id)
        if memo is not MISSING:
            return op.rebuild(memo)
        op.context = contextvars.copy_context()
        self._machine.park(op)
        return self.answer()

    def answer(self) -> NoReturn:
        """Decide on what is parked and unwind the function.

        Raises:
            Answered: always; or `Parked`, inside a branch whose siblings are still to be asked.
        """
        if self._branch is not self._whole and self._machine.target is None:
            self._branch.parked = True
            raise Parked("This branch waits for its siblings.")
        if self._outcome is None:
            self._outcome = self._decide()
            self._on_outcome(self._outcome)
        raise Answered("This call of the function is over; steps go on in a later one.")

    def branches(self, functions: Sequence[Callable[[], Any]]) -> list[Branch]:
        """Run the branches of a group, each as far as it goes."""
        outer = self._branch
        branches = [self._run_branch(one, Branch(outer)) for one in functions]
        outer.round = max((one.round for one in branches), default=outer.round)
        return branches

    def finished_at(self, branch: Branch) -> int:
        """Return the place of a branch's last step in the order steps finished."""
        return max((self._machine.memos.rank(op.id) for op in branch.steps), default=-1)

    def abandon(self, branch: Branch) -> None:
        """Forget what a branch that lost a race is parked at (rule 11)."""
        for op in branch.steps:
            self._machine.abandon(op)

    def _run_branch(self, function: Callable[[], Any], branch: Branch) -> Branch:
        outer, self._branch = self._branch, branch
        try:
            branch.value = function()
        except Parked:
            pass
        except StepUsageError:
            raise
        except Exception as error:  # noqa: BLE001 - raised again when its siblings have ended
            branch.error = error
        finally:
            self._branch = outer
            outer.steps.extend(branch.steps)
        return branch

    def _note_use(self, op: Op) -> None:
        """Refuse ids whose repeats branches would count differently from call to call.

        Branches run one after the other, each as far as its memos go. Repeats of an id in several
        branches are counted alike in each call only if all of them come to it in the same round.
        Once there was a race, calls come in the middle of a round: only first steps are sure.
        """
        branch = self._branch
        late = self._machine.race and branch.round > branch.start + 1
        use = Use(branch, branch.round, late)
        last = self._uses.get(op.step_id)
        if last is not None and use.may_be_miscounted_after(last):
            raise StepUsageError(
                f"Step id {op.step_id!r} is used by several branches of a group, at different "
                "places. A blocking function cannot tell them apart; "
                "give the steps of each branch ids of their own."
            )
        if branch is not self._whole:
            self._uses[op.step_id] = use

    def _decide(self) -> Outcome:
        # A blocking machine neither waits nor has memos to resolve.
        action = cast("Execute | Outcome", self._machine.next_action())
        return self._perform(action.op) if isinstance(action, Execute) else action

    def _perform(self, op: Op) -> Outcome:
        context = op.context
        context.run(SCOPE.set, Scope(body_of=op))
        override = self._machine.memos.input_override(op.id)
        started = self._clock.nanoseconds()
        value, error = context.run(contained, op.call, override)
        if error is None and inspect.isawaitable(value):
            value, error = self._on_loop(value, context)
        ended = self._clock.nanoseconds()
        data, error = contained(op.dump, value) if error is None else (None, error)
        return self._machine.performed(op, data, error, started=started, ended=ended)

    def _check_thread(self, op: Op) -> None:
        if threading.get_ident() != self._thread:
            raise StepUsageError(
                f"Step {op.step_id!r} is used on another thread than its function's. "
                "Use group.parallel for steps side by side; do other work inside step.run."
            )

    def _refuse_late(self) -> None:
        """Unwind code that swallowed `Answered` or `Parked`; slowly from the second time (rule 9).

        What such code would announce follows from a step that has no result yet.
        """
        if self._outcome is None and not self._branch.parked:
            return
        if self._branch.refused:
            threading.Event().wait(_LATE_PAUSE)
        self._branch.refused = True
        if self._outcome is None:
            raise Parked("This branch waits for its siblings.")
        raise Answered("This call of the function is over; steps go on in a later one.")


class Branch:
    """How far a function, or one branch of a group, went: parked, or ended with value or error."""

    __slots__ = ("error", "outer", "parked", "refused", "round", "start", "steps", "value")

    def __init__(self, outer: Branch | None = None) -> None:
        self.outer = outer
        self.round: int = outer.round if outer else 0
        # Of the group that stands in no other one: there all branches set out together.
        self.start: int = outer.start if outer and outer.outer else self.round
        self.value: Any = None
        self.error: Exception | None = None
        self.parked = False
        self.refused = False
        self.steps: list[Op] = []

    def holds(self, other: Branch | None) -> bool:
        """Whether the other is this branch or runs inside it."""
        while other is not None and other is not self:
            other = other.outer
        return other is self

    def result(self) -> Any:
        """Return the branch's value, or raise its error."""
        if self.error is not None:
            raise self.error
        return self.value


@dataclass(frozen=True, slots=True)
class Use:
    """Where a step id was used: in which branch and round; `late`: calls may differ in this."""

    branch: Branch
    round: int
    late: bool

    def may_be_miscounted_after(self, last: Use) -> bool:
        """Whether, in another call, these two uses of an id may come in the other order."""
        if last.branch.holds(self.branch):
            return False
        if self.branch.holds(last.branch):
            return last.late
        return self.late or last.late or self.round != last.round
