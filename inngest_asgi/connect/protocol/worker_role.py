"""The worker's end of one connection: handshake, heartbeats, status, drain and pause, without I/O.

It knows nothing of requests but their messages: what is accepted, which leases are held and what
is still to be answered outlives a connection, and is the session's (`connect.session`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from inngest_asgi.connect.messages import (
    ConnectionReady,
    ExtendLease,
    GatewayClosing,
    GatewayHeartbeat,
    Hello,
    RequestAck,
    Response,
    SyncFailed,
    WorkerHeartbeat,
    WorkerPause,
    WorkerReady,
    WorkerStatus,
)
from inngest_asgi.connect.protocol.closing import (
    DRAINED,
    SHUTDOWN,
    UNEXPECTED,
    UNRESPONSIVE,
    Close,
    CloseCode,
    Reason,
)
from inngest_asgi.connect.protocol.connection import Connection, StatusDue
from inngest_asgi.connect.protocol.transitions import FROM_GATEWAY, WORKER, Phase

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import Message, WorkerConnect

Work: TypeAlias = RequestAck | ExtendLease | Response
"""What a worker says of requests."""

HELLO_PATIENCE = 5.0
"""Seconds from the socket's opening within which HELLO must come (connect.md 4)."""

READY_PATIENCE = 20.0
"""Seconds from WORKER_CONNECT within which the gateway must have synced the apps (connect.md 4)."""

MISSED_HEARTBEATS = 2
"""Heartbeats without an answer after which the gateway is taken for dead (connect.md 5)."""


class WorkerRole(Connection):
    """The worker's end of a connection whose socket has just opened.

    `events()` returns what comes from the gateway and concerns the owner: `ConnectionReady` (the
    connection may be used), `ExecutorRequest`, `ExtendLeaseAck`, `ReplyAck`, `GatewayClosing` (open
    another connection), `SyncFailed` (told before the end), and besides `StatusDue` and `Ended`.

    Args:
        introduction: who the worker is; the start response's connection id and tokens are in it.
        now: the time.
        pausing: whether the worker already stops: then it is never READY, but PAUSED.

    Attributes:
        intervals: what the gateway asked for; before, the defaults.
        last_heartbeat: when the gateway's last sign of life came (that of READY is the first);
            None before.
    """

    TABLE = WORKER
    HEARS = FROM_GATEWAY

    __slots__ = ("_introduction", "_pausing", "_unanswered", "intervals", "last_heartbeat")

    def __init__(self, introduction: WorkerConnect, *, now: float, pausing: bool = False) -> None:
        super().__init__()
        self.intervals = ConnectionReady()
        self.last_heartbeat: float | None = None
        self._introduction = introduction
        self._pausing = pausing
        self._unanswered = 0
        self._deadlines.set("handshake", now + HELLO_PATIENCE)

    def send(self, message: Work) -> None:
        """Say something of a request. Then write `data_to_send()`.

        Raises:
            ProtocolError: not `connected`, or the frame is larger than `MAX_FRAME`.
        """
        self._say(message)

    def report(self, in_flight: tuple[str, ...], *, stopping: bool) -> None:
        """Answer `StatusDue`. Then write `data_to_send()`.

        Raises:
            ProtocolError: not `connected`.
        """
        self._say(WorkerStatus(in_flight, stopping))

    def pause(self) -> None:
        """Ask for nothing new, now or as soon as the handshake is over. Then `data_to_send()`."""
        self._pausing = True
        if self.connected:
            self._say(WorkerPause())

    def close(self) -> None:
        """Leave: the worker stops, or goes on elsewhere. Then close the socket with `closing`."""
        self._end(SHUTDOWN)

    def _heard(self, message: Message, now: float) -> None:
        match message:
            case Hello():
                self._say(self._introduction)
                self._deadlines.set("handshake", now + READY_PATIENCE)
            case ConnectionReady():
                self._accepted(message, now)
            case GatewayHeartbeat():
                self._unanswered = 0
                self.last_heartbeat = now
            case SyncFailed():
                self._events.append(message)
                self._end(Close(CloseCode.POLICY, message.code or Reason.INVALID_FUNCTION_CONFIG))
            case GatewayClosing() if self.phase is Phase.REFUSED:
                self._end(DRAINED)
            case _:
                self._events.append(message)

    def _accepted(self, intervals: ConnectionReady, now: float) -> None:
        self.intervals = intervals
        self.last_heartbeat = now
        self._deadlines.cancel("handshake")
        self._deadlines.set("heartbeat", now + intervals.heartbeat_interval)
        if intervals.status_interval:
            self._deadlines.set("status", now + intervals.status_interval)
        self._take_up()
        self._events.append(intervals)

    def _take_up(self) -> None:
        """Say whether requests are wanted; without the manual form READY goes without saying."""
        if self._introduction.worker_manual_readiness_ack:
            self._say(WorkerPause() if self._pausing else WorkerReady())
            return
        self.phase = Phase.READY
        if self._pausing:
            self._say(WorkerPause())

    def _due(self, key: str, now: float) -> None:
        match key:
            case "heartbeat":
                self._beat(now)
            case "status":
                self._deadlines.set("status", now + self.intervals.status_interval)
                self._events.append(StatusDue())
            case _:
                self._end(Close(CloseCode.UNEXPECTED, Reason.HELLO_TIMEOUT))

    def _beat(self, now: float) -> None:
        """Send a heartbeat, unless too many went unanswered.

        The next one is counted from now, so that a machine that slept does not find the
        gateway dead before it has listened.
        """
        if self._unanswered >= MISSED_HEARTBEATS:
            self._end(UNRESPONSIVE)
            return
        self._unanswered += 1
        self._say(WorkerHeartbeat())
        self._deadlines.set("heartbeat", now + self.intervals.heartbeat_interval)

    def _malformed(self, kind: type | None) -> Close:
        return UNEXPECTED

    def _misplaced(self, message: Message) -> Close:
        return UNEXPECTED
