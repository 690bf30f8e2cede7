"""One connection of a worker, as the server sees it: what it serves, what is to be sent to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inngest_asgi.connect.protocol.closing import Close, CloseCode, Reason
from inngest_asgi.connect.protocol.transitions import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.connect.protocol.gateway_role import GatewayRole

_STATUS = {
    Phase.READY: "READY",
    Phase.PAUSED: "DRAINING",
    Phase.DRAINING: "DRAINING",
    Phase.REFUSED: "DISCONNECTING",
    Phase.ENDED: "DISCONNECTED",
}


@dataclass(frozen=True, slots=True)
class Group:
    """The workers of one version of one app, which are told apart by what they registered.

    Args:
        app_id: the app's UUID.
        app_name: what it calls itself.
        app_version: as it says; "" when it does not.
        hash: of the registration; equal for equal versions.
        slugs: its functions.
        created_at: when its first worker came, in Unix seconds.
    """

    app_id: str
    app_name: str
    app_version: str
    hash: str
    slugs: frozenset[str]
    created_at: float


class Link:
    """A connection whose socket is open.

    Whoever holds the socket writes `take()` to it, then closes it once `closing` is set; `wake` is
    called when there is something to do.

    Args:
        role: the protocol's side of it.
        wake: as above; it must not call back.
        connected_at: Unix seconds.

    Attributes:
        groups: what the worker serves; empty before it is accepted.
        seen_at: when its last heartbeat came, in Unix seconds.
    """

    def __init__(self, role: GatewayRole, wake: Callable[[], None], connected_at: float) -> None:
        self.role = role
        self.connected_at = self.seen_at = connected_at
        self.groups: tuple[Group, ...] = ()
        self._wake = wake
        self._frames: list[bytes] = []
        self._failure: Close | None = None

    @property
    def id(self) -> str:
        """The connection's id, as the start request gave it."""
        return self.role.worker.connection_id if self.role.worker else ""

    @property
    def instance(self) -> str:
        """Who the worker is; several connections may have the same."""
        return self.role.worker.instance_id if self.role.worker else ""

    @property
    def status(self) -> str:
        """The connection's state as the API names it (connect.md 2.1)."""
        return _STATUS.get(self.role.phase, "CONNECTED")

    @property
    def closing(self) -> Close | None:
        """How the socket is to be closed; None as long as it is not."""
        return self._failure or self.role.closing

    def group_of(self, slug: str) -> Group | None:
        """Return the group that lists a function."""
        return next((group for group in self.groups if slug in group.slugs), None)

    def take(self) -> list[bytes]:
        """Return the frames to write, in order, once."""
        frames, self._frames = self._frames, []
        return frames

    def flush(self) -> None:
        """Hand what the role has to say to whoever holds the socket."""
        frames = self.role.data_to_send()
        self._frames += frames
        if frames or self.closing:
            self._wake()

    def fail(self) -> None:
        """Give the connection up because of something that is not the worker's fault."""
        self._failure = Close(CloseCode.INTERNAL, Reason.INTERNAL_ERROR)
        self.role.lost(CloseCode.INTERNAL, Reason.INTERNAL_ERROR)
