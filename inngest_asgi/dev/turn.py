"""One step forward of one run: what an answer, or a sleep that is over, changes; no I/O.

A turn changes the `Run` it is given at once and collects what must be saved and done. The rules
are those of steps.md 7 and 8: a step's result is kept once, unfinished steps belong to the set
they were planned in, and the function is called again when a set is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.answers import Failed
from inngest_asgi.dev.backoff import retry_delay
from inngest_asgi.dev.failures import failure, state_too_large
from inngest_asgi.dev.limits import MAX_STATE
from inngest_asgi.dev.records import (
    Defer,
    Happening,
    Job,
    JobKind,
    MatchKind,
    Memo,
    Run,
    RunStatus,
)
from inngest_asgi.wire.codec import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.dev.answers import Op, Returned

_COALESCING_VERSION = 2
_IDLE_LIMIT = 2
"""Answers in a row that bring a run no further, before they count as a failed attempt."""
_ERROR = b'{"error":'
_WAITS = {
    MatchKind.EVENT: "WaitForEvent",
    MatchKind.SIGNAL: "WaitForSignal",
    MatchKind.INVOKE: "InvokeFunction",
}


def _nobody(_signal: str) -> Job | None:
    return None


@dataclass(frozen=True, slots=True)
class Invoke:
    """That another function is to be run, for a step that waits for it with `job`.

    `function` is its slug or UUID, `payload` what the event that starts it holds.
    """

    job: Job
    function: str
    payload: dict[str, Any]

    def about(self, child_run_id: str | None) -> dict[str, Any]:
        """Return what records tell of the step; the run is None as long as there is none."""
        job = self.job
        about = {"id": job.step_id, "name": job.name, "op": _WAITS[MatchKind.INVOKE], "attempt": 0}
        waits = {"until": job.due, "input": {"function": self.function}}
        return about | waits | ({} if child_run_id is None else {"child_run_id": child_run_id})


@dataclass(slots=True)
class Turn:
    """What happens to a run because `job` was done.

    Args:
        run: the run; it is changed in place.
        job: what was done.
        now: Unix seconds.
        max_attempts: of the function.
        chance: draws a number in [0, 1), for jitter.
        fixed_delay: seconds between attempts instead of the backoff table.
        max_state: how many bytes the steps of the run may leave.
        waiting_for: finds the job that waits for a signal, by the signal's name.

    Beside what is to be saved, it collects which runs are to be `invoked`, and whose waits were
    `replaced` by those of this run. Neither counts once the run has ended.
    """

    run: Run
    job: Job
    now: float
    max_attempts: int
    chance: Callable[[], float]
    fixed_delay: float | None = None
    max_state: int = MAX_STATE
    waiting_for: Callable[[str], Job | None] = _nobody
    memos: list[Memo] = field(default_factory=list)
    defers: list[Defer] = field(default_factory=list)
    added: list[Job] = field(default_factory=list)
    gone: list[Job] = field(default_factory=list)
    happened: list[tuple[Happening, dict[str, Any]]] = field(default_factory=list)
    invoked: list[Invoke] = field(default_factory=list)
    replaced: list[Job] = field(default_factory=list)
    retried: bool = False
    ended: bool = False
    attempt: int = field(init=False)

    def __post_init__(self) -> None:
        self.attempt = self.job.attempt

    # What a job's end may mean

    def returned(self, outcome: Returned) -> None:
        """The function returned: the run is completed."""
        self._end(RunStatus.COMPLETED, outcome.output)

    def failed(self, outcome: Failed) -> None:
        """The attempt failed outside any step: try the call again, or fail the run."""
        if outcome.final or not self.attempts_left:
            self.fail_run(outcome.error)
        else:
            due = self._retry(outcome.retry_after)
            self._tell_attempt_failed(outcome.error, due)

    def woke(self) -> None:
        """A sleep is over, or a wait: what it waited for happened, or it timed out."""
        job = self.job
        op = "Sleep" if job.match is None else _WAITS[job.match.kind]
        memo = Memo(job.step_id or "", job.name, op, job.value or b"null")
        if op == _WAITS[MatchKind.INVOKE] and memo.value.startswith(_ERROR):
            error = loads(memo.value)["error"]
            self.step_done(memo, Happening.STEP_FAILED, error=error, retry_at=None)
        else:
            self.step_done(memo, Happening.STEP_RECORDED)

    def overtaken(self) -> None:
        """The step that was to be run is done already: another call of the run did it."""
        self._remove(self.job)
        self.resolve(self.job.step_id, race=False)

    def step_done(self, memo: Memo, kind: Happening = Happening.STEP_RECORDED, **more: Any) -> None:
        """What the server itself did for a step is over, and leaves `memo`.

        Args:
            memo: the step's result.
            kind: whether it went well.
            more: what else records tell of it.
        """
        self._remove(self.job)
        if self.keep(memo):
            self._tell_memo(kind, memo, **more)
        self._check_state()
        self.resolve(memo.step_id, race=self.job.race)

    def step_failed(self, memo: Memo, error: dict[str, Any]) -> None:
        """What the server itself does for a step failed: try again, or leave `memo` in the end."""
        if self.attempts_left:
            self._tell_memo(Happening.STEP_FAILED, memo, error=error, retry_at=self._retry(None))
        else:
            self.step_done(memo, Happening.STEP_FAILED, error=error, retry_at=None)

    def cancelled(self) -> None:
        """Somebody, or something, cancelled the run; a matcher without a value is only over."""
        self._remove(self.job)
        if self.job.value is not None:
            self.cancel_run(self.job.value)

    def done(self) -> None:
        """The call went through: its job is over, and the run must not be left without one."""
        self._check_state()
        if self.retried or self.run.status.ended:
            return
        if self._leads_nowhere() and self._too_often():
            message = "The app answered that it has nothing to do, but its function did not end."
            self.failed(Failed(failure("Error", message)))
            return
        self._remove(self.job)
        self._drop_overtaken()
        if self._is_unanswered():
            self.resolve(self.job.step_id, race=False)
        elif not any(job.kind.drives for job in self.run.jobs.values()):
            self.discover()

    # What ops do

    @property
    def attempts_left(self) -> bool:
        """Whether the job may be tried again."""
        return self.job.attempt + 1 < self.max_attempts

    def open_set(self, step_ids: list[str]) -> None:
        """Note steps as unfinished, as one set, unless they are known already."""
        self.run.sets += 1
        for step_id in step_ids:
            if step_id not in self.run.memos:
                self.run.pending.setdefault(step_id, self.run.sets)

    def keep(self, memo: Memo) -> bool:
        """Keep a step's result, unless there is one: the first wins."""
        kept = keep_memo(self.run, memo)
        if kept:
            self.memos.append(memo)
        return kept

    def step_reported(
        self, op: Op, memo: Memo, kind: Happening = Happening.STEP_RECORDED, **more: Any
    ) -> None:
        """The app reported that a step is over, which leaves `memo`, unless it was over before.

        Args:
            op: what was reported.
            memo: the step's result.
            kind: whether it went well.
            more: what else records tell of it.
        """
        kept = self.keep(memo)
        if kept:
            self.tell_step(kind, op, **more)
        if kept or op.id == self.job.step_id:
            self.resolve(op.id, race=op.race)

    def resolve(self, step_id: str | None, *, race: bool) -> None:
        """A step is done: call the function again if its whole set is, or if it raced."""
        members = self.run.pending.pop(step_id or "", None)
        complete = members not in self.run.pending.values()
        if race or complete or self.run.request_version < _COALESCING_VERSION:
            self.discover()

    def discover(self) -> None:
        """Have the function called again, once for all who ask before that call starts."""
        run = self.run
        if run.status.ended:
            return
        if not run.pending:
            run.force_plan = False
        if any(self._is_waiting_discovery(job) for job in run.jobs.values()):
            return
        run.discoveries += 1
        self.add(Job(f"{run.id}-discovery-{run.discoveries}", run.id, JobKind.CALL, None, self.now))

    def add(self, job: Job) -> bool:
        """Add a job, unless one with its id exists, its step is done, or the run has ended."""
        run = self.run
        if job.id in run.jobs or job.step_id in run.memos or run.status.ended:
            return False
        run.jobs[job.id] = job
        self.added.append(job)
        return True

    def retry_step(self, op: Op, retry_after: float | None, *, alone: bool) -> None:
        """A step failed and may be tried again: in this very call, or in one of its own."""
        run = self.run
        if run.status.ended:
            return
        if alone or self.job.step_id == op.id:
            if self.job.step_id != op.id:
                run.pending.pop(op.id, None)
            due = self._retry(retry_after)
        else:
            due = self.now + self._delay(retry_after)
            attempt = self.job.attempt + 1
            name = f"{run.id}-{op.id}-plan"
            self.add(Job(name, run.id, JobKind.CALL, op.id, due, attempt, name=op.name))
        self.tell_step(Happening.STEP_FAILED, op, error=op.error, retry_at=due)

    def fail_run(self, error: dict[str, Any]) -> None:
        """The run failed for good."""
        self._end(RunStatus.FAILED, dumps(error))

    def cancel_run(self, error: bytes) -> None:
        """The run was cancelled; `error` is JSON and says why."""
        self._end(RunStatus.CANCELLED, error)

    def tell_step(self, kind: Happening, op: Op, **more: Any) -> None:
        """Note for timelines what happened to a step."""
        self.happened.append((kind, op.about(self.attempt) | more))

    # The rest is how

    def _check_state(self) -> None:
        if self.run.memo_bytes > self.max_state:
            self.fail_run(state_too_large(self.max_state))

    def _leads_nowhere(self) -> bool:
        """Whether the run stands where it stood: no other job, or the targeted step missing."""
        others = (job for job in self.run.jobs.values() if job is not self.job)
        return self._is_unanswered() or not any(job.kind.drives for job in others)

    def _is_unanswered(self) -> bool:
        """Whether the app was to run a step, and neither did nor said how it goes on."""
        step_id, jobs = self.job.step_id, self.run.jobs.values()
        others = any(job.step_id == step_id for job in jobs if job is not self.job)
        return step_id in self.run.pending and not others

    def _too_often(self) -> bool:
        """An answer that leads nowhere is asked for once more (steps.md 8), not for ever."""
        self.run.idle += 1
        return self.run.idle >= _IDLE_LIMIT

    def _retry(self, retry_after: float | None) -> float:
        job = self.job
        job.due = self.now + self._delay(retry_after)
        job.attempt += 1
        job.generation += 1
        self.retried = True
        self.added.append(job)
        return job.due

    def _delay(self, retry_after: float | None) -> float:
        if retry_after is not None:
            return retry_after
        return retry_delay(self.job.attempt, self.chance(), fixed=self.fixed_delay)

    def _end(self, status: RunStatus, output: bytes) -> None:
        run = self.run
        if run.status.ended:
            return
        run.status, run.output, run.ended_at = status, output, self.now
        self.ended = True
        self.added.clear()
        self.invoked.clear()
        self.replaced.clear()
        for job in list(run.jobs.values()):
            self._remove(job)
        self.happened.append(
            (Happening.RUN_ENDED, {"status": status.label, "output": loads(output)})
        )

    def _remove(self, job: Job) -> None:
        if self.run.jobs.pop(job.id, None) is not None:
            job.gone = True
            self.gone.append(job)

    def _drop_overtaken(self) -> None:
        """Forget older calls of the whole function that wait for a retry: this one knew more."""
        if self.job.step_id is None:
            for job in list(self.run.jobs.values()):
                older = job.kind is JobKind.CALL and job.step_id is None and job.attempt > 0
                if older and not job.leased:
                    self._remove(job)

    def _is_waiting_discovery(self, job: Job) -> bool:
        whole = job.kind is JobKind.CALL and job.step_id is None
        return whole and not job.leased and job.due <= self.now

    def _tell_memo(self, kind: Happening, memo: Memo, **more: Any) -> None:
        about = {"id": memo.step_id, "name": memo.name, "op": memo.op, "attempt": self.attempt}
        self.happened.append((kind, about | more))

    def _tell_attempt_failed(self, error: dict[str, Any], retry_at: float) -> None:
        about = {"step_id": self.job.step_id, "attempt": self.attempt}
        self.happened.append(
            (Happening.ATTEMPT_FAILED, about | {"error": error, "retry_at": retry_at})
        )


def keep_memo(run: Run, memo: Memo) -> bool:
    """Keep a step's result in a run, unless there is one: the first wins."""
    if memo.step_id in run.memos:
        return False
    run.memos[memo.step_id] = memo
    run.memo_bytes += len(memo.value)
    run.idle = 0
    return True
