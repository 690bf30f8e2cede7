"""Takes the steps that an app records in the midst of a call (checkpoint.md 2); calls nobody."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from inngest_asgi.dev.answers import TOO_LARGE, Failed, Op, read_op
from inngest_asgi.dev.ops import finished
from inngest_asgi.dev.records import Changes, Happening
from inngest_asgi.dev.turn import MAX_STATE, keep_memo
from inngest_asgi.errors import RequestError

if TYPE_CHECKING:
    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.commits import Commits
    from inngest_asgi.dev.records import Job, Memo, Run
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


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What an app sent.

    `job_id` and `generation` name the call it is in, as far as it said. A step that ran comes
    with what it leaves, one that is only planned with None.
    """

    run_id: str
    job_id: str | None
    generation: int
    steps: tuple[tuple[Op, Memo | None], ...]


class Checkpoints:
    """Keeps steps as if an answer had reported them, while their call goes on."""

    def __init__(self, clock: Clock, runs: Runs, commits: Commits, feed: Feed) -> None:
        self._clock = clock
        self._runs = runs
        self._commits = commits
        self._feed = feed

    async def accept(self, document: Any) -> None:
        """Save the steps of a checkpoint, all or none; those that are known already are ignored.

        Raises:
            RequestError: it is refused. Status 409 says that the call was given up by the server,
                413 that a step or the run got too large, 400 that it makes no sense.
            DevServerError: it could not be saved.
        """
        checkpoint = read_checkpoint(document)
        run = await self._runs.get(checkpoint.run_id)
        try:
            if run is None or run.status.ended:
                _refuse(f"There is no run {checkpoint.run_id!r} that has not ended.")
            job = run.jobs.get(checkpoint.job_id or "")
            _check_dispatch(checkpoint, job)
            _check_size(run, checkpoint)
            await self._commits.commit(self._changes(run, job, checkpoint))
        finally:
            self._runs.release(checkpoint.run_id)

    def _changes(self, run: Run, job: Job | None, checkpoint: Checkpoint) -> Changes:
        changes, now = Changes(runs=[run]), self._clock.time()
        attempt = job.attempt if job is not None else 0
        for op, memo in checkpoint.steps:
            if op.id in run.memos:
                continue
            kind = Happening.STEP_PLANNED
            if memo is not None:
                kind = Happening.STEP_RECORDED
                changes.memos.append((run.id, len(run.memos), memo))
                keep_memo(run, memo)
                run.pending.pop(op.id, None)
            changes.records.append(self._feed.record(run, kind, now, op.about(attempt)))
        if job is not None and job.leased and job.attempt:
            job.attempt = 0
            changes.jobs.append(job)
        return changes


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
    ops = [_read_op(item) for item in steps]
    if any(op.kind.lower() in _ASYNC for op in ops):
        _refuse("cannot checkpoint async steps")
    return Checkpoint(
        run_id, _job_id(qi_id or ""), generation, tuple((op, _memo(op)) for op in ops)
    )


def _read_op(item: Any) -> Op:
    op = read_op(item)
    if isinstance(op, Failed):
        _refuse(op.error["message"], 413 if op.error.get("code") == TOO_LARGE else 400)
    return op


def _memo(op: Op) -> Memo | None:
    kind = op.kind.lower()
    if kind == "stepplanned":
        return None
    if kind not in ("step", "steprun"):
        _refuse(f"cannot checkpoint opcode: {op.kind}")
    return finished(op)


def _job_id(qi_id: str) -> str | None:
    """Return the job that `ctx.qi_id` stands for; None when it is not one of ours."""
    try:
        return base64.b64decode(qi_id, validate=True).decode().partition("::")[0] or None
    except ValueError:
        return None


def _check_dispatch(checkpoint: Checkpoint, job: Job | None) -> None:
    """Refuse what comes from a call that the server no longer waits for.

    A checkpoint that does not name its call passes (checkpoint.md 2.3).
    """
    if checkpoint.generation <= 0 or checkpoint.job_id is None:
        return
    if job is None or job.generation != checkpoint.generation:
        _refuse("This call is stale: the server made it anew, or is done with it.", 409)


def _check_size(run: Run, checkpoint: Checkpoint) -> None:
    memos = (memo for _, memo in checkpoint.steps if memo and memo.step_id not in run.memos)
    if run.memo_bytes + sum(len(memo.value) for memo in memos) > MAX_STATE:
        _refuse(f"The steps of a run return at most {MAX_STATE >> 20} MB together.", 413)


def _refuse(message: str, status: int = 400) -> NoReturn:
    raise RequestError(message, code="", status=status)
