"""What earlier calls left us: finished steps by hashed id, and the order they finished in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from inngest_asgi.engine.ids import hash_id
from inngest_asgi.errors import StepError
from inngest_asgi.wire.replies import CAUSE_DEPTH

if TYPE_CHECKING:
    from inngest_asgi.engine.ids import StepIds

MISSING: Final = object()
"""Returned instead of a memo where there is none."""

_WRAPPER = frozenset({"type", "data", "error"})


class Memos:
    """The memos of one call, used as parsed and looked at only when their step asks.

    Memos resolve in the order their steps finished, so that a race over steps has the same
    winner on every replay (architecture, engine rule 5).
    """

    __slots__ = ("_count", "_cursor", "_early", "_order", "_ranks", "_steps")

    def __init__(self, steps: dict[str, Any], order: list[str]) -> None:
        self._steps = steps
        self._order = order
        self._cursor = 0
        self._early: set[str] = set()
        self._count: int | None = None
        self._ranks: dict[str, int] | None = None

    def get(self, id: str) -> Any:
        """Return a step's memo as parsed, or MISSING; an input override is not a memo."""
        memo = self._steps.get(id, MISSING)
        if memo.__class__ is dict and len(memo) == 1 and "input" in memo:
            return MISSING
        return memo

    def input_override(self, id: str) -> list[Any] | None:
        """Return the arguments a server wants the step to run with (steps.md 6), if any."""
        memo = self._steps.get(id)
        if isinstance(memo, dict) and memo.keys() == {"input"} and isinstance(memo["input"], list):
            return memo["input"]
        return None

    def recall(self, step_id: str, ids: StepIds) -> Any:
        """Return the result of the step that is next in order; note it as announced and resolved.

        It is the short way of what replays are made of: memos that are nothing but a result, and
        asked for in their order by steps that are used once.

        Returns:
            The result as parsed; MISSING for all other memos, of which `take` knows.
        """
        id, cursor = hash_id(step_id), self._cursor
        if id in ids.taken:
            return MISSING
        try:
            if self._order[cursor] != id:
                return MISSING
            memo = self._steps[id]
            data = memo["data"]
        except (LookupError, TypeError):
            return MISSING
        if len(memo) != 1:
            return MISSING
        self._cursor = cursor + 1
        ids.recalled.append(id)
        return data

    def take(self, id: str) -> Any:
        """Return a memo that is next in order and note it as resolved, or MISSING."""
        order, cursor = self._order, self._cursor
        while cursor < len(order):
            memo = self.get(id) if order[cursor] == id else MISSING
            if memo is not MISSING:
                self._cursor = cursor + 1
                return memo
            if order[cursor] not in self._early and self.get(order[cursor]) is not MISSING:
                break
            cursor += 1
        self._cursor = cursor
        return MISSING

    def resolve(self, id: str) -> None:
        """Note that a memo reached user code, next in order or not."""
        if self.take(id) is MISSING:
            self._early.add(id)

    @property
    def count(self) -> int:
        """How many there are."""
        if self._count is None:
            self._count = sum(1 for id in self._steps if self.get(id) is not MISSING)
        return self._count

    @property
    def newest(self) -> str | None:
        """The step whose memo came last, if there is one."""
        place = self._newest_place()
        return None if place < 0 else self._order[place]

    @property
    def newest_is_resolved(self) -> bool:
        """Whether the memo that came last was taken, or noted as resolved; so if there is none."""
        place = self._newest_place()
        return place < self._cursor or self._order[place] in self._early

    def _newest_place(self) -> int:
        places = range(len(self._order) - 1, -1, -1)
        return next((one for one in places if self.get(self._order[one]) is not MISSING), -1)

    def rank(self, id: str) -> int:
        """Return the place of a memo in the order of finishing; unlisted ones come last."""
        if self._ranks is None:
            self._ranks = {one: place for place, one in enumerate(self._order)}
        return self._ranks.get(id, len(self._order))


def memo_result(memo: Any, step_id: str) -> Any:
    """Take a runnable step's memo out of its wrapper (steps.md 6.1).

    Raises:
        StepError: the memo records that the step failed for good.
    """
    if memo.__class__ is not dict:
        return memo
    if len(memo) == 1 and "data" in memo:
        return memo["data"]
    if memo and memo.keys() <= _WRAPPER:
        if memo.get("error") is not None:
            raise recorded_error(memo["error"], step_id)
        if "data" in memo:
            return memo["data"]
    return memo


def recorded_error(error: Any, step_id: str | None = None, depth: int = CAUSE_DEPTH) -> StepError:
    """Rebuild an error from its wire shape, `depth` causes deep; what is odd becomes text."""
    if not isinstance(error, dict):
        return StepError(str(error), step_id=step_id)
    name, message, stack = error.get("name"), error.get("message"), error.get("stack")
    cause = error.get("cause")
    return StepError(
        message if isinstance(message, str) else str(error.get("error", "")),
        name=name if isinstance(name, str) and name else "StepError",
        stack=stack if isinstance(stack, str) else None,
        step_id=step_id,
        cause=recorded_error(cause, depth=depth - 1) if isinstance(cause, dict) and depth else None,
    )
