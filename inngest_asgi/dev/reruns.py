"""Runs a function again with the events it had, wholly or from one of its steps (server-api.md 5).

The run that is repeated stays as it is. A rerun from a step takes over what was recorded before
that step, and may give the step other arguments. Rate limits, debounce and batching do not hold
for it: they decided about its events already.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.answers import MAX_STEP
from inngest_asgi.dev.records import Changes, Run
from inngest_asgi.dev.schedule import new_ulid
from inngest_asgi.errors import RequestError
from inngest_asgi.wire.codec import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.apps.registry import Registry
    from inngest_asgi.dev.commits import Commits
    from inngest_asgi.dev.records import Memo, Record
    from inngest_asgi.dev.schedule import Schedule
    from inngest_asgi.dev.store.store import Store

_WITH_INPUT = frozenset({"step", "steprun", "steperror", "stepfailed", "stepplanned", "aigateway"})
"""Ops of steps whose arguments may be replaced (steps.md 6), in lower case."""


@dataclass(frozen=True, slots=True)
class FromStep:
    """Where a rerun begins.

    Args:
        step: the step as its author called it, or its hashed id.
        input: its new arguments; None leaves them as they are.
    """

    step: str
    input: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class Reruns:
    """Starts runs anew."""

    clock: Clock
    store: Store
    registry: Registry
    schedule: Schedule
    commits: Commits

    async def rerun(self, run_id: str, start: FromStep | None = None) -> str:
        """Run a run's function again, and return the id of the new run.

        Args:
            run_id: the run to repeat, which need not have ended.
            start: the step to begin with; None: from the start.

        Raises:
            RequestError: there is no such run (404), or no such step in it (400).
            DevServerError: nothing could be saved.
        """
        old = await self.store.run(run_id)
        if old is None:
            raise RequestError(f"There is no run {run_id!r}.", code="not_found", status=404)
        now = self.clock.time()
        run = Run(new_ulid(self.clock), old.function_id, old.event, now)
        run.original_run_id = old.id
        run.batch_id, run.batch = old.batch_id, old.batch
        if start is not None:
            self._begin_at(run, old, start, await self.store.history(run_id))
        changes = Changes()
        changes.memos = [(run.id, at, memo) for at, memo in enumerate(run.memos.values())]
        self.schedule.add_run(run, self.registry.function(run.function_id), now, changes)
        await self.commits.commit(changes)
        return run.id

    def _begin_at(self, run: Run, old: Run, start: FromStep, history: list[Record]) -> None:
        steps = _steps(old, history)
        step_id = found_step(steps, start.step)
        if start.input is not None:
            run.inputs[step_id] = _checked_input(start, steps[step_id][1])
        for memo in _before(old.memos.values(), step_id):
            run.memos[memo.step_id] = memo
            run.memo_bytes += len(memo.value)


def found_step(steps: dict[str, tuple[str, str]], wanted: str) -> str:
    """Return the hashed id of the step that somebody means.

    Args:
        steps: name and op of a run's steps by hashed id.
        wanted: a hashed id, an id as the author wrote it, or a name.

    Raises:
        RequestError: there is none, or more than one.
    """
    if wanted in steps:
        return wanted
    hashed = hashlib.sha1(wanted.encode(), usedforsecurity=False).hexdigest()
    found = {step_id for step_id, (name, _) in steps.items() if name == wanted}
    found |= {hashed} & steps.keys()
    if len(found) == 1:
        return found.pop()
    if found:
        ids = ", ".join(step_id for step_id in steps if step_id in found)
        raise _refused(
            f"Step {wanted!r} is ambiguous: {len(found)} steps of the run are called so. "
            f"Name one of them by its hashed id: {ids}."
        )
    names = ", ".join(dict.fromkeys(name for name, _ in steps.values())) or "none"
    raise _refused(f"Step {wanted!r} was not found in the run. Its steps are: {names}.")


def _steps(run: Run, history: Iterable[Record]) -> dict[str, tuple[str, str]]:
    """Return name and op of all steps a run came across, done or not."""
    steps = {memo.step_id: (memo.name, memo.op) for memo in run.memos.values()}
    for record in history:
        details = record.details
        if record.kind.value.startswith("step_") and "id" in details:
            steps.setdefault(details["id"], (details.get("name", ""), details.get("op", "")))
    return steps


def _before(memos: Iterable[Memo], step_id: str) -> Iterable[Memo]:
    """Yield what was recorded before a step; all there is when the step is not done."""
    for memo in memos:
        if memo.step_id == step_id:
            return
        yield memo


def _checked_input(start: FromStep, op: str) -> bytes:
    if op.lower() not in _WITH_INPUT:
        raise _refused(f"Step {start.step!r} ({op}) takes no input.")
    given = dumps({"input": start.input})
    if len(given) > MAX_STEP:
        raise _refused(f"The input of a step has at most {MAX_STEP >> 20} MB.")
    return given


def _refused(message: str) -> RequestError:
    return RequestError(message, code="validation_error", status=400)
