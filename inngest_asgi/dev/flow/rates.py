"""What has passed where only so many may in a time, by name; it saves nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.dev.flow.gcra import bounded, is_open, passed

if TYPE_CHECKING:
    from inngest_asgi.dev.flow.gcra import Rate

_FEW = 1_000


class Rates:
    """When all of its allowance is back, for each thing whose rate is limited.

    Args:
        kept: those the store knows, by name.
    """

    def __init__(self, kept: dict[str, float]) -> None:
        self._clear_at = kept
        self._sweep_at = _FEW

    def __len__(self) -> int:
        return len(self._clear_at)

    def clear_at(self, name: str) -> float:
        """Return the moment of one of them, in Unix seconds; 0 when nothing limits it now."""
        return self._clear_at.get(name, 0.0)

    def may_take(self, name: str, rate: Rate, now: float) -> bool:
        """Tell whether one more may pass now; if not, a rate that was slower once is forgotten."""
        if is_open(rate, self.clear_at(name), now):
            return True
        self.bound(name, rate, now)
        return False

    def take(self, name: str, rate: Rate, now: float) -> None:
        """Note that one passed."""
        self._clear_at[name] = passed(rate, self.clear_at(name), now)
        if len(self._clear_at) >= self._sweep_at:
            self._clear_at = {one: at for one, at in self._clear_at.items() if at > now}
            self._sweep_at = max(2 * len(self._clear_at), _FEW)

    def bound(self, name: str, rate: Rate, now: float) -> None:
        """Hold a thing to this rate from now on, whatever held before."""
        if name in self._clear_at:
            self._clear_at[name] = bounded(rate, self._clear_at[name], now)
