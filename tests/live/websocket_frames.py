"""WebSocket frames as bytes on the wire, for tests that tamper with them; it keeps no state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inngest_asgi.connect.frames import from_frame

if TYPE_CHECKING:
    import asyncio

    from inngest_asgi.connect.messages import Message

_BINARY = 0x82
"""FIN and the opcode of binary data: what everything of the protocol is sent as."""

_MASKED = 0x80
_RESERVED = 0x40
_LENGTHS = {126: 2, 127: 8}


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, as it was sent: masked if it comes from a client."""

    head: bytes
    mask: bytes
    payload: bytes

    @property
    def raw(self) -> bytes:
        return self.head + self.mask + self.payload

    @property
    def message(self) -> Message | None:
        """What it says; None for what is no message of the protocol, such as a close frame."""
        return from_frame(self._plain) if self.head[0] == _BINARY else None

    @property
    def garbled(self) -> bytes:
        """The frame with each bit of its payload turned over: a good frame, but no protobuf."""
        return self.head + self.mask + bytes(byte ^ 0xFF for byte in self.payload)

    @property
    def broken(self) -> bytes:
        """The frame with a bit set that nobody may set: the end of the WebSocket."""
        return bytes([self.head[0] | _RESERVED]) + self.raw[1:]

    @property
    def _plain(self) -> bytes:
        if not self.mask:
            return self.payload
        size = len(self.payload)
        mask = (self.mask * (size // 4 + 1))[:size]
        plain = int.from_bytes(self.payload) ^ int.from_bytes(mask)
        return plain.to_bytes(size)


def frame_of(data: bytes) -> bytes:
    """Return the bytes of a short frame as a server sends it."""
    assert len(data) < min(_LENGTHS)
    return bytes([_BINARY, len(data)]) + data


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """Read a frame.

    Raises:
        IncompleteReadError: the stream ends before the frame does.
    """
    head = await reader.readexactly(2)
    size = head[1] & ~_MASKED
    if size in _LENGTHS:
        more = await reader.readexactly(_LENGTHS[size])
        head, size = head + more, int.from_bytes(more)
    mask = await reader.readexactly(4) if head[1] & _MASKED else b""
    return Frame(head, mask, await reader.readexactly(size))
