"""The gateway as a whole: connections in, their apps registered, their time watched; no sockets.

Whoever holds a socket (`listener.py`, or a test) accepts a link for it, hands in what arrives and
writes what the link has to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from inngest_asgi.connect.messages import (
    ConnectionReady,
    ExtendLease,
    RequestAck,
    Response,
    WorkerConnect,
    WorkerPause,
    WorkerReady,
)
from inngest_asgi.connect.protocol.closing import CloseCode
from inngest_asgi.connect.protocol.connection import Ended
from inngest_asgi.connect.protocol.deadlines import earliest
from inngest_asgi.connect.protocol.gateway_role import GatewayRole
from inngest_asgi.connect.protocol.leases import Leases
from inngest_asgi.dev.gateway.dispatcher import RESUME_PATIENCE, Dispatcher
from inngest_asgi.dev.gateway.links import Group, Link
from inngest_asgi.dev.gateway.roster import Roster
from inngest_asgi.dev.gateway.tokens import Tokens
from inngest_asgi.dev.gateway.translation import registration, slugs_of
from inngest_asgi.dev.patience import within
from inngest_asgi.dev.schedule import new_ulid
from inngest_asgi.errors import DevServerError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from inngest_asgi.clock import Clock
    from inngest_asgi.connect.messages import AppConfiguration
    from inngest_asgi.connect.protocol.connection import Event
    from inngest_asgi.dev.alarm import Alarm, Timer
    from inngest_asgi.dev.apps.registry import Registry
    from inngest_asgi.dev.commits import Commits
    from inngest_asgi.dev.jobs import Jobs
    from inngest_asgi.dev.options import DevOptions
    from inngest_asgi.dev.records import Job

GROUP = "gw-dev"
"""The gateway group that workers are told of, there being one gateway."""

FLUSH_PATIENCE = 10.0
"""Seconds a flushed reply may take to be saved."""

_LEASE_EXTENSIONS = 4
"""How often a worker may extend a lease before it ends (connect.md 6)."""

_log = logging.getLogger(__name__)


class Gateway:
    """Knows all connections.

    Args:
        now: the time the protocol goes by; it must never go back.

    Attributes:
        address: where it listens, host and port; None when it does not.
        roster: the accepted connections.
        calls: calls over sockets.
        tokens: what lets workers in.
        closed: whether it takes no more connections.
    """

    def __init__(
        self,
        clock: Clock,
        alarm: Alarm,
        options: DevOptions,
        registry: Registry,
        commits: Commits,
        jobs: Jobs,
        *,
        now: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._alarm = alarm
        self._registry = registry
        self._commits = commits
        self._now = now
        self._intervals = ConnectionReady(
            options.heartbeat_interval, options.extend_lease_interval, 0.0
        )
        lease = _LEASE_EXTENSIONS * options.extend_lease_interval
        self._leases = Leases(lambda: new_ulid(clock), duration=lease)
        self._open: dict[Link, None] = {}
        self._syncing: set[asyncio.Task[None]] = set()
        self._timer: Timer | None = None
        self._armed = float("inf")
        self._started_at = clock.time()
        self._watchers: list[Callable[[], None]] = []
        self.address: tuple[str, int] | None = None
        self.tokens = Tokens(clock, options)
        self.roster = Roster(clock.random, options.heartbeat_interval)
        self.calls = Dispatcher(
            self.roster,
            self._leases,
            now=now,
            arm=self._arm,
            new_id=lambda: new_ulid(clock),
            on_call=jobs.put,
        )
        registry.on_change.append(self.calls.reconsider)
        self.closed = False

    def expect(self, jobs: Iterable[Job]) -> None:
        """Wait for what workers still do for an earlier server on the same file."""
        self.calls.expect(jobs, self._intervals.extend_lease_interval + RESUME_PATIENCE)

    @contextlib.contextmanager
    def watched(self, notify: Callable[[], None]) -> Iterator[None]:
        """Call `notify` whenever a worker comes, goes, or is in another state, in the context."""
        self._watchers.append(notify)
        try:
            yield
        finally:
            self._watchers.remove(notify)

    def accept(self, wake: Callable[[], None]) -> Link:
        """Return the server's end of a socket that has just opened.

        Args:
            wake: called when the link has something to write, or is to be closed.
        """
        role = GatewayRole(self._leases, now=self._now(), authenticate=self._is_authentic)
        link = Link(role, wake, self._clock.time())
        self._open[link] = None
        if self.closed:
            role.close()
        self._act(link)
        return link

    def received(self, link: Link, data: bytes) -> None:
        """Take a frame that arrived."""
        link.seen_at = self._clock.time()
        link.role.receive(data, self._now())
        self._act(link)

    def lost(self, link: Link, code: int | None, reason: str) -> None:
        """Take note that a socket is gone."""
        link.role.lost(code, reason)
        self._act(link)

    async def flush(self, response: Response) -> None:
        """Take a reply that did not come over a socket; return once it is safe.

        Raises:
            RequestError: that takes too long (503); the worker is to try again.
        """
        saved = asyncio.Event()
        self.calls.replied(response, saved.set)
        if await within(self._clock, FLUSH_PATIENCE, saved.wait()) is None:
            text = "The reply could not be saved yet; send it again."
            raise RequestError(text, code="", status=503)

    async def close(self) -> None:
        """Send all workers away. Their sockets are closed by whoever holds them."""
        self.closed = True
        for task in self._syncing:
            task.cancel()
        await asyncio.gather(*self._syncing, return_exceptions=True)
        for link in list(self._open):
            link.role.drain(self._now())
            link.role.close()
            self._act(link)

    def _is_authentic(self, worker: WorkerConnect) -> bool:
        return self.tokens.is_good(worker.auth_data.session_token)

    def _act(self, link: Link) -> None:
        """Do what follows from what a link was told."""
        for event in link.role.events():
            self._happened(link, event)
        link.flush()
        due = link.role.next_due
        if due is not None:
            self._arm(due)
        self.calls.wake()

    def _happened(self, link: Link, event: Event) -> None:
        match event:
            case WorkerConnect():
                task = asyncio.ensure_future(self._introduce(link, event))
                self._syncing.add(task)
                task.add_done_callback(self._syncing.discard)
            case RequestAck():
                self.calls.acknowledged(event.request_id)
            case ExtendLease():
                self.calls.extended(event, link)
            case Response():
                self.calls.replied(event, lambda: self._stored(link, event.request_id))
            case Ended():
                self._ended(link, event)
            case WorkerReady():
                self.calls.back(link)
                self._tell()
            case WorkerPause():
                self._tell()
            case _:
                """A worker's status changes nothing."""

    def _tell(self) -> None:
        self.calls.reconsider()
        for notify in self._watchers:
            notify()

    async def _introduce(self, link: Link, worker: WorkerConnect) -> None:
        """Register the apps of a worker, then let it in."""
        try:
            groups = [await self._register(worker, app) for app in worker.apps]
        except RequestError as error:
            if not link.role.ended:
                link.role.sync_failed(error.code, str(error))
        except DevServerError:
            link.fail()
        else:
            if not link.role.ended:
                link.groups = tuple(groups)
                self._let_in(link, worker)
        self._act(link)

    def _let_in(self, link: Link, worker: WorkerConnect) -> None:
        self.roster.add(link)
        link.role.ready(self._intervals, self._now())
        began = worker.started_at
        is_younger = began is not None and began.timestamp() > self._started_at
        self.calls.joined(is_younger=is_younger)
        self._tell()
        names = ", ".join(group.app_name for group in link.groups)
        _log.info("Worker %s is connected, with %s.", link.instance, names)

    async def _register(self, worker: WorkerConnect, app: AppConfiguration) -> Group:
        """Register one app, also when it was before: an old version that comes back counts."""
        document = registration(worker, app)
        registered = (await self._registry.register(document, self._commits)).app
        known = self.roster.group(registered.checksum)
        return known or Group(
            app_id=registered.id,
            app_name=registered.name,
            app_version=registered.app_version,
            hash=registered.checksum,
            slugs=slugs_of(document),
            created_at=self._clock.time(),
        )

    def _stored(self, link: Link, request_id: str) -> None:
        link.role.stored(request_id)
        link.flush()

    def _ended(self, link: Link, end: Ended) -> None:
        self._open.pop(link, None)
        self.roster.remove(link)
        self.calls.gone(link, for_good=end.close.code == CloseCode.NORMAL)
        if link.groups:
            self._tell()
            _log.info("Worker %s is gone. %s", link.instance, end.close.explain())

    def _arm(self, moment: float) -> None:
        if moment < self._armed:
            if self._timer is not None:
                self._alarm.cancel(self._timer)
            self._armed = moment
            when = self._clock.time() + moment - self._now()
            self._timer = self._alarm.at(when, self._tick)

    def _tick(self) -> None:
        self._timer, self._armed = None, float("inf")
        now = self._now()
        due = self.calls.tick(now)
        for link in list(self._open):
            due = earliest(due, link.role.tick(now))
            self._act(link)
        self.calls.wake()
        if due is not None:
            self._arm(due)
