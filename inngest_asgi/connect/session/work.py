"""The requests a worker runs and the leases it holds on them, whichever connection brought them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from inngest_asgi.connect.messages import ExtendLease, RequestAck
from inngest_asgi.connect.protocol.deadlines import Deadlines

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import ExecutorRequest, ExtendLeaseAck

LIFETIME = 4
"""Intervals of extensions that a lease lasts (connect.md 6)."""

_ECHOED = tuple(one.name for one in fields(RequestAck))


@dataclass(slots=True)
class Running:
    """One request in progress.

    `asked` are the leases named in extensions on connection `link` that were not answered yet, and
    `asked_until` is when the lease would end that the last of them brings about. `doubtful_until`
    is that moment if the answer cannot come any more: whether the lease named is still the one
    held is then unknown.
    """

    request: ExecutorRequest
    lease_id: str
    lost: bool = False
    link: int | None = None
    asked: deque[str] = field(default_factory=deque)
    asked_until: float = 0.0
    doubtful_until: float = 0.0

    def picture(self) -> dict[str, Any]:
        """Return what people want to know of it, as JSON."""
        request = self.request
        return {
            "request_id": request.request_id,
            "run_id": request.run_id,
            "function": request.function_slug,
            "lease_id": self.lease_id,
            "lease_lost": self.lost,
        }

    def hold(self, lease_id: str) -> None:
        """Have another lease, which is beyond doubt."""
        self.lease_id = lease_id
        self.doubtful_until = 0.0

    def expect_no_answers(self) -> None:
        """Take note that the connection is gone on which extensions were to be answered."""
        if self.lease_id in self.asked:
            self.doubtful_until = self.asked_until
        self.asked.clear()


def acknowledgement(request: ExecutorRequest) -> RequestAck:
    """Return what to say to a request that is taken."""
    return RequestAck(**{name: getattr(request, name) for name in _ECHOED})


class Work:
    """The requests in progress, by id."""

    __slots__ = ("_deadlines", "_running")

    def __init__(self) -> None:
        self._running: dict[str, Running] = {}
        self._deadlines: Deadlines[str] = Deadlines()

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._running

    @property
    def running(self) -> tuple[Running, ...]:
        """The requests in progress, in the order they were accepted."""
        return tuple(self._running.values())

    @property
    def next(self) -> float | None:
        """When the next lease is to be extended."""
        return self._deadlines.next

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the requests in progress."""
        return tuple(self._running)

    def accept(self, request: ExecutorRequest, extend_at: float) -> bool:
        """Begin a request; False when it is in progress, which then has the new lease."""
        running = self._running.get(request.request_id)
        self._deadlines.set(request.request_id, extend_at)
        if running is None:
            self._running[request.request_id] = Running(request, request.lease_id)
            return True
        running.asked.clear()
        running.hold(request.lease_id)
        return False

    def is_lost(self, request_id: str) -> bool:
        """Tell whether the lease of a request in progress is lost."""
        return self._running[request_id].lost

    def finish(self, request_id: str) -> bool:
        """End a request; False when it was not in progress."""
        self._deadlines.cancel(request_id)
        return self._running.pop(request_id, None) is not None

    def extensions(self, link: int, now: float, interval: float) -> list[ExtendLease]:
        """Return what is due to be said on a connection, and count it as said."""
        found = []
        for request_id in self._deadlines.take(now):
            running = self._running[request_id]
            if running.link != link:
                running.expect_no_answers()
                running.link = link
            running.asked.append(running.lease_id)
            running.asked_until = now + LIFETIME * interval
            echoed = {name: getattr(running.request, name) for name in _ECHOED}
            found.append(ExtendLease(**echoed, lease_id=running.lease_id))
            self._deadlines.set(request_id, now + interval)
        return found

    def answered(self, link: int, ack: ExtendLeaseAck, now: float) -> bool:
        """Take the answer to an extension; True when it says that the lease is lost.

        An extension that was asked for twice is refused the second time, because the first has
        already changed the lease: only a refusal of the lease held now is a loss. Which one that
        is nobody knows if an answer was lost with its connection. Then the work goes on for as
        long as the lease lasts that the answer may have told of.
        """
        running = self._running.get(ack.request_id)
        if running is None or running.lost:
            return False
        asked = running.asked.popleft() if running.link == link and running.asked else None
        if ack.new_lease_id is not None:
            running.hold(ack.new_lease_id)
            return False
        running.lost = asked == running.lease_id and now >= running.doubtful_until
        if running.lost:
            self._deadlines.cancel(ack.request_id)
        return running.lost

    def waits_on(self, link: int) -> bool:
        """Tell whether an extension that was sent on a connection is not answered yet."""
        return any(one.link == link and one.asked for one in self._running.values())

    def link_gone(self, link: int, now: float) -> None:
        """Expect no more answers from a connection, and have all leases extended on the next one.

        What was asked for may never have arrived; and a gateway that has just begun learns by
        this who works on what.
        """
        for request_id, running in self._running.items():
            if running.link == link:
                running.expect_no_answers()
            if not running.lost:
                self._deadlines.set(request_id, now)
