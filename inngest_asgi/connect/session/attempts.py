"""When to open the next connection, and which gateways to avoid; it opens nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.connect.session.actions import Failure
from inngest_asgi.connect.session.backoff import AUTH_PAUSE, away_delays, refused_delays

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.connect.protocol.closing import Close

LASTING = 5.0
"""Seconds after which a connection counts as a success, so that one that comes and goes at once
is not opened twenty times a second."""


class Attempts:
    """The delays between attempts, and the groups of gateways that failed or drain.

    Args:
        now: the time; the first attempt is due at once.
        chance: returns numbers in [0, 1).

    Attributes:
        due: when the next attempt may be made.
    """

    __slots__ = ("_away", "_chance", "_connected_at", "_excluded", "_refused", "due")

    def __init__(self, now: float, chance: Callable[[], float]) -> None:
        self.due = now
        self._chance = chance
        self._away = away_delays(chance)
        self._refused = refused_delays(chance)
        self._connected_at: float | None = None
        self._excluded: dict[str, None] = {}

    @property
    def excluded(self) -> tuple[str, ...]:
        """The groups to avoid, in the order they failed."""
        return tuple(self._excluded)

    def avoid(self, group: str) -> None:
        """Ask for other gateways than those of a group, until it works again."""
        if group:
            self._excluded[group] = None

    def drains(self, group: str, now: float) -> None:
        """Take note that a gateway shuts down: the next attempt may be made at once."""
        self.avoid(group)
        self.due = now

    def connected(self, group: str, now: float) -> None:
        """Take note that a gateway accepted the worker."""
        self._connected_at = now
        self._refused = refused_delays(self._chance)
        self._excluded.pop(group, None)

    def failed(self, failure: Failure, group: str, now: float) -> float:
        """Take note that no socket was opened, and return the delay in seconds.

        Where not even a gateway was named, none may be left that is not excluded: all may
        be tried again.
        """
        if group:
            self.avoid(group)
        else:
            self._excluded.clear()
        if failure is Failure.AUTH:
            return self._wait(AUTH_PAUSE, now)
        return self._wait(next(self._away if failure is Failure.AWAY else self._refused), now)

    def ended(self, close: Close, group: str, now: float) -> float:
        """Take note that a connection ended, and return the delay in seconds."""
        if close.refuses:  # a word about this worker, not a fault of the gateway
            return self._wait(next(self._refused), now)
        self.avoid(group)
        if self._connected_at is not None and now - self._connected_at >= LASTING:
            self._away = away_delays(self._chance)
        return self._wait(next(self._away), now)

    def _wait(self, delay: float, now: float) -> float:
        self.due = now + delay
        return delay
