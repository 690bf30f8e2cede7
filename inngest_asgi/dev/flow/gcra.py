"""How many may pass in a time, by the generic cell rate algorithm; pure, no clock.

All that is remembered of a limited thing is one moment: when all of its allowance is back
(`clear_at`). Whatever passes moves it on by one interval; how far it may lie ahead of the present
is what may pass at once.
"""

from __future__ import annotations

from dataclasses import dataclass

_TOLERANCE = 1e-6
"""Seconds by which sums of intervals may be off."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many may pass.

    Args:
        interval: seconds between two, in the long run.
        capacity: how many may pass at once after a quiet time; at least 1.
    """

    interval: float
    capacity: int

    @property
    def span(self) -> float:
        """Seconds after which all of the allowance is back at the latest."""
        return self.interval * self.capacity


def opens_at(rate: Rate, clear_at: float, now: float, count: int = 1) -> float:
    """Return when `count` more may pass together; a moment of the past means now.

    Args:
        rate: the limit, with `count` at most its capacity.
        clear_at: as remembered; 0 when nothing ever passed.
        now: Unix seconds.
        count: how many.
    """
    return max(clear_at, now) + rate.interval * count - rate.span


def is_open(rate: Rate, clear_at: float, now: float, count: int = 1) -> bool:
    """Tell whether `count` more may pass together now."""
    return opens_at(rate, clear_at, now, count) <= now + _TOLERANCE


def passed(rate: Rate, clear_at: float, now: float) -> float:
    """Return the moment to remember once one more has passed."""
    return max(clear_at, now) + rate.interval


def bounded(rate: Rate, clear_at: float, now: float) -> float:
    """Return the moment to remember when it was found shut.

    What passed under a slower rate, before the function was registered with this one, is then
    counted as no more than all that this one allows at once.
    """
    return min(clear_at, now + rate.span)
