"""How long to wait before trying again, as endless generators; chance comes in as an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST = 1.5
"""Seconds at most while the gateway is simply away: once it is back, we are soon."""

LADDER = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds after each refusal in a row (connect.md 13)."""

AUTH_PAUSE = 60.0
"""Seconds between attempts while every signing key is refused."""

FLUSH_LADDER = LADDER[:4]
"""Seconds after each failed flush of a reply."""

_FIRST = 0.1


def away_delays(chance: Callable[[], float]) -> Iterator[float]:
    """Yield delays with full jitter: anything from 0 to twice as much each time, up to 1.5 s."""
    ceiling = _FIRST
    while True:
        yield chance() * ceiling
        ceiling = min(2 * ceiling, LONGEST)


def refused_delays(chance: Callable[[], float]) -> Iterator[float]:
    """Yield the delays of the ladder, the last for ever; a quarter of each is left to chance."""
    for step in LADDER:
        yield step * (0.75 + 0.25 * chance())
    while True:
        yield LADDER[-1] * (0.75 + 0.25 * chance())
