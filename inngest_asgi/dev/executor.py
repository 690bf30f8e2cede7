"""The shell of the run loop: takes due jobs, calls apps, and saves what the core makes of it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from inngest_asgi.dev.answers import Answer, NoAnswer, Reported, Returned, interpret
from inngest_asgi.dev.calls import call_request
from inngest_asgi.dev.cancels import finish_timeout, jobs_of_started_run, start_timeout
from inngest_asgi.dev.defers import deferred_events
from inngest_asgi.dev.failures import too_many_steps
from inngest_asgi.dev.fetches import Fetch
from inngest_asgi.dev.ops import apply_ops
from inngest_asgi.dev.ops_remote import fetched
from inngest_asgi.dev.records import Changes, Happening, Job, JobKind, MatchKind, Run, RunStatus
from inngest_asgi.dev.schedule import new_ulid
from inngest_asgi.dev.turn import Turn
from inngest_asgi.errors import DevServerError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.apps.registry import Registry
    from inngest_asgi.dev.calls import Request
    from inngest_asgi.dev.commits import Commits
    from inngest_asgi.dev.deadlines import Deadlines
    from inngest_asgi.dev.gateway.dispatcher import Dispatcher
    from inngest_asgi.dev.invokes import Invokes
    from inngest_asgi.dev.jobs import Jobs
    from inngest_asgi.dev.limits import Limits
    from inngest_asgi.dev.options import DevOptions
    from inngest_asgi.dev.outbound import Outbound
    from inngest_asgi.dev.pauses import Pauses
    from inngest_asgi.dev.records import Function
    from inngest_asgi.dev.runs import Runs
    from inngest_asgi.dev.schedule import Schedule
    from inngest_asgi.dev.watch import Feed

T = TypeVar("T")

LONGEST_CALL = 2 * 3600.0
_PAUSE_AFTER_A_BUG = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What the executor works with."""

    clock: Clock
    options: DevOptions
    limits: Limits
    outbound: Outbound
    registry: Registry
    jobs: Jobs
    runs: Runs
    pauses: Pauses
    invokes: Invokes
    schedule: Schedule
    commits: Commits
    feed: Feed
    deadlines: Deadlines
    sockets: Dispatcher


