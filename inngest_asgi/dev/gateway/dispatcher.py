"""Calls over sockets: who gets them, what becomes of them, and when a reply is safe; no I/O.

A call that is sent is a dispatch, and has a request id as long as the server waits for its answer:
on whichever connection, also by HTTP, and also under the next server on the same file, which finds
the id in the job. The first answer counts. With the attempt, the dispatch is over; what comes under
its id later is taken for stored and not looked at, so it can never count for another attempt.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from inngest_asgi.connect.messages import ExecutorRequest
from inngest_asgi.connect.protocol.deadlines import Deadlines, earliest
from inngest_asgi.connect.protocol.leases import Loss
from inngest_asgi.dev.answers import NoAnswer
from inngest_asgi.dev.gateway.line import Line
from inngest_asgi.dev.gateway.translation import answer_of, executor_request
from inngest_asgi.dev.records import JobKind

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from inngest_asgi.connect.messages import ExtendLease, Response
    from inngest_asgi.connect.protocol.leases import Leases, Lost
    from inngest_asgi.dev.answers import Answer
    from inngest_asgi.dev.calls import Request
    from inngest_asgi.dev.gateway.links import Link
    from inngest_asgi.dev.gateway.roster import Roster
    from inngest_asgi.dev.records import Function, Job

ACK_PATIENCE = 5.0
"""Seconds a worker has to acknowledge a request before another one gets it."""

RETURN_PATIENCE = 2.0
"""Seconds in which a worker that lost its connection is back, if it is alive."""

ROUTES = 3
"""Workers that are tried in a row (connect.md 6)."""

RESUME_PATIENCE = 5.0
"""Seconds beyond an interval of lease extensions in which work under an earlier server must show
itself."""

FRESH_START = 3.0
"""Seconds it has once a worker connects that began after this server: then nobody may have it."""

_STOPPED = "connect_worker_stopped_responding"
_SOCKETS = ("ws://", "wss://")


@dataclass(slots=True, eq=False)
class _Dispatch:
    """One call under way; `expected` while nobody knows whether an earlier server's is."""

    job: Job
    request_id: str
    outcome: asyncio.Future[Answer | NoAnswer | None]
    message: ExecutorRequest
    slug: str = ""
    link: Link | None = None
    instance: str = ""
    expected: bool = False
    tried: list[Link | None] = field(default_factory=list)
    confirmations: list[Callable[[], None]] = field(default_factory=list)


