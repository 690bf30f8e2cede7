"""A worker's connections: one being opened, one in use, others on their way out; it does no I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from inngest_asgi.connect.messages import ConnectionReady, GatewayClosing, SyncFailed
from inngest_asgi.connect.protocol.closing import SHUTDOWN
from inngest_asgi.connect.protocol.connection import Ended
from inngest_asgi.connect.protocol.deadlines import earliest
from inngest_asgi.connect.protocol.transitions import Phase
from inngest_asgi.connect.protocol.worker_role import WorkerRole
from inngest_asgi.connect.session.actions import Disconnect, Open, Problem, Send
from inngest_asgi.connect.session.attempts import Attempts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from inngest_asgi.connect.messages import StartResponse, WorkerConnect
    from inngest_asgi.connect.protocol.connection import Event
    from inngest_asgi.connect.protocol.worker_role import Work as Said
    from inngest_asgi.connect.session.actions import Action, Failure

RETIREMENT = 5.0
"""Seconds a connection that was replaced may wait for what is still to be acknowledged on it."""


@dataclass(slots=True)
class Link:
    """One connection, from the moment it is asked for; `role` is None until its socket is open.

    `retire_at` is when it is closed at the latest, once a newer one has taken over; `refusal` is
    what the gateway said before it closed.
    """

    number: int
    group: str = ""
    connection_id: str = ""
    role: WorkerRole | None = None
    retire_at: float | None = None
    refusal: str = ""

    @property
    def connected(self) -> bool:
        """Whether its handshake is over and it is not."""
        return self.role is not None and self.role.connected

    @property
    def draining(self) -> bool:
        """Whether its gateway shuts down."""
        return self.role is not None and self.role.phase is Phase.DRAINING

    def say(self, message: Said) -> None:
        """Send something of a request, unless the connection has just ended."""
        if self.role is not None and self.role.connected:
            self.role.send(message)


class Links:
    """The connections that exist; higher numbers are newer.

    Args:
        worker: who introduces itself on each; connection id and tokens are filled in.
        actions: where to put what the shell has to do.
        now: the time; the first connection may be opened at once.
        chance: returns numbers in [0, 1), for delays.

    Attributes:
        problem: what went wrong last, in a sentence; None since a connection came about.
    """

    __slots__ = ("_actions", "_attempts", "_links", "_number", "_worker", "problem")

    def __init__(
        self,
        worker: WorkerConnect,
        actions: list[Action],
        *,
        now: float,
        chance: Callable[[], float],
    ) -> None:
        self.problem: str | None = None
        self._worker = worker
        self._actions = actions
        self._attempts = Attempts(now, chance)
        self._links: dict[int, Link] = {}
        self._number = 0

    def __iter__(self) -> Iterator[Link]:
        return iter(tuple(self._links.values()))

    @property
    def best(self) -> Link | None:
        """The newest connection that is through its handshake: what is sent goes there."""
        return next((link for link in reversed(self._links.values()) if link.connected), None)

    @property
    def wanting(self) -> bool:
        """Whether a new connection is needed: none is on its way, and none will last."""
        if not all(link.connected for link in self._links.values()):
            return False
        best = self.best
        return best is None or best.draining

    @property
    def excluded(self) -> tuple[str, ...]:
        """The groups of gateways to avoid."""
        return self._attempts.excluded

    def next_due(self, *, may_open: bool) -> float | None:
        """Return when the first of them, or the opening of another, has something to do."""
        roles = (link.role.next_due for link in self if link.role)
        retirements = (link.retire_at for link in self)
        opening = self._attempts.due if may_open and self.wanting else None
        return earliest(*roles, *retirements, opening)

    # What the shell tells.

    def opened(self, number: int, start: StartResponse, now: float, *, pausing: bool) -> None:
        """Begin the handshake on a socket that is open."""
        link = self._links.get(number)
        if link is not None and link.role is None:
            link.group, link.connection_id = start.gateway_group, start.connection_id
            worker = replace(
                self._worker, connection_id=start.connection_id, auth_data=start.auth_data
            )
            link.role = WorkerRole(worker, now=now, pausing=pausing)

    def failed(
        self, number: int, failure: Failure, now: float, *, sentence: str, group: str
    ) -> None:
        """Give up a connection that could not be opened."""
        link = self._links.get(number)
        if link is not None and link.role is None:
            del self._links[number]
            self._trouble(sentence, self._attempts.failed(failure, group, now))

    def receive(self, number: int, data: bytes, now: float) -> None:
        """Hand a frame to its connection."""
        link = self._links.get(number)
        if link is not None and link.role is not None:
            link.role.receive(data, now)

    def lost(self, number: int, code: int | None, reason: str) -> None:
        """Tell a connection that its socket is gone."""
        link = self._links.get(number)
        if link is not None and link.role is not None:
            link.role.lost(code, reason)

    def tick(self, now: float) -> None:
        """Let time pass for all of them."""
        for link in self:
            if link.role is not None:
                link.role.tick(now)

    # What the session asks.

    def events(self, now: float) -> list[tuple[Link, Event]]:
        """Return what happened on them; what has ended is no longer among them."""
        found = []
        for link in self:
            for event in link.role.events() if link.role else ():
                self._heed(link, event, now)
                found.append((link, event))
        return found

    def open(self, now: float) -> None:
        """Ask for another connection, if one is needed and it is time."""
        if self.wanting and self._attempts.due <= now:
            self._number += 1
            self._links[self._number] = Link(self._number)
            self._actions.append(Open(self._number, self._attempts.excluded))

    def pause(self) -> None:
        """Say on all of them that nothing new is wanted."""
        for link in self:
            if link.role is not None:
                link.role.pause()

    def leave(self, link: Link) -> None:
        """Close a connection; `events` tells of its end if it ever had a socket."""
        if link.role is not None:
            link.role.close()
            return
        del self._links[link.number]
        self._actions.append(Disconnect(link.number, SHUTDOWN))

    def replaced(self, now: float) -> list[Link]:
        """Return the connections that a newer one has taken over from."""
        best = self.best
        found = [link for link in self if link.connected and link is not best]
        for link in found:
            link.retire_at = link.retire_at or now + RETIREMENT
        if best is not None:
            best.retire_at = None  # it may have been replaced by one that is gone already
        return found

    def write(self) -> None:
        """Pass on the frames that wait on any of them."""
        for link in self:
            self._write(link)

    def _heed(self, link: Link, event: Event, now: float) -> None:
        match event:
            case ConnectionReady():
                self.problem = None
                self._attempts.connected(link.group, now)
            case GatewayClosing():
                self._attempts.drains(link.group, now)
            case SyncFailed():
                link.refusal = _refusal(event)
            case Ended():
                self._gone(link, event, now)

    def _gone(self, link: Link, ended: Ended, now: float) -> None:
        self._write(link)
        if ended.ours:
            self._actions.append(Disconnect(link.number, ended.close))
        del self._links[link.number]
        if ended == Ended(SHUTDOWN, ours=True):
            return
        sentence = link.refusal or ended.close.explain()
        if self.wanting:
            self._trouble(sentence, self._attempts.ended(ended.close, link.group, now))
        elif self.best is None:
            self._trouble(sentence, None)

    def _write(self, link: Link) -> None:
        frames = link.role.data_to_send() if link.role else ()
        self._actions += [Send(link.number, frame) for frame in frames]

    def _trouble(self, sentence: str, delay: float | None) -> None:
        self.problem = sentence
        self._actions.append(Problem(sentence, delay))


def _refusal(failed: SyncFailed) -> str:
    what = failed.message or "no reason was given"
    code = f" ({failed.code})" if failed.code else ""
    return f"The server did not accept the functions of this worker: {what}{code}."
