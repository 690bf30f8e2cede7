"""A worker across connections: what is open, in progress and to be delivered; it does no I/O.

A shell does the I/O, on one thread. It tells the session what happened:

    opened, failed          what came of `Open`
    receive, lost           frames of a link's socket, and its end
    reply, abandon          a request's code has ended
    flushed, not_flushed    what came of `Flush`
    close, abort            the worker shall stop
    tick                    time has passed

and after each of these it takes `actions()` and carries them out in order, then has `tick` called
again no later than at `next_due`. `now` is any clock that never goes back, in seconds, such as that
of the event loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.connect.messages import (
    ConnectionReady,
    ExecutorRequest,
    ExtendLeaseAck,
    ReplyAck,
)
from inngest_asgi.connect.protocol.connection import Ended, StatusDue
from inngest_asgi.connect.protocol.deadlines import earliest
from inngest_asgi.connect.session.actions import (
    Cancel,
    Execute,
    Flush,
    Skipped,
    StateChanged,
    Undelivered,
)
from inngest_asgi.connect.session.intake import Intake
from inngest_asgi.connect.session.links import Links
from inngest_asgi.connect.session.outbox import LIMIT, Outbox
from inngest_asgi.connect.session.responses import bounded
from inngest_asgi.connect.session.states import ConnectionState
from inngest_asgi.connect.session.work import Work, acknowledgement
from inngest_asgi.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.connect.messages import Response, StartResponse, WorkerConnect
    from inngest_asgi.connect.session.actions import Action, Failure
    from inngest_asgi.connect.session.links import Link

FLUSH_ROUNDS = 5
"""Flushes of a reply that may fail in a row when nothing else keeps the worker (connect.md 10)."""


class WorkerSession:
    """Everything a worker has to remember, and what is to be done next.

    Args:
        worker: who it is and what it can run; connection id and tokens are filled in for each
            connection. Its `max_worker_concurrency` is enforced here, too.
        now: the time; the first `Open` is asked for at the first `tick`.
        chance: returns numbers in [0, 1), for delays.
        outbox_limit: bytes of undelivered replies above which no request is accepted.

    Attributes:
        state: what the worker is doing.
        outbox: the replies that are not known to be delivered.
        work: the requests in progress.
    """

    __slots__ = (
        "_actions",
        "_flushing_out",
        "_intake",
        "_lease_interval",
        "_links",
        "outbox",
        "state",
        "work",
    )

    def __init__(
        self,
        worker: WorkerConnect,
        *,
        now: float,
        chance: Callable[[], float],
        outbox_limit: int = LIMIT,
    ) -> None:
        self.state = ConnectionState.CONNECTING
        self.outbox = Outbox(outbox_limit)
        self.work = Work()
        self._actions: list[Action] = []
        self._intake = Intake(worker, self.work, self.outbox)
        self._links = Links(worker, self._actions, now=now, chance=chance)
        self._lease_interval = ConnectionReady().extend_lease_interval
        self._flushing_out = False

    def actions(self) -> list[Action]:
        """Return what is to be done, in order. Carry each out; none is repeated."""
        actions = list(self._actions)
        self._actions.clear()
        return actions

    @property
    def next_due(self) -> float | None:
        """When `tick` is to be called next; None while only the shell can go on."""
        leases = self.work.next if self._links.best else None
        links = self._links.next_due(may_open=self._wants_links)
        return earliest(links, self.outbox.next, leases)

    @property
    def problem(self) -> str | None:
        """Why the worker is not connected, in a sentence; None while it is, or nothing is known."""
        return None if self._links.best else self._links.problem

    @property
    def connection_id(self) -> str | None:
        """The id of the connection in use; None while there is none."""
        best = self._links.best
        return best.connection_id if best else None

    def debug_state(self, now: float) -> dict[str, Any]:
        """Return a picture of everything, as JSON: for people, its shape may change."""
        return {
            "state": self.state.value,
            "problem": self.problem,
            "connections": [_picture(link, now) for link in self._links],
            "excluded_gateways": list(self._links.excluded),
            "in_flight": [one.picture() for one in self.work.running],
            "outbox": {"replies": len(self.outbox), "bytes": self.outbox.size},
        }

    # Connections.

    def opened(self, link: int, start: StartResponse, now: float) -> None:
        """Tell that a link's socket is open, and what the start request gave."""
        pausing = self.state is ConnectionState.CLOSING
        self._links.opened(link, start, now, pausing=pausing)
        self._settle(now)

    def failed(
        self, link: int, failure: Failure, now: float, *, sentence: str, group: str = ""
    ) -> None:
        """Tell that a link could not be opened.

        Args:
            link: the number of `Open`.
            failure: what kind of failure it is; the delay depends on it.
            now: the time.
            sentence: what went wrong, for logs and readiness.
            group: the gateway's, if the start request named one.
        """
        self._links.failed(link, failure, now, sentence=sentence, group=group)
        self._settle(now)

    def receive(self, link: int, data: bytes, now: float) -> None:
        """Take a binary frame of a link's socket."""
        self._links.receive(link, data, now)
        self._settle(now)

    def lost(self, link: int, now: float, code: int | None = None, reason: str = "") -> None:
        """Tell that a link's socket is gone, with the close code and reason if there were any."""
        self._links.lost(link, code, reason)
        self._settle(now)

    # Requests and replies.

    def reply(self, response: Response, now: float) -> None:
        """Answer a request that was to be executed. It is kept until the server has it.

        Raises:
            ProtocolError: that request is not in progress.
        """
        if self._leave_work(response.request_id):
            self.outbox.add(bounded(response), now)
            if (best := self._links.best) is not None:
                best.say(self.outbox.sent(response.request_id, best.number, now))
            self._settle(now)

    def abandon(self, request_id: str, now: float) -> None:
        """End a request without an answer, because its code was cancelled.

        Raises:
            ProtocolError: that request is not in progress.
        """
        if self._leave_work(request_id):
            self._settle(now)

    def flushed(self, request_id: str, now: float) -> None:
        """Tell that the server has a reply now."""
        self._delivered(request_id, now)
        self._settle(now)

    def not_flushed(self, request_id: str, now: float, *, refused: str | None = None) -> None:
        """Tell that a flush failed. It is tried again, unless the server refused the reply.

        Args:
            request_id: the reply's request.
            now: the time.
            refused: why this reply will never be taken (a 400), which gives it up.
        """
        failures = self.outbox.not_flushed(request_id, now)
        why = refused
        if why is None and self._flushing_out and failures >= FLUSH_ROUNDS:
            why = f"the worker stops, and {failures} flushes have failed"
        if why is not None:
            self._give_up(request_id, why)
        self._settle(now)

    # Time, and the end.

    def tick(self, now: float) -> float | None:
        """Do what is due by now, and return when to call it next (`next_due`)."""
        self._links.tick(now)
        self._settle(now)
        return self.next_due

    def close(self, now: float) -> None:
        """Stop: accept nothing new, finish what is in progress, deliver every reply."""
        if self.state in (ConnectionState.CLOSING, ConnectionState.CLOSED):
            return
        self._become(ConnectionState.CLOSING)
        self._links.pause()
        self._settle(now)

    def abort(self, now: float) -> None:
        """Stop at once. What is in progress is left; its leases expire, and it is tried again."""
        self.close(now)
        for request_id in self.work.ids:
            self.work.finish(request_id)
            self._actions.append(Cancel(request_id))
        for response in self.outbox.rest():
            self._give_up(response.request_id, "the worker was stopped at once")
        self._settle(now)

    # What happened.

    def _settle(self, now: float) -> None:
        """Act on what happened, then do what is to be done now."""
        self._hear(now)
        self._extend_leases(now)
        self._retire(now)
        self._wind_up(now)
        self._actions += [Flush(response) for response in self.outbox.due(now)]
        if self._wants_links:
            self._links.open(now)
        self._links.write()

    def _hear(self, now: float) -> None:
        for link, event in self._links.events(now):
            match event:
                case ConnectionReady():
                    self._connected(event, now)
                case ExecutorRequest():
                    self._requested(link, event, now)
                case ExtendLeaseAck():
                    self._lease_answered(link, event, now)
                case ReplyAck():
                    self._delivered(event.request_id, now)
                case StatusDue():
                    self._report(link)
                case Ended():
                    self._gone(link, now)

    def _connected(self, intervals: ConnectionReady, now: float) -> None:
        self._lease_interval = intervals.extend_lease_interval
        self.outbox.hurry(now)
        if self.state is not ConnectionState.CLOSING:
            self._become(ConnectionState.ACTIVE)

    def _requested(self, link: Link, request: ExecutorRequest, now: float) -> None:
        """Take a request: run it, or recognise one that was sent again, or leave it to others."""
        why = self._intake.objection(request, closing=self.state is ConnectionState.CLOSING)
        if why is not None:
            self._actions.append(Skipped(request, why))
            return
        link.say(acknowledgement(request))
        if request.request_id in self.outbox:
            link.say(self.outbox.sent(request.request_id, link.number, now))
        elif self.work.accept(request, now + self._lease_interval):
            self._actions.append(Execute(request))

    def _lease_answered(self, link: Link, ack: ExtendLeaseAck, now: float) -> None:
        if self.work.answered(link.number, ack, now):
            self._actions.append(Cancel(ack.request_id))

    def _report(self, link: Link) -> None:
        if link.role is not None and link.connected:
            stopping = self.state is ConnectionState.CLOSING
            link.role.report(self.work.ids, stopping=stopping)

    def _delivered(self, request_id: str, now: float) -> None:
        if self.outbox.discard(request_id):
            self._intake.remember(request_id, now)

    def _gone(self, link: Link, now: float) -> None:
        self.outbox.link_gone(link.number, now)
        self.work.link_gone(link.number, now)
        if self._links.best is None and self.state is ConnectionState.ACTIVE:
            self._become(ConnectionState.RECONNECTING)

    # What is to be done.

    def _extend_leases(self, now: float) -> None:
        best = self._links.best
        if best is not None:
            for extension in self.work.extensions(best.number, now, self._lease_interval):
                best.say(extension)

    def _retire(self, now: float) -> None:
        """Close connections that were replaced, once nothing is awaited on them any more."""
        for link in self._links.replaced(now):
            awaited = self.outbox.waits_on(link.number) or self.work.waits_on(link.number)
            if not awaited or (link.retire_at is not None and now >= link.retire_at):
                self._links.leave(link)
        self._hear(now)

    def _wind_up(self, now: float) -> None:
        """Once the last request has ended: wait for acknowledgements, disconnect, flush, stop."""
        if self.state is not ConnectionState.CLOSING or self.work:
            return
        if not self._flushing_out:
            self._flushing_out = True
            self.outbox.hurry(now)
        if self.outbox.waits_on():
            return
        for link in self._links:
            self._links.leave(link)
        self._hear(now)
        if not self.outbox:
            self._become(ConnectionState.CLOSED)

    @property
    def _wants_links(self) -> bool:
        if self.state is ConnectionState.CLOSING:
            return bool(self.work)
        return self.state is not ConnectionState.CLOSED

    def _leave_work(self, request_id: str) -> bool:
        """Take a request out of what is in progress; after `abort` nothing is."""
        known = self.work.finish(request_id)
        if not known and self.state is not ConnectionState.CLOSED:
            raise ProtocolError(f"Request {request_id!r} is not in progress; answer it only once.")
        return known

    def _give_up(self, request_id: str, why: str) -> None:
        response = self.outbox.discard(request_id)
        if response is not None:
            self._actions.append(Undelivered(response, why))

    def _become(self, state: ConnectionState) -> None:
        if state is not self.state:
            self.state = self.state.followed_by(state)
            self._actions.append(StateChanged(state))


def _picture(link: Link, now: float) -> dict[str, Any]:
    heard = link.role.last_heartbeat if link.role else None
    return {
        "connection_id": link.connection_id,
        "gateway_group": link.group,
        "phase": link.role.phase.name if link.role else "OPENING",
        "seconds_since_heartbeat": None if heard is None else round(now - heard, 3),
    }
