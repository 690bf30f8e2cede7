"""What a worker counts, for health checks and pages; anybody may read it at any time."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Counts since the worker was started. One thread writes them.

    Attributes:
        connections: sockets that were opened.
        problems: connections that failed or ended unasked.
        requests: requests that were taken.
        replies: requests that were answered.
        cancelled: requests whose code was cancelled.
        skipped: requests that were left to other workers.
        leases_lost: requests that somebody else may have got meanwhile.
        flushed: replies delivered over HTTP.
        undelivered: replies that could not be delivered at all.
    """

    connections: int = 0
    problems: int = 0
    requests: int = 0
    replies: int = 0
    cancelled: int = 0
    skipped: int = 0
    leases_lost: int = 0
    flushed: int = 0
    undelivered: int = 0

    def picture(self) -> dict[str, int]:
        """Return them as JSON."""
        return asdict(self)
