"""The jobs of all runs in memory: what is due next, and what must wait its turn; no I/O.

The store holds the same jobs, written before they get here. Calls of a run that concern the
whole function never overlap: the second would not know what the first one finds. What else holds
calls back is flow control's affair (`flow/turnstile.py`).
"""

from __future__ import annotations

import heapq
import itertools
from functools import partial
from typing import TYPE_CHECKING

from inngest_asgi.dev.records import Job, JobKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.alarm import Alarm, Timer
    from inngest_asgi.dev.flow.gates import Place
    from inngest_asgi.dev.flow.turnstile import Turnstile


class Jobs:
    """A queue by due time.

    Args:
        clock: tells what is due.
        alarm: wakes for jobs of the future.
        turnstile: decides which of the due jobs may be done.
        on_ready: called when a job became due, so that somebody takes it.
    """

    def __init__(
        self, clock: Clock, alarm: Alarm, turnstile: Turnstile, on_ready: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._alarm = alarm
        self._turnstile = turnstile
        self._on_ready = on_ready
        self._of_run: dict[str, dict[str, Job]] = {}
        self._ready: list[Place] = []
        self._quick: list[Place] = []
        self._timers: dict[str, Timer] = {}
        self._order = itertools.count()
        self._calling: set[str] = set()
        self._blocked: dict[str, list[Place]] = {}
        turnstile.on_call, turnstile.on_ready = self._return, on_ready

    def of_run(self, run_id: str) -> dict[str, Job]:
        """Return the live jobs of a run by id; whoever changes them changes the queue's."""
        return self._of_run.setdefault(run_id, {})

    def put(self, jobs: Iterable[Job]) -> None:
        """Make saved jobs available from when they are due, but those gone or leased meanwhile."""
        now = self._clock.time()
        for job in jobs:
            if job.gone or job.leased:
                continue
            self.of_run(job.run_id)[job.id] = job
            place = (self._turnstile.rank(job, now), next(self._order), job)
            self.gone([job.id])
            if job.due <= now:
                self._make_ready(place)
            else:
                self._wake_for(place)

    def gone(self, job_ids: Iterable[str]) -> None:
        """Wake no more for jobs, wherever they stand otherwise."""
        for job_id in job_ids:
            timer = self._timers.pop(job_id, None)
            if timer is not None:
                self._alarm.cancel(timer)

    def take(self, *, calls: bool = True, others: bool = True) -> Job | None:
        """Lease the next job that may be done; None when there is none. `release` it when done.

        Args:
            calls: take jobs that ask somebody outside.
            others: take jobs that do not: nobody's slow answer keeps a run from being cancelled.
        """
        now = self._clock.time()
        while queue := (others and self._quick) or (calls and self._ready):
            place = heapq.heappop(queue)
            job = place[2]
            if not self._is_live(job):
                self._turnstile.refuse(job)
            elif job.due > now:  # it was put off, or the clock was set back while it waited
                self._turnstile.refuse(job)
                self._wake_for(place)
            elif _is_whole_call(job) and job.run_id in self._calling:
                self._turnstile.refuse(job)
                self._blocked.setdefault(job.run_id, []).append(place)
            elif self._turnstile.admit(place):
                if _is_whole_call(job):
                    self._calling.add(job.run_id)
                job.leased = True
                return job
        return None

    def release(self, job: Job) -> None:
        """Give a leased job back: it is done, or was put anew for a later attempt."""
        job.leased = False
        self._turnstile.leave(job)
        if _is_whole_call(job):
            self._calling.discard(job.run_id)
            for place in self._blocked.pop(job.run_id, ()):
                self._return(place)
        self._on_ready()

    def spent(self, run_id: str) -> dict[str, float]:
        """Return what is to be saved with the start of a run, because others are throttled."""
        return self._turnstile.spent(run_id)

    def drop(self, job: Job) -> None:
        """Forget a leased job for good; `release` it as well."""
        self._of_run.get(job.run_id, {}).pop(job.id, None)

    def forget(self, run_id: str) -> None:
        """Let go of a run that has no jobs."""
        if not self._of_run.get(run_id, True):
            del self._of_run[run_id]

    def is_active(self, run_id: str) -> bool:
        """Whether something of a run is in progress or due now."""
        now = self._clock.time()
        return any(job.leased or job.due <= now for job in self._of_run.get(run_id, {}).values())

    def _wake_for(self, place: Place) -> None:
        """Make a job of the future available when it is due, unless that is sure to happen."""
        job = place[2]
        if job.id not in self._timers:
            self._timers[job.id] = self._alarm.at(job.due, partial(self._make_ready, place))

    def _make_ready(self, place: Place) -> None:
        self._timers.pop(place[2].id, None)
        if self._is_live(place[2]):
            self._return(place)
            self._on_ready()

    def _return(self, place: Place) -> None:
        heapq.heappush(self._ready if place[2].kind.calls else self._quick, place)

    def _is_live(self, job: Job) -> bool:
        return self._of_run.get(job.run_id, {}).get(job.id) is job and not job.leased


def _is_whole_call(job: Job) -> bool:
    return job.kind is JobKind.CALL and job.step_id is None
