"""The gateway's end of one connection: who may come in, requests, leases, drain; without I/O."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from inngest_asgi.connect.messages import (
    ConnectionReady,
    ExtendLease,
    ExtendLeaseAck,
    GatewayClosing,
    GatewayHeartbeat,
    Hello,
    ReplyAck,
    RequestAck,
    SyncFailed,
    WorkerConnect,
    WorkerHeartbeat,
    WorkerReady,
    WorkerStatus,
)
from inngest_asgi.connect.protocol.closing import DRAINED, Close, CloseCode, Reason
from inngest_asgi.connect.protocol.connection import MAX_FRAME, Connection
from inngest_asgi.connect.protocol.transitions import FROM_WORKER, GATEWAY, Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.connect.messages import ExecutorRequest, Message
    from inngest_asgi.connect.protocol.leases import Leases

CONNECT_PATIENCE = 5.0
"""Seconds a worker has to introduce itself (connect.md 4)."""

DRAIN_PATIENCE = 25.0
"""Seconds a worker has to go elsewhere when the gateway drains (connect.md 8)."""

MISSED_HEARTBEATS = 5
"""Intervals without a heartbeat after which the worker is gone (connect.md 5)."""

STATUS_PACE = 2.0
"""Seconds between two status reports; those that come sooner are ignored (connect.md 7)."""

MAX_APPS = 10
"""Apps on one connection, where an account has no limit of its own (connect.md 4)."""

_BEFORE_READY = (Phase.INTRODUCING, Phase.SYNCING)
_ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}", re.IGNORECASE)
_ACK_FIELDS = tuple(one.name for one in fields(ExtendLeaseAck) if one.name != "new_lease_id")


class GatewayRole(Connection):
    """The gateway's end of a connection whose socket has just opened. HELLO is ready to be sent.

    `events()` returns what comes from the worker and concerns the owner:

        WorkerConnect    sync its apps, then call `ready` or `sync_failed`
        WorkerReady      route requests to it (also told when it did not ask for manual readiness)
        WorkerPause      route nothing new to it; what it has, it finishes
        RequestAck       the worker works on a request
        ExtendLease      a lease was asked for, and already answered from the table
        Response         store it, whoever asked for it, then call `stored`; `leases.finish` says
                         whether it is the first and is waited for
        WorkerStatus     what the worker does, at most every two seconds
        Ended            the worker is gone: requests of this connection that no worker has
                         acknowledged can be routed again, the others stay until their lease ends

    Args:
        leases: the table that all connections of a gateway share.
        now: the time.
        authenticate: tells whether the tokens are good; it must not wait for anything.
        max_apps: how many apps may come over one connection.

    Attributes:
        worker: who is at the other end; None before it said so.
        last_heartbeat: when its last sign of life came; None before the handshake is over.
    """

    TABLE = GATEWAY
    HEARS = FROM_WORKER

    __slots__ = (
        "_authenticate",
        "_intervals",
        "_last_status",
        "_leases",
        "_max_apps",
        "last_heartbeat",
        "worker",
    )

    def __init__(
        self,
        leases: Leases,
        *,
        now: float,
        authenticate: Callable[[WorkerConnect], bool] = lambda _: True,
        max_apps: int = MAX_APPS,
    ) -> None:
        super().__init__()
        self.worker: WorkerConnect | None = None
        self.last_heartbeat: float | None = None
        self._leases = leases
        self._authenticate = authenticate
        self._max_apps = max_apps
        self._intervals = ConnectionReady()
        self._last_status: float | None = None
        self._say(Hello())
        self._deadlines.set("introduction", now + CONNECT_PATIENCE)

    @property
    def routable(self) -> bool:
        """Whether new requests may be sent to this worker."""
        return self.phase is Phase.READY

    def receive(self, data: bytes, now: float) -> None:
        if len(data) > MAX_FRAME:
            self._end(Close(CloseCode.TOO_BIG, Reason.MESSAGE_TOO_LARGE))
            return
        super().receive(data, now)

    def ready(self, intervals: ConnectionReady, now: float) -> None:
        """Accept the worker: its apps are synced. Then write `data_to_send()`, take `events()`.

        Raises:
            ProtocolError: no `WorkerConnect` waits for it.
        """
        self._say(intervals)
        self._intervals = intervals
        self._alive(now)
        if self.worker is not None and not self.worker.worker_manual_readiness_ack:
            self.phase = Phase.READY
            self._events.append(WorkerReady())

    def sync_failed(self, code: str, message: str) -> None:
        """Refuse the worker over its apps. Then `data_to_send()`, and close with `closing`.

        Args:
            code: the register error's; it may be empty.
            message: what the worker's log will say.

        Raises:
            ProtocolError: no `WorkerConnect` waits for it.
        """
        self._say(SyncFailed(code, message))
        self._end(Close(CloseCode.POLICY, code or Reason.INVALID_FUNCTION_CONFIG))

    def request(self, request: ExecutorRequest, now: float) -> str:
        """Send a request under a new lease. Then write `data_to_send()`.

        Returns:
            The lease id; the request's own is replaced by it.

        Raises:
            ProtocolError: not `routable`, or the frame is larger than `MAX_FRAME`.
        """
        lease_id = self._leases.new_id()
        self._say(replace(request, lease_id=lease_id))
        self._leases.grant(request.request_id, lease_id, now)
        return lease_id

    def stored(self, request_id: str) -> None:
        """Tell the worker that its reply is safe; nothing where the connection is over.

        Then write `data_to_send()`.
        """
        if not self.ended:
            self._say(ReplyAck(request_id))

    def drain(self, now: float) -> None:
        """Ask the worker to go elsewhere; after 25 seconds the connection is closed.

        Then write `data_to_send()`, and close the socket if `closing` says so: a worker that is
        still in its handshake is sent away at once.
        """
        if (self.phase, GatewayClosing) not in self.TABLE:
            self.close()
            return
        if self.phase is Phase.DRAINING:
            return
        self._say(GatewayClosing())
        self._deadlines.set("drained", now + DRAIN_PATIENCE)

    def close(self) -> None:
        """End it because the gateway shuts down. Then close the socket with `closing`."""
        self._end(DRAINED)

    def _heard(self, message: Message, now: float) -> None:
        match message:
            case WorkerConnect():
                self._introduced(message)
            case WorkerHeartbeat():
                self._alive(now)
                self._say(GatewayHeartbeat())
            case RequestAck():
                self._leases.acknowledge(message.request_id, now)
                self._events.append(message)
            case ExtendLease():
                self._extend(message, now)
            case WorkerStatus():
                self._reported(message, now)
            case _:
                self._events.append(message)

    def _introduced(self, worker: WorkerConnect) -> None:
        self._deadlines.cancel("introduction")
        refusal = self._refusal(worker)
        if refusal:
            self._end(Close(CloseCode.POLICY, refusal))
            return
        self.worker = worker
        self._events.append(worker)

    def _refusal(self, worker: WorkerConnect) -> Reason | None:
        """Return why a worker may not come in, in the order of connect.md 4."""
        if not _is_ulid(worker.connection_id) or not worker.instance_id:
            return Reason.HELLO_INVALID_PAYLOAD
        if not self._authenticate(worker):
            return Reason.AUTHENTICATION_FAILED
        if not worker.apps:
            return Reason.HELLO_INVALID_PAYLOAD
        return Reason.TOO_MANY_APPS if len(worker.apps) > self._max_apps else None

    def _alive(self, now: float) -> None:
        self.last_heartbeat = now
        self._deadlines.set("silence", now + MISSED_HEARTBEATS * self._intervals.heartbeat_interval)

    def _extend(self, asked: ExtendLease, now: float) -> None:
        if not _is_ulid(asked.lease_id):
            self._end(Close(CloseCode.POLICY, Reason.EXTEND_LEASE_INVALID))
            return
        new = self._leases.extend(asked.request_id, asked.lease_id, now)
        echoed = {name: getattr(asked, name) for name in _ACK_FIELDS}
        self._say(ExtendLeaseAck(**echoed, new_lease_id=new))
        self._events.append(asked)

    def _reported(self, status: WorkerStatus, now: float) -> None:
        if self._last_status is None or now - self._last_status >= STATUS_PACE:
            self._last_status = now
            self._events.append(status)

    def _due(self, key: str, now: float) -> None:
        match key:
            case "introduction":
                self._end(Close(CloseCode.POLICY, Reason.HELLO_TIMEOUT))
            case "drained":
                self.close()
            case _:
                self._end(Close(CloseCode.POLICY, Reason.HEARTBEATS_MISSED))

    def _malformed(self, kind: type | None) -> Close:
        if self.phase in _BEFORE_READY:
            return Close(CloseCode.POLICY, Reason.HELLO_INVALID_PAYLOAD)
        if kind is RequestAck:
            return Close(CloseCode.POLICY, Reason.ACK_INVALID)
        is_lease = kind is ExtendLease
        reason = Reason.EXTEND_LEASE_INVALID if is_lease else Reason.INVALID_MESSAGE
        return Close(CloseCode.POLICY, reason)

    def _misplaced(self, message: Message) -> Close:
        if self.phase in _BEFORE_READY:
            return Close(CloseCode.POLICY, Reason.HELLO_INVALID_MESSAGE)
        if isinstance(message, WorkerReady):
            return DRAINED
        return Close(CloseCode.POLICY, Reason.INVALID_MESSAGE)


def _is_ulid(text: str) -> bool:
    return _ULID.fullmatch(text) is not None
