"""The blocking shell: runs a blocking function on its thread, around the machine.

Blocking code cannot be parked, so a step that cannot go on unwinds the function: `Answered` when
the call's outcome is known, `Parked` inside `group.parallel`, where siblings are still to be asked.
"""

from __future__ import annotations

import contextvars
import inspect
import threading
from typing import TYPE_CHECKING, Any

from inngest_asgi.engine.drive_body import contained
from inngest_asgi.engine.memos import MISSING
from inngest_asgi.engine.ops import SCOPE, Op, Scope, enter
from inngest_asgi.engine.run import Execute, Machine, Resolve, Wait
from inngest_asgi.errors import StepUsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from inngest_asgi.clock import Clock
    from inngest_asgi.engine.outcomes import Outcome

_LATE_PAUSE = 1.0


class Answered(BaseException):
    """This call of the function is over; let it pass."""


class Parked(BaseException):
    """A branch of `group.parallel` waits for a step; let it pass."""


class DriveSync:
    """Drives one call of a blocking function, on the thread that calls `run`.

    Args:
        machine: the call's machine, made with `blocking=True`.
        clock: for timings.
        on_loop: runs a coroutine on the call's event loop, with a context, and waits for it.
        on_outcome: told as soon as the outcome is known, while user code still unwinds.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        clock: Clock,
        on_loop: Callable[[Awaitable[Any], contextvars.Context], Any],
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        self._machine = machine
        self._clock = clock
        self._on_loop = on_loop
        self._on_outcome = on_outcome
        self._outcome: Outcome | None = None
        self._thread = 0
        self._depth = 0
        self._refused = 0
        self._branch: list[Op] = []

    def run(self, function: Callable[[], Any]) -> Outcome:
        """Run user code until this call's outcome is known."""
        self._thread = threading.get_ident()
        try:
            value = function()
        except BaseException as error:  # noqa: BLE001 - it becomes the function's error
            self._machine.raised(error)
        else:
            self._machine.returned(value)
        return self._outcome or self._decide()

    def step(self, op: Op) -> Any:
        """Announce a step and return its result; the tools' only way in.

        Raises:
            StepError: the step failed for good.
            StepUsageError: it is used on another thread than the function's.
        """
        if threading.get_ident() != self._thread:
            raise StepUsageError(
                f"Step {op.step_id!r} is used on another thread than its function's. "
                "Use group.parallel for steps side by side; do other work inside step.run."
            )
        self._refuse_late()
        scope = SCOPE.get()
        enter(op, scope)
        op.id, op.index = self._machine.claim(op.step_id, race=scope.race)
        memo = self._machine.memos.get(op.id)
        if memo is not MISSING:
            self._branch.append(op)
            return op.rebuild(memo)
        op.context = contextvars.copy_context()
        self._machine.park(op)
        if self._depth and self._machine.target is None:
            self._branch.append(op)
            raise Parked(f"Step {op.step_id!r} waits for its siblings.")
        self.answer()
        return None

    def answer(self) -> None:
        """Decide on what is parked and unwind the function.

        Raises:
            Answered: always; or `Parked`, inside an outer `group.parallel`.
        """
        if self._depth and self._machine.target is None:
            raise Parked("An inner group.parallel waits for its steps.")
        self._outcome = self._decide()
        self._on_outcome(self._outcome)
        raise Answered("This call of the function is over; steps go on in a later one.")

    def branch(self, function: Callable[[], Any]) -> Branch:
        """Run one branch of a group as far as it goes."""
        outer, self._branch = self._branch, []
        self._depth += 1
        try:
            ended = Branch(value=function())
        except Parked:
            ended = Branch(parked=True)
        except Exception as error:  # noqa: BLE001 - raised again when its siblings have ended
            ended = Branch(error=error)
        finally:
            self._depth -= 1
            steps, self._branch = self._branch, outer
            outer.extend(steps)
        ended.steps = steps
        return ended

    def finished_at(self, branch: Branch) -> int:
        """Return the place of a branch's last step in the order steps finished."""
        return max((self._machine.memos.rank(op.id) for op in branch.steps), default=-1)

    def abandon(self, branch: Branch) -> None:
        """Forget what a branch that lost a race is parked at (rule 11)."""
        for op in branch.steps:
            if self._machine.memos.get(op.id) is MISSING:
                self._machine.abandon(op)

    def _decide(self) -> Outcome:
        action = self._machine.next_action()
        if isinstance(action, Execute):
            return self._perform(action.op)
        if isinstance(action, Resolve | Wait):
            raise AssertionError(f"a blocking call cannot {action!r}")
        return action

    def _perform(self, op: Op) -> Outcome:
        context = op.context or contextvars.copy_context()
        context.run(SCOPE.set, Scope(body_of=op))
        override = self._machine.memos.input_override(op.id)
        started = self._clock.nanoseconds()
        value, error = context.run(contained, op, override)
        if error is None and inspect.isawaitable(value):
            value, error = self._on_loop(value, context)
        ended = self._clock.nanoseconds()
        if error is not None:
            return self._machine.failed(op, error, started=started, ended=ended)
        return self._machine.succeeded(op, value, started=started, ended=ended)

    def _refuse_late(self) -> None:
        """Unwind code that swallowed `Answered`; slowly from the second time (rule 9)."""
        if self._outcome is None:
            return
        self._refused += 1
        if self._refused > 1:
            threading.Event().wait(_LATE_PAUSE)
        raise Answered("This call of the function is over; steps go on in a later one.")


class Branch:
    """How far one branch of a group went: parked, or ended with a value or an error."""

    __slots__ = ("error", "parked", "steps", "value")

    def __init__(
        self, value: Any = None, error: Exception | None = None, *, parked: bool = False
    ) -> None:
        self.value = value
        self.error = error
        self.parked = parked
        self.steps: list[Op] = []

    def result(self) -> Any:
        """Return the branch's value, or raise its error."""
        if self.error is not None:
            raise self.error
        return self.value
