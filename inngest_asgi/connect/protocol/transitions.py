"""Which message may be said in which phase of a connection, and what phase follows, as tables."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

from inngest_asgi.connect.messages import (
    ConnectionReady,
    ExecutorRequest,
    ExtendLease,
    ExtendLeaseAck,
    GatewayClosing,
    GatewayHeartbeat,
    Hello,
    Message,
    ReplyAck,
    RequestAck,
    Response,
    SyncFailed,
    WorkerConnect,
    WorkerHeartbeat,
    WorkerPause,
    WorkerReady,
    WorkerStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class Phase(Enum):
    """How far a conversation has come, as one end sees it."""

    GREETING = auto()
    """Nothing was said; HELLO is due."""
    INTRODUCING = auto()
    """HELLO was said; WORKER_CONNECT is due."""
    SYNCING = auto()
    """WORKER_CONNECT was said; the gateway registers the apps."""
    ACCEPTED = auto()
    """CONNECTION_READY was said; whether the worker wants requests is open."""
    READY = auto()
    """Requests may come."""
    PAUSED = auto()
    """The worker wants nothing new."""
    DRAINING = auto()
    """The gateway shuts down; the worker is to go elsewhere."""
    REFUSED = auto()
    """SYNC_FAILED was said; the gateway closes."""
    ENDED = auto()
    """The connection is over."""


Table: TypeAlias = "dict[tuple[Phase, type[Message]], Phase]"

CONNECTED = frozenset({Phase.READY, Phase.PAUSED, Phase.DRAINING})
"""The phases in which work that was accepted goes on."""

FROM_GATEWAY: frozenset[type[Message]] = frozenset(
    {
        Hello,
        ConnectionReady,
        SyncFailed,
        ExecutorRequest,
        ExtendLeaseAck,
        ReplyAck,
        GatewayHeartbeat,
        GatewayClosing,
    }
)
"""What only gateways say."""

FROM_WORKER: frozenset[type[Message]] = frozenset(
    {
        WorkerConnect,
        WorkerReady,
        RequestAck,
        ExtendLease,
        Response,
        WorkerHeartbeat,
        WorkerStatus,
        WorkerPause,
    }
)
"""What only workers say."""

_HANDSHAKE: Table = {
    (Phase.GREETING, Hello): Phase.INTRODUCING,
    (Phase.INTRODUCING, WorkerConnect): Phase.SYNCING,
    (Phase.SYNCING, ConnectionReady): Phase.ACCEPTED,
    (Phase.SYNCING, SyncFailed): Phase.REFUSED,
    (Phase.ACCEPTED, WorkerReady): Phase.READY,
    (Phase.ACCEPTED, WorkerPause): Phase.PAUSED,
}

_PAUSING_AND_DRAINING: Table = {
    (Phase.READY, WorkerPause): Phase.PAUSED,
    (Phase.PAUSED, WorkerPause): Phase.PAUSED,
    (Phase.DRAINING, WorkerPause): Phase.DRAINING,
    (Phase.READY, GatewayClosing): Phase.DRAINING,
    (Phase.PAUSED, GatewayClosing): Phase.DRAINING,
    (Phase.DRAINING, GatewayClosing): Phase.DRAINING,
}

_AT_WORK = (
    RequestAck,
    ExtendLease,
    ExtendLeaseAck,
    Response,
    ReplyAck,
    WorkerHeartbeat,
    GatewayHeartbeat,
    WorkerStatus,
)


def _staying(phases: Iterable[Phase], messages: Iterable[type[Message]]) -> Table:
    said = tuple(messages)
    return {(phase, message): phase for phase in phases for message in said}


WORKER: Table = {
    **_HANDSHAKE,
    **_PAUSING_AND_DRAINING,
    **_staying(CONNECTED, _AT_WORK),
    # One may be under way when we pause, or sent before the gateway began to drain.
    **_staying(CONNECTED, (ExecutorRequest,)),
    # A connection that lands on a gateway which shuts down.
    (Phase.INTRODUCING, GatewayClosing): Phase.REFUSED,
    (Phase.SYNCING, GatewayClosing): Phase.REFUSED,
}
"""What a worker may say and hear; before READY it says only WORKER_CONNECT (connect.md 5)."""

GATEWAY: Table = {
    **_HANDSHAKE,
    **_PAUSING_AND_DRAINING,
    **_staying((*CONNECTED, Phase.ACCEPTED), _AT_WORK),
    **_staying((Phase.READY,), (ExecutorRequest, WorkerReady)),
    (Phase.PAUSED, WorkerReady): Phase.READY,
    (Phase.ACCEPTED, GatewayClosing): Phase.DRAINING,
}
"""What a gateway may say and hear. WORKER_READY while it drains is refused (connect.md 4)."""
