"""What a session asks its shell to do, as records; carrying them out is the shell's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import ExecutorRequest, Response
    from inngest_asgi.connect.protocol.closing import Close
    from inngest_asgi.connect.session.states import ConnectionState


class Failure(Enum):
    """Why no connection could be opened."""

    AWAY = "away"
    """Nobody answered, or with a 5xx."""
    BUSY = "busy"
    """429: there are as many connections as there may be."""
    AUTH = "auth"
    """401 or 403 for every key."""
    REJECTED = "rejected"
    """Any other 4xx."""


class Ignored(Enum):
    """Why a request was not acknowledged, so that it is routed elsewhere."""

    CLOSING = "the worker is stopping"
    UNKNOWN_APP = "the worker does not have this app"
    AT_CAPACITY = "the worker has as many requests as it may have"
    OUTBOX_FULL = "replies wait that could not be delivered yet"
    LEASE_LOST = "an earlier lease of it was lost, and its code has not stopped yet"
    ANSWERED = "it was answered a moment ago"


@dataclass(frozen=True, slots=True)
class Open:
    """Ask for a gateway (POST /v0/connect/start) and open a socket there.

    Tell what came of it: `opened(link, start, now)` once the socket is open, or
    `failed(link, failure, now)`. From `opened` on, hand in `receive` and `lost`.
    """

    link: int
    exclude_gateways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """Write a binary frame to a link's socket. Frames of one link keep their order."""

    link: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close a link's socket, or stop opening it; nothing more is wanted of it.

    Whatever is still told of this link is ignored.
    """

    link: int
    close: Close


@dataclass(frozen=True, slots=True)
class Execute:
    """Run a request that was acknowledged. In the end call `reply`, or `abandon`, once."""

    request: ExecutorRequest


@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody else may have this request by now: cancel its code if it can be cancelled.

    Then call `abandon`, or `reply` all the same if the code has ended.
    """

    request_id: str


@dataclass(frozen=True, slots=True)
class Flush:
    """Deliver a reply by POST /v0/connect/flush; then call `flushed` or `not_flushed`."""

    response: Response


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A reply was given up, because it cannot be delivered; log it as the error it is."""

    response: Response
    why: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A request was not acknowledged, for logs and counters."""

    request: ExecutorRequest
    why: Ignored


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The worker's state is another now; tell those who watch it."""

    state: ConnectionState


@dataclass(frozen=True, slots=True)
class Problem:
    """A connection ended or could not be opened; for logs and readiness.

    `sentence` says why; `retry_in` is how many seconds later it is tried again, None when another
    connection is on its way already.
    """

    sentence: str
    retry_in: float | None


Action: TypeAlias = (
    Open
    | Send
    | Disconnect
    | Execute
    | Cancel
    | Flush
    | Undelivered
    | Skipped
    | StateChanged
    | Problem
)
