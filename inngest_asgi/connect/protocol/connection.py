"""What both roles of a connection have in common: frames in and out, phases, and the end.

A role does no I/O. Its owner, a shell around a WebSocket, does this:

    a frame arrived      receive(data, now)
    the socket is gone   lost(code, reason)
    time has passed      tick(now), which returns when it wants to be called again

and after each of these, and after everything it asks of the role itself:

    events()             what happened, for the owner to act on
    data_to_send()       frames to write to the socket, in order
    closing              if it is not None, close the socket with its code and reason

`now` is any clock that never goes back, in seconds; a role compares, and reads none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from inngest_asgi.connect.frames import from_frame, to_frame
from inngest_asgi.connect.messages import Message, Unknown
from inngest_asgi.connect.protocol.closing import Close, CloseCode
from inngest_asgi.connect.protocol.deadlines import Deadlines
from inngest_asgi.connect.protocol.transitions import CONNECTED, Phase
from inngest_asgi.errors import FrameError, ProtocolError

if TYPE_CHECKING:
    from inngest_asgi.connect.protocol.transitions import Table

MAX_FRAME = 8 * 1024 * 1024
"""Bytes; a gateway closes the connection over a larger frame (connect.md 11)."""

MAX_REASON = 123
"""Bytes of a reason that fit into a WebSocket's close frame."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is over, and nothing follows.

    `ours` tells whether this end decided so: then the socket is still to be closed.
    """

    close: Close
    ours: bool


@dataclass(frozen=True, slots=True)
class StatusDue:
    """The gateway wants to know what the worker does; call `report` of the worker role."""


Event: TypeAlias = Message | StatusDue | Ended


class Connection(ABC):
    """One end of a connection. See the module for what its owner has to do.

    Attributes:
        phase: how far the conversation has come.
        closing: the close code and reason this end wants, once it does; the owner closes the
            socket with it after it has sent what `data_to_send` returns.
    """

    TABLE: ClassVar[Table]
    HEARS: ClassVar[frozenset[type[Message]]]

    __slots__ = ("_deadlines", "_events", "_frames", "closing", "phase")

    def __init__(self) -> None:
        self.phase = Phase.GREETING
        self.closing: Close | None = None
        self._events: list[Event] = []
        self._frames: list[bytes] = []
        self._deadlines: Deadlines[str] = Deadlines()

    @property
    def connected(self) -> bool:
        """Whether the handshake is over and the connection is not: work may be carried on."""
        return self.phase in CONNECTED

    @property
    def ended(self) -> bool:
        """Whether the connection is over; what still arrives is ignored."""
        return self.phase is Phase.ENDED

    def receive(self, data: bytes, now: float) -> None:
        """Take one binary frame. It never raises: what makes no sense ends the connection.

        Then take `events()` and `data_to_send()`, and close the socket if `closing` says so.
        """
        if self.ended:
            return
        try:
            message = from_frame(data)
        except FrameError as error:
            self._end(self._malformed(error.kind))
            return
        if not isinstance(message, Unknown):
            self._hear(message, now)

    def lost(self, code: int | None = None, reason: str = "") -> None:
        """Tell that the socket is gone, with the close code and reason if there were any.

        Then take `events()`. Telling it twice, or after an end of our own, does nothing.
        """
        if not self.ended:
            self._frames.clear()
            self._finish(Close(code or CloseCode.ABNORMAL, reason), ours=False)

    def tick(self, now: float) -> float | None:
        """Do what is due by now.

        Then take `events()` and `data_to_send()`, and close the socket if `closing` says so.

        Returns:
            When to call it again at the latest; None when nothing will be due.
        """
        for key in self._deadlines.take(now):
            self._due(key, now)
        return self._deadlines.next

    @property
    def next_due(self) -> float | None:
        """When `tick` has something to do."""
        return self._deadlines.next

    def events(self) -> list[Event]:
        """Return what happened since the last time, in order. Act on each; none is repeated.

        They are the messages of the other end that its owner must know of, and `Ended`.
        """
        events, self._events = self._events, []
        return events

    def data_to_send(self) -> list[bytes]:
        """Return the frames to write to the socket, one message each, in order, once."""
        frames, self._frames = self._frames, []
        return frames

    def _hear(self, message: Message, now: float) -> None:
        following = self.TABLE.get((self.phase, type(message)))
        if following is None or type(message) not in self.HEARS:
            self._end(self._misplaced(message))
            return
        self.phase = following
        self._heard(message, now)

    def _say(self, message: Message) -> None:
        """Write a message, if it may be said now.

        Raises:
            ProtocolError: it may not; nothing has changed.
        """
        following = self.TABLE.get((self.phase, type(message)))
        if following is None:
            raise ProtocolError(f"{type(message).__name__} cannot be sent while {self.phase.name}.")
        frame = to_frame(message)
        if len(frame) > MAX_FRAME:
            raise ProtocolError(f"A frame of {len(frame)} bytes is more than a gateway takes.")
        self._frames.append(frame)
        self.phase = following

    def _end(self, close: Close) -> None:
        if not self.ended:
            reason = close.reason.encode()[:MAX_REASON].decode(errors="ignore")
            self.closing = Close(close.code, reason)
            self._finish(self.closing, ours=True)

    def _finish(self, close: Close, *, ours: bool) -> None:
        self.phase = Phase.ENDED
        self._deadlines.clear()
        self._events.append(Ended(close, ours))

    @abstractmethod
    def _heard(self, message: Message, now: float) -> None:
        """Act on a message that may come now."""

    @abstractmethod
    def _due(self, key: str, now: float) -> None:
        """Act on a deadline."""

    @abstractmethod
    def _malformed(self, kind: type | None) -> Close:
        """Return how to close over bytes that cannot be read; `kind` is the record, if known."""

    @abstractmethod
    def _misplaced(self, message: Message) -> Close:
        """Return how to close over a message that has no place here."""
