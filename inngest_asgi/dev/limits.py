"""How much a run may hold (server-api.md 11), and lower limits that tests set for a function."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_STEPS = 1_000
MAX_STATE = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits by the function's UUID, where they are not the usual ones."""

    steps: dict[str, int] = field(default_factory=dict)
    state: dict[str, int] = field(default_factory=dict)

    def steps_of(self, function_id: str) -> int:
        """Return how many steps a run of the function may have."""
        return self.steps.get(function_id, MAX_STEPS)

    def state_of(self, function_id: str) -> int:
        """Return how many bytes the steps of such a run may leave."""
        return self.state.get(function_id, MAX_STATE)