class Dispatcher:
    """Sends calls to workers and takes their answers.

    Args:
        roster: who is connected.
        leases: of all requests.
        now: the time the roles and leases go by.
        arm: has `tick` called at a moment, or before.
        new_id: makes request ids.
        on_call: takes jobs back that may try again, as the queue does.
    """

    def __init__(
        self,
        roster: Roster,
        leases: Leases,
        *,
        now: Callable[[], float],
        arm: Callable[[float], None],
        new_id: Callable[[], str],
        on_call: Callable[[list[Job]], None],
    ) -> None:
        self._roster = roster
        self._leases = leases
        self._now = now
        self._arm = arm
        self._new_id = new_id
        self._on_call = on_call
        self._line = Line(on_call)
        self._dispatches: dict[str, _Dispatch] = {}
        self._of_job: dict[str, _Dispatch] = {}
        self._unacknowledged: Deadlines[str] = Deadlines()
        self._patience_ends = now()
        self._hurried = self._elders = False

    # What the executor asks

    def expect(self, jobs: Iterable[Job], patience: float) -> None:
        """Wait for the answers to what an earlier server sent, as the saved jobs tell.

        Args:
            jobs: all that are in the queue.
            patience: seconds in which a worker must show that it is still at it.
        """
        self._patience_ends = self._now() + patience
        for job in jobs:
            if job.kind is JobKind.CALL and job.value is not None:
                self._open(job, job.value.decode()).expected = True
        self._expect_until(self._patience_ends)

    def joined(self, *, is_younger: bool) -> None:
        """Take note of a worker; `is_younger` says that it began after this server did.

        As long as there are only such, nobody seems to have what an earlier server sent, and it is
        not waited for much longer.
        """
        if not is_younger and not self._elders:
            self._elders = True
            self._expect_until(self._patience_ends)
        elif is_younger and not (self._elders or self._hurried):
            self._hurried = True
            self._expect_until(min(self._now() + FRESH_START, self._patience_ends))

    def admit(self, job: Job, function: Function) -> bool:
        """Tell whether a call can be made now; if it is over a socket, its worker is reserved.

        False has the job wait: it is handed back to the queue once a worker can take it.
        """
        dispatch = self._of_job.get(job.id)
        if dispatch is not None and (dispatch.expected or dispatch.outcome.done()):
            return True
        if not (function.url.startswith(_SOCKETS) or self._roster.serves(function.slug)):
            self._forget(job)
            return True
        link = self._roster.pick(function.slug, self._now())
        if link is None:
            self._line.add(function.slug, job)
            return False
        if dispatch is None:
            dispatch = self._open(job, self._new_id())
        self._release(dispatch)
        dispatch.slug = function.slug
        self._assign(dispatch, link)
        return True

    def request_id(self, job: Job) -> str | None:
        """Return the id of a job's call if it goes over a socket; None for one over HTTP."""
        dispatch = self._of_job.get(job.id)
        return None if dispatch is None else dispatch.request_id

    def send(
        self, request: Request, job: Job, function: Function
    ) -> Coroutine[Any, Any, Answer | NoAnswer | None]:
        """Have a worker do an admitted call, unless one does already; to be called at once.

        Returns:
            What to await for what comes of it: None when nobody took it, which is no attempt. Then
            put the job again.
        """
        dispatch = self._of_job[job.id]
        dispatch.slug = function.slug
        dispatch.message = executor_request(request, dispatch.request_id, job, function)
        if dispatch.link is not None and not dispatch.expected and not dispatch.outcome.done():
            self._send(dispatch, dispatch.link)
        return self._outcome_of(dispatch)

    def settled(self, job: Job) -> None:
        """Take note that what came of a job is saved: whoever replied may forget it."""
        dispatch = self._of_job.get(job.id)
        if dispatch is not None:
            self._forget(job)
            for confirm in dispatch.confirmations:
                confirm()
            self.wake()

    # What workers say

    def replied(self, response: Response, confirm: Callable[[], None]) -> None:
        """Take an answer, the first of its request; `confirm` is called once it is safe.

        That is at once if nobody waits for it (any more).
        """
        dispatch = self._dispatches.get(response.request_id)
        if dispatch is None:
            confirm()
            return
        dispatch.confirmations.append(confirm)
        self._resolve(dispatch, answer_of(response))
        if dispatch.job.gone and not dispatch.job.leased:
            self.settled(dispatch.job)

    def acknowledged(self, request_id: str) -> None:
        """Take note that a worker works on a request."""
        self._unacknowledged.cancel(request_id)

    def extended(self, asked: ExtendLease, link: Link) -> None:
        """Take note of who works on what an earlier server sent."""
        dispatch = self._dispatches.get(asked.request_id)
        if dispatch is not None and not dispatch.instance and not dispatch.outcome.done():
            self._assign(dispatch, link)

    def gone(self, link: Link, *, for_good: bool) -> None:
        """Have what a worker had not acknowledged when its connection ended done by another one.

        Unless it left `for_good` it may be at it all the same, the acknowledgement lost with the
        connection. It is waited for a moment, lest two do the same.
        """
        for dispatch in self._unclaimed():
            if dispatch.link is link and for_good:
                self._reroute(dispatch)
            elif dispatch.link is link:
                self._await_acknowledgement(dispatch, RETURN_PATIENCE)
        successor = self._roster.latest(link.instance)
        if successor is not None and successor.connected_at >= link.connected_at:
            self.back(successor)

    def back(self, link: Link) -> None:
        """Ask a worker again for what it had not acknowledged on a connection that is gone."""
        for dispatch in self._unclaimed():
            before = dispatch.link
            if before is not None and before.role.ended and dispatch.instance == link.instance:
                self._assign(dispatch, link)
                self._send(dispatch, link)

    # Time, and room

    def tick(self, now: float) -> float | None:
        """Do what is due by now, and return when to call it again."""
        due = self._leases.tick(now)
        for lost in self._leases.lost():
            self._lose(lost)
        for request_id in list(self._unacknowledged.take(now)):
            if not self._leases.is_acknowledged(request_id):
                self._reroute(self._dispatches[request_id])
        return earliest(due, self._unacknowledged.next)

    def wake(self) -> None:
        """Call as many of those who wait for a worker as there is room for."""
        for slug in self._line.slugs:
            room = self._roster.room(slug, self._now())
            if room:
                self._line.call(slug, room)

    def reconsider(self) -> None:
        """Have all who wait for a worker try again: their functions may be served elsewhere now."""
        for slug in self._line.slugs:
            self._line.call(slug, float("inf"))

    # The rest is how

    def _expect_until(self, until: float) -> None:
        for dispatch in self._dispatches.values():
            if dispatch.expected and not self._leases.is_acknowledged(dispatch.request_id):
                self._leases.expect(dispatch.request_id, until)
                self._arm(until)

    def _open(self, job: Job, request_id: str) -> _Dispatch:
        outcome = asyncio.get_running_loop().create_future()
        dispatch = _Dispatch(job, request_id, outcome, ExecutorRequest(request_id))
        self._dispatches[request_id] = self._of_job[job.id] = dispatch
        return dispatch

    def _forget(self, job: Job) -> None:
        dispatch = self._of_job.pop(job.id, None)
        if dispatch is not None:
            del self._dispatches[dispatch.request_id]
            self._release(dispatch)

    def _assign(self, dispatch: _Dispatch, link: Link) -> None:
        dispatch.link, dispatch.instance = link, link.instance
        self._roster.occupy(link.instance, dispatch.request_id)

    def _release(self, dispatch: _Dispatch) -> None:
        """Nobody works on it any more, as far as the server is concerned."""
        self._leases.finish(dispatch.request_id)
        self._unacknowledged.cancel(dispatch.request_id)
        self._roster.vacate(dispatch.instance, dispatch.request_id)

    async def _outcome_of(self, dispatch: _Dispatch) -> Answer | NoAnswer | None:
        waiting = dispatch.outcome
        outcome = await asyncio.shield(waiting)
        if outcome is None and dispatch.outcome is waiting:
            dispatch.outcome = asyncio.get_running_loop().create_future()
        return outcome

    def _send(self, dispatch: _Dispatch, link: Link) -> None:
        now, group = self._now(), link.group_of(dispatch.slug)
        name = group.app_name if group else ""
        link.role.request(replace(dispatch.message, app_name=name), now)
        self._await_acknowledgement(dispatch, ACK_PATIENCE)
        link.flush()

    def _await_acknowledgement(self, dispatch: _Dispatch, patience: float) -> None:
        until = self._now() + patience
        self._unacknowledged.set(dispatch.request_id, until)
        self._arm(until)

    def _unclaimed(self) -> list[_Dispatch]:
        """Return the calls that wait, and that no worker has acknowledged."""
        return [
            dispatch
            for dispatch in self._dispatches.values()
            if not self._leases.is_acknowledged(dispatch.request_id) and not dispatch.outcome.done()
        ]

    def _reroute(self, dispatch: _Dispatch) -> None:
        """Send it to another worker; after some, let it wait for one as all do."""
        self._release(dispatch)
        dispatch.tried.append(dispatch.link)
        dispatch.link, link = None, None
        if len(dispatch.tried) < ROUTES:
            link = self._roster.pick(dispatch.slug, self._now(), dispatch.tried)
        if link is None:
            dispatch.tried.clear()
            self._resolve(dispatch, None)
        else:
            self._assign(dispatch, link)
            self._send(dispatch, link)

    def _lose(self, lost: Lost) -> None:
        dispatch = self._dispatches[lost.request_id]
        if lost.loss is Loss.EXPIRED:
            message = f"The worker {dispatch.instance!r} stopped responding."
            self._resolve(dispatch, NoAnswer(_STOPPED, message))
        else:  # an earlier server's; what we sent was sent elsewhere long before
            self._give_up(dispatch)

    def _give_up(self, dispatch: _Dispatch) -> None:
        """Nobody works on what an earlier server sent: it is sent anew, under another id."""
        job = dispatch.job
        job.value, job.generation = None, job.generation + 1
        self._forget(job)
        self._resolve(dispatch, None)

    def _resolve(self, dispatch: _Dispatch, outcome: Answer | NoAnswer | None) -> None:
        """End the waiting with the first outcome that is one."""
        self._release(dispatch)
        if not dispatch.outcome.done():
            dispatch.outcome.set_result(outcome)
        elif dispatch.outcome.result() is None and outcome is not None:
            dispatch.outcome = asyncio.get_running_loop().create_future()
            dispatch.outcome.set_result(outcome)
        if not dispatch.job.leased:
            self._on_call([dispatch.job])