class Executor:
    """Does jobs as they become due, at most `max_calls` of each sort at a time."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = tools.options.max_calls
        self._fetching = 0
        self._quick = 0
        self._lines = asyncio.Semaphore(tools.options.max_calls)
        self._held = tools.options.hold

    @property
    def in_progress(self) -> int:
        """How many jobs are being done."""
        return len(self._tasks)

    def release(self) -> None:
        """Start with what is due, if that was held back."""
        self._held = False
        self.pump()

    def pump(self) -> None:
        """Start as many due jobs as may be in progress."""
        while not self._held:
            calling = len(self._tasks) - self._fetching - self._quick
            rooms = (calling < self._room, self._quick < self._room)
            job = self._tools.jobs.take(calls=rooms[0], others=rooms[1])
            if job is None:
                return
            self._quick += not job.kind.calls
            task = asyncio.ensure_future(self._perform(job))
            self._tasks.add(task)
            task.add_done_callback(self._performed)

    async def stop(self) -> None:
        """Drop what is in progress; it is done again when a server starts on the same file."""
        self._room = 0
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _performed(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.pump()

    async def _perform(self, job: Job) -> None:
        try:
            await self._do(job)
        except DevServerError as error:
            self._give_up(error)
        except Exception:  # noqa: BLE001 - one of the four edges: a bug must not stop the loop
            _log.exception("A bug in the server; run %s is tried again later.", job.run_id)
            job.due, job.gone = self._tools.clock.time() + _PAUSE_AFTER_A_BUG, False
            self._tools.jobs.release(job)
            self._tools.jobs.put([job])
        finally:
            self._quick -= not job.kind.calls
            self._tools.runs.release(job.run_id)

    def _give_up(self, error: DevServerError) -> None:
        """Start no more calls: what they brought could not be saved. Said once."""
        if self._room:
            self._room = 0
            _log.error("The server cannot go on: %s", error)

    async def _do(self, job: Job) -> None:
        run = await self._tools.runs.get(job.run_id)
        if run is None or run.status.ended or job.gone:
            self._tools.jobs.drop(job)
            await self._tools.commits.commit(Changes(gone_jobs=[job.id]), done=job)
            self._tools.sockets.settled(job)
            return
        function = self._tools.registry.function(run.function_id)
        turn = self._turn(run, job, function)
        if job.kind is JobKind.CANCEL:
            turn.cancelled()
        elif job.kind in (JobKind.SLEEP, JobKind.WAIT):
            turn.woke()
        elif job.kind is JobKind.FETCH:
            await self._fetch(turn)
        elif job.step_id in run.memos:
            turn.overtaken()
        elif len(run.memos) > (most := self._tools.limits.steps_of(function.id)):
            turn.fail_run(too_many_steps(most))
        elif not self._tools.sockets.admit(job, function):
            self._tools.jobs.release(job)
            return
        elif not await self._call_in_time(turn, function):
            self._tools.jobs.release(job)
            self._tools.jobs.put([job])
            return
        if job.kind is JobKind.CALL:
            job.value = None
        await self._tools.commits.commit(self._changes(turn, function), done=job)
        self._tools.sockets.settled(job)

    async def _call_in_time(self, turn: Turn, function: Function) -> bool:
        """Call the app, unless the run has taken too long (server-api.md 9); False as `_call`."""
        run = turn.run
        noted = Changes() if run.started_at is not None else self._start(run, function)
        limit = run.jobs.get(finish_timeout(run.id))
        if limit is not None and limit.value is not None and limit.due <= turn.now:
            self._tools.commits.note(noted)
            turn.cancel_run(limit.value)
            return True
        return await self._call(turn, function, noted)

    async def _call(self, turn: Turn, function: Function, noted: Changes) -> bool:
        """Call the app and do to the run what its answer says, unless the run ended meanwhile.

        Args:
            turn: the turn.
            function: what to call.
            noted: what is to be saved before, together with the fact that the call is made.

        Returns:
            Whether the call was made: False when no worker took it, so that nothing has happened.
        """
        clock, run, job = self._tools.clock, turn.run, turn.job
        options, now = self._tools.options, clock.time()
        by_socket = self._tools.sockets.request_id(job)
        request_id = by_socket or new_ulid(clock)
        request = call_request(run, job, function, request_id, now=now, options=options)
        about = {"step_id": job.step_id, "name": job.name, "attempt": job.attempt}
        began = clock.time()
        noted.records.append(self._tools.feed.record(run, Happening.CALL_STARTED, began, about))
        if by_socket is None:
            self._tools.commits.note(noted)
            answer: Answer | NoAnswer | None = await self._send(request)
        else:
            job.value = by_socket.encode()
            noted.jobs.append(job)
            self._tools.commits.note(noted)
            by_worker = self._tools.sockets.send(request, job, function)
            answer = await self._in_time(by_worker, request)
        if answer is None:
            return False
        turn.now, turn.attempt = clock.time(), job.attempt  # a checkpoint may have reset it
        if run.status.ended:
            return True
        status = answer.status if isinstance(answer, Answer) else None
        ended = {"job_id": job.id, "status": status, "duration": turn.now - began}
        turn.happened.append((Happening.CALL_ENDED, about | ended))
        outcome = interpret(answer, turn.now)
        if isinstance(outcome, Reported):
            apply_ops(turn, outcome)
        elif isinstance(outcome, Returned):
            turn.returned(outcome)
        else:
            turn.failed(outcome)
        return True

    async def _fetch(self, turn: Turn) -> None:
        """Make the request of a step, unless the run ended before or meanwhile.

        It takes no place from calls to apps; there are as many for requests.
        """
        fetch, began = Fetch.from_json(turn.job.value or b""), self._tools.clock.time()
        self._fetching += 1
        try:
            self.pump()
            async with self._lines:
                answer = await self._send(fetch.request)
        finally:
            self._fetching -= 1
        turn.now = self._tools.clock.time()
        if not turn.run.status.ended:
            fetched(turn, fetch, answer, turn.now - began)

    async def _send(self, request: Request) -> Answer | NoAnswer:
        return await self._in_time(self._tools.outbound.send(request), request)

    async def _in_time(self, work: Coroutine[Any, Any, T], request: Request) -> T | NoAnswer:
        """Return what comes of sending a request, if that does not take too long."""
        sending = asyncio.ensure_future(work)
        self._tools.deadlines.watch(sending)
        try:
            await asyncio.wait({sending})
        finally:
            sending.cancel()
        if sending.cancelled():
            hours = int(LONGEST_CALL // 3600)
            message = f"{request.whom} did not answer within {hours} hours."
            return NoAnswer("request_duration_too_long", message)
        return sending.result()

    def _start(self, run: Run, function: Function) -> Changes:
        """Begin with a run that waited; return what that changes."""
        run.status, run.started_at = RunStatus.RUNNING, self._tools.clock.time()
        record = self._tools.feed.record(run, Happening.RUN_STARTED, run.started_at, {})
        spent = self._tools.jobs.spent(run.id)
        changes = Changes(runs=[run], records=[record], rates=spent)
        too_late = run.jobs.pop(start_timeout(run.id), None)
        if too_late is not None:
            too_late.gone = True
            changes.gone_jobs.append(too_late.id)
        changes.jobs += jobs_of_started_run(run, function, run.started_at)
        return changes

    def _turn(self, run: Run, job: Job, function: Function) -> Turn:
        return Turn(
            run=run,
            job=job,
            now=self._tools.clock.time(),
            max_attempts=function.max_attempts,
            chance=self._tools.clock.random,
            fixed_delay=self._tools.options.retry_interval,
            max_state=self._tools.limits.state_of(function.id),
            waiting_for=lambda name: self._tools.pauses.holder(MatchKind.SIGNAL, name),
        )

    def _changes(self, turn: Turn, function: Function) -> Changes:
        """Return all that a turn changed, with the events that the end of a run sends."""
        run, feed = turn.run, self._tools.feed
        position = len(run.memos) - len(turn.memos)
        changes = Changes(
            runs=[run],
            memos=[(run.id, position + at, memo) for at, memo in enumerate(turn.memos)],
            defers=[(run.id, defer) for defer in turn.defers],
            jobs=turn.added,
            gone_jobs=[job.id for job in turn.gone],
            records=[feed.record(run, kind, turn.now, about) for kind, about in turn.happened],
        )
        for job in turn.replaced:
            self._tools.pauses.withdraw(job, changes)
        for invoke in turn.invoked:
            child = self._tools.invokes.step(run, function, invoke, changes)
            told = invoke.about(None if child is None else child.id)
            changes.records.append(feed.record(run, Happening.STEP_WAITING, turn.now, told))
        if turn.ended:
            self._add_ending(run, function, changes)
        return changes

    def _add_ending(self, run: Run, function: Function, changes: Changes) -> None:
        clock = self._tools.clock
        self._tools.schedule.ended(run, function.slug, changes)
        for event in deferred_events(run, function, lambda: new_ulid(clock), clock.time()):
            self._tools.schedule.add_event(event, changes)
