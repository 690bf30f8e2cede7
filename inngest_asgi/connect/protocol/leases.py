"""A gateway's requests and their leases, across all its connections (connect.md 6); it does no I/O.

One table serves every `GatewayRole` of a gateway, because a worker may extend a lease, or reply, on
another connection than the one that brought the request.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from inngest_asgi.connect.protocol.deadlines import Deadlines

if TYPE_CHECKING:
    from collections.abc import Callable

DURATION = 120.0
"""Seconds a lease lasts; workers extend it four times as often."""

ACK_PATIENCE = 5.0
"""Seconds beyond a lease that a worker has to acknowledge a request."""

GRACE = 5.0
"""Seconds beyond a lease that a reply may still come."""


class Loss(Enum):
    """Why nobody works on a request any more."""

    NOT_ACKNOWLEDGED = "the worker did not acknowledge it"
    EXPIRED = "the worker stopped responding"


@dataclass(frozen=True, slots=True)
class Lost:
    """A request that no worker will answer any more: route it again, or fail it."""

    request_id: str
    loss: Loss


@dataclass(slots=True)
class _Lease:
    id: str
    previous: str | None = None
    acknowledged: bool = False
    expired: bool = False


class Leases:
    """The requests under way and who may extend them.

    Args:
        new_id: makes a ULID that was not used before.
        duration: seconds a lease lasts.

    Attributes:
        new_id: as given.
    """

    __slots__ = ("_deadlines", "_duration", "_leases", "_lost", "new_id")

    def __init__(self, new_id: Callable[[], str], *, duration: float = DURATION) -> None:
        self.new_id = new_id
        self._duration = duration
        self._leases: dict[str, _Lease] = {}
        self._deadlines: Deadlines[str] = Deadlines()
        self._lost: list[Lost] = []

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._leases

    def __len__(self) -> int:
        return len(self._leases)

    def grant(self, request_id: str, lease_id: str, now: float) -> None:
        """Begin to wait for a worker's answer.

        What is granted again to the same worker may be extended with the lease before, too: it may
        have got only that one. For another worker, `finish` the request first.
        """
        known = self._leases.get(request_id)
        self._leases[request_id] = _Lease(lease_id, known.id if known else None)
        self._deadlines.set(request_id, now + self._duration + ACK_PATIENCE)

    def expect(self, request_id: str, until: float) -> None:
        """Wait for the answer to a request that an earlier gateway sent, at first until a moment.

        Its lease belongs to the first worker that extends one.
        """
        self._leases[request_id] = _Lease("")
        self._deadlines.set(request_id, until)

    def acknowledge(self, request_id: str, now: float) -> bool:
        """Take note that a worker works on a request; False when nobody waits for it any more."""
        lease = self._leases.get(request_id)
        if lease is None:
            return False
        if not lease.acknowledged:
            lease.acknowledged = True
            self._deadlines.set(request_id, now + self._duration)
        return True

    def is_acknowledged(self, request_id: str) -> bool:
        """Tell whether a worker has taken a request; if not, it can be routed again at once."""
        lease = self._leases.get(request_id)
        return lease is not None and lease.acknowledged

    def extend(self, request_id: str, lease_id: str, now: float) -> str | None:
        """Exchange the current lease for a new one; None when that lease is not worth anything.

        Who names the lease before that one has not heard of the new one: the answer was lost with
        a connection. It is given again.
        """
        lease = self._leases.get(request_id)
        if lease is None or lease.expired:
            return None
        if lease.id in ("", lease_id):
            lease.id, lease.previous = self.new_id(), lease_id
        elif lease_id != lease.previous:
            return None
        lease.acknowledged = True
        self._deadlines.set(request_id, now + self._duration)
        return lease.id

    def finish(self, request_id: str) -> bool:
        """End a request: it was answered, or given up. True the first time, and only then."""
        self._deadlines.cancel(request_id)
        return self._leases.pop(request_id, None) is not None

    def tick(self, now: float) -> float | None:
        """Do what is due by now; then take `lost()`.

        Returns:
            When to call it again at the latest; None when nothing will be due.
        """
        for request_id in self._deadlines.take(now):
            self._expire(request_id, self._leases[request_id], now)
        return self._deadlines.next

    def lost(self) -> list[Lost]:
        """Return the requests lost since the last time, in order; they are no longer in here."""
        lost, self._lost = self._lost, []
        return lost

    def _expire(self, request_id: str, lease: _Lease, now: float) -> None:
        if lease.acknowledged and not lease.expired:
            lease.expired = True
            self._deadlines.set(request_id, now + GRACE)
            return
        del self._leases[request_id]
        loss = Loss.EXPIRED if lease.acknowledged else Loss.NOT_ACKNOWLEDGED
        self._lost.append(Lost(request_id, loss))
