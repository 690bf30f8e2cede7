"""Takes the steps that an app records in the midst of a call (checkpoint.md 2); calls nobody."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from inngest_asgi.dev.answers import TOO_LARGE, Failed, Op, read_op
from inngest_asgi.dev.defers import defer
from inngest_asgi.dev.failures import state_too_large
from inngest_asgi.dev.ops import finished
from inngest_asgi.dev.records import Changes, Happening
from inngest_asgi.dev.turn import keep_memo
from inngest_asgi.errors import RequestError

if TYPE_CHECKING:
    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.commits import Commits
    from inngest_asgi.dev.limits import Limits
    from inngest_asgi.dev.records import Job, Run
    from inngest_asgi.dev.runs import Runs
    from inngest_asgi.dev.watch import Feed

_ASYNC = frozenset(
    {
        "none",
        "steperror",
        "sleep",
        "waitforevent",
        "invokefunction",
        "aigateway",
        "gateway",
        "waitforsignal",
        "discoveryrequest",
    }
)
"""Ops that only an answer may carry, because they end its call (steps.md 2); in lower case."""

_ENDINGS = frozenset({"stepfailed", "runcomplete", "syncruncomplete"})
"""Ops that are refused when their turn comes, after those before them were kept."""

_DEFERS = frozenset({"deferadd", "deferabort"})
_KNOWN = _ENDINGS | _DEFERS | {"step", "steprun", "stepplanned"}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What an app sent.

    `job_id` and `generation` name the call it is in, as far as it said. An op that is too large
    is a `Failed` among `ops`: those before it count all the same.
    """

    run_id: str
    job_id: str | None
    generation: int
    ops: tuple[Op | Failed, ...]


class Checkpoints:
    """Keeps steps as if an answer had reported them, while their call goes on."""

    def __init__(
        self, clock: Clock, limits: Limits, runs: Runs, commits: Commits, feed: Feed
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._runs = runs
        self._commits = commits
        self._feed = feed

    async def accept(self, document: Any) -> None:
        """Save the steps of a checkpoint; those that are known already are ignored.

        Raises:
            RequestError: it is refused. Status 409 says that the call was given up by the server,
                413 that a step or the run got too large, 400 that it makes no sense. In the last
                two cases the steps before the one that is meant were saved (checkpoint.md 2.2).
            DevServerError: it could not be saved.
        """
        checkpoint = read_checkpoint(document)
        run = await self._runs.get(checkpoint.run_id)
        try:
            if run is None or run.status.ended:
                _refuse(f"There is no run {checkpoint.run_id!r} that has not ended.")
            job = run.jobs.get(checkpoint.job_id or "")
            _check_dispatch(checkpoint, job)
            changes = Changes(runs=[run])
            try:
                self._take(run, job, checkpoint, changes)
            finally:
                await self._commits.commit(changes)
        finally:
            self._runs.release(checkpoint.run_id)

    def _take(self, run: Run, job: Job | None, checkpoint: Checkpoint, changes: Changes) -> None:
        """Take ops over one by one, until one cannot be."""
        attempt, now = 0 if job is None else job.attempt, self._clock.time()
        if job is not None and job.leased and job.attempt:
            job.attempt = 0
            changes.jobs.append(job)
        for op in checkpoint.ops:
            if isinstance(op, Failed):
                _refuse(op.error["message"], 413)
            told = _record(run, op, self._limits.state_of(run.function_id), changes)
            if told is not None:
                kind, more = told
                about = op.about(attempt) | more
                changes.records.append(self._feed.record(run, kind, now, about))


def read_checkpoint(document: Any) -> Checkpoint:
    """Read the body of a checkpoint.

    Raises:
        RequestError: it is not one, or holds what cannot be recorded in the midst of a call.
    """
    fields = document if isinstance(document, dict) else {}
    run_id, fn_id, steps = (fields.get(key) for key in ("run_id", "fn_id", "steps"))
    if not (isinstance(run_id, str) and isinstance(fn_id, str) and isinstance(steps, list)):
        _refuse("A checkpoint is an object with run_id, fn_id (text) and steps (a list).")
    qi_id, generation = fields.get("qi_id"), fields.get("generation_id") or 0
    if not isinstance(qi_id, str | None) or not isinstance(generation, int):
        _refuse("In a checkpoint, qi_id is text and generation_id a whole number.")
    ops = tuple(_read_op(item) for item in steps)
    return Checkpoint(run_id, _job_id(qi_id or ""), generation, ops)


def _read_op(item: Any) -> Op | Failed:
    """Read one op; whether its turn may come at all is decided here, before any is kept."""
    op = read_op(item)
    if isinstance(op, Failed):
        if op.error["code"] != TOO_LARGE:
            _refuse(op.error["message"])
    elif op.kind.lower() in _ASYNC:
        _refuse("cannot checkpoint async steps")
    elif op.kind.lower() not in _KNOWN:
        _refuse(f"There is no opcode {op.kind!r}.")
    return op


def _record(
    run: Run, op: Op, most: int, changes: Changes
) -> tuple[Happening, dict[str, Any]] | None:
    """Take one op over into a run; return what to tell of it, if it is anything new."""
    kind = op.kind.lower()
    if kind in _ENDINGS:
        _refuse(f"cannot checkpoint opcode: {op.kind}")
    if kind in _DEFERS:
        change = defer(run, op)
        if change is not None and change.defer is not None:
            changes.defers.append((run.id, change.defer))
        return None if change is None else (change.kind, change.more)
    if op.id in run.memos:
        return None
    if kind == "stepplanned":
        return Happening.STEP_PLANNED, {}
    memo = finished(op)
    if run.memo_bytes + len(memo.value) > most:
        _refuse(state_too_large(most)["message"], 413)
    changes.memos.append((run.id, len(run.memos), memo))
    keep_memo(run, memo)
    run.pending.pop(op.id, None)
    return Happening.STEP_RECORDED, {}


def _job_id(qi_id: str) -> str | None:
    """Return the job that `ctx.qi_id` stands for; None when it is not one of ours."""
    try:
        return base64.b64decode(qi_id, validate=True).decode().partition("::")[0] or None
    except ValueError:
        return None


def _check_dispatch(checkpoint: Checkpoint, job: Job | None) -> None:
    """Refuse what comes from a call that the server no longer waits for.

    A checkpoint that does not name its call passes (checkpoint.md 2.3). Real servers look only at
    calls that are ten seconds old; here it costs nothing to look at all of them, and an app that
    hears of it at once runs no step twice.
    """
    if checkpoint.generation <= 0 or checkpoint.job_id is None:
        return
    if job is None or job.generation != checkpoint.generation:
        _refuse("This call is stale: the server made it anew, or is done with it.", 409)


def _refuse(message: str, status: int = 400) -> NoReturn:
    raise RequestError(message, code="", status=status)
