"""Which requests a worker takes, and which it leaves to others by not acknowledging them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.connect.protocol.deadlines import Deadlines
from inngest_asgi.connect.session.actions import Ignored

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import ExecutorRequest, WorkerConnect
    from inngest_asgi.connect.session.outbox import Outbox
    from inngest_asgi.connect.session.work import Work

REMEMBERED = 5.0
"""Seconds during which a request that was answered is not run again, should it come twice."""


class Intake:
    """The rules, and the requests that were answered a moment ago.

    Args:
        worker: its apps, and how many requests it may have at a time.
        work: the requests in progress.
        outbox: the replies that were not delivered yet.
    """

    __slots__ = ("_answered", "_apps", "_limit", "_outbox", "_work")

    def __init__(self, worker: WorkerConnect, work: Work, outbox: Outbox) -> None:
        self._apps = {app.app_name for app in worker.apps}
        self._limit = worker.max_worker_concurrency or 0
        self._work = work
        self._outbox = outbox
        self._answered: Deadlines[str] = Deadlines()

    def objection(self, request: ExecutorRequest, *, closing: bool) -> Ignored | None:
        """Return why a request is not taken; None when it is, or was already."""
        request_id = request.request_id
        if request_id in self._work:
            return Ignored.LEASE_LOST if self._work.is_lost(request_id) else None
        if request_id in self._outbox:
            return None
        objections = (
            (request_id in self._answered, Ignored.ANSWERED),
            (closing, Ignored.CLOSING),
            (request.app_name not in self._apps, Ignored.UNKNOWN_APP),
            (0 < self._limit <= len(self._work), Ignored.AT_CAPACITY),
            (self._outbox.full, Ignored.OUTBOX_FULL),
        )
        return next((why for holds, why in objections if holds), None)

    def remember(self, request_id: str, now: float) -> None:
        """Take note that the server has the answer."""
        for _ in self._answered.take(now):
            pass
        self._answered.set(request_id, now + REMEMBERED)
