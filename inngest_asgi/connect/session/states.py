"""The states of a worker, and which may follow which; nothing here decides when."""

from __future__ import annotations

from enum import StrEnum

from inngest_asgi.errors import ProtocolError


class ConnectionState(StrEnum):
    """What a connect worker is doing. It never leaves CLOSING but for CLOSED."""

    CONNECTING = "CONNECTING"
    """It was never connected."""
    ACTIVE = "ACTIVE"
    """It is connected and takes requests."""
    PAUSED = "PAUSED"
    """Never entered; the name is kept for programs that know it from other SDKs."""
    RECONNECTING = "RECONNECTING"
    """It was connected, and will be again."""
    CLOSING = "CLOSING"
    """It takes nothing new and finishes what it has."""
    CLOSED = "CLOSED"
    """It has stopped."""

    def may_become(self, other: ConnectionState) -> bool:
        """Tell whether a state can still come, now or later. Who waits for it asks this first."""
        seen = {self}
        waiting = [self]
        while waiting:
            found = _FOLLOWING[waiting.pop()] - seen
            seen |= found
            waiting += found
        return other in seen

    def followed_by(self, other: ConnectionState) -> ConnectionState:
        """Return the next state.

        Raises:
            ProtocolError: it may not follow this one.
        """
        if other not in _FOLLOWING[self]:
            raise ProtocolError(f"A worker does not go from {self} to {other}.")
        return other


_FOLLOWING = {
    ConnectionState.CONNECTING: {ConnectionState.ACTIVE, ConnectionState.CLOSING},
    ConnectionState.ACTIVE: {ConnectionState.RECONNECTING, ConnectionState.CLOSING},
    ConnectionState.PAUSED: set(),
    ConnectionState.RECONNECTING: {ConnectionState.ACTIVE, ConnectionState.CLOSING},
    ConnectionState.CLOSING: {ConnectionState.CLOSED},
    ConnectionState.CLOSED: set(),
}
