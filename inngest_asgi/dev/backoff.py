"""How long to wait after an attempt that failed (server-api.md 8); draws no numbers itself."""

from __future__ import annotations

JITTER = 30.0
"""Seconds within which the attempts of many runs are spread."""

SHORTEST, LONGEST = 1.0, 86_400.0
"""The limits of a Retry-After, in seconds."""

_TABLE = (15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200)


def retry_delay(attempt: int, chance: float, *, fixed: float | None = None) -> float:
    """Return the seconds to wait after attempt number `attempt` (the first is 0).

    Args:
        attempt: the attempt that failed.
        chance: a number in [0, 1), for jitter.
        fixed: a constant delay instead of the table, without jitter.
    """
    if fixed is not None:
        return fixed
    return _TABLE[min(attempt, len(_TABLE) - 1)] + chance * JITTER


def clamped(delay: float) -> float:
    """Return the delay an app asked for, within what a server grants (http.md 12)."""
    return min(max(delay, SHORTEST), LONGEST)
