"""Time and chance as an argument; the only file that reads the clock, waits, or draws numbers."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import deque
from typing import Protocol


class Clock(Protocol):
    """What code that needs time or chance is given. Tests pass a clock they move by hand."""

    def time(self) -> float:
        """Return the current time in Unix seconds."""
        ...

    def nanoseconds(self) -> int:
        """Return the current time in Unix nanoseconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` have passed on this clock; at once when it is zero or less."""
        ...

    def random(self) -> float:
        """Return a number in [0, 1), for jitter."""
        ...

    def entropy(self, size: int) -> bytes:
        """Return `size` unpredictable bytes, for ids and seeds."""
        ...


_CHUNK, _CHUNKS = 16, 256
_drawn: deque[bytes] = deque()
"""Unpredictable bytes for ids to come. Who asks the system each time lets other threads go first
each time, and then waits for them."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drawn.clear)  # two processes must not draw the same


class SystemClock:
    """The machine's own clock and randomness."""

    __slots__ = ()

    def time(self) -> float:
        return time.time()

    def nanoseconds(self) -> int:
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0))

    def random(self) -> float:
        return random.random()  # noqa: S311 - jitter, not a secret

    def entropy(self, size: int) -> bytes:
        if size > _CHUNK:
            return os.urandom(size)
        try:
            return _drawn.pop()[:size]
        except IndexError:
            many = os.urandom(_CHUNK * _CHUNKS)
            _drawn.extend(many[at : at + _CHUNK] for at in range(0, len(many), _CHUNK))
            return _drawn.pop()[:size]


SYSTEM_CLOCK = SystemClock()
