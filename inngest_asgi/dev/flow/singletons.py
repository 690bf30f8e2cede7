"""Which run holds what only one run may hold at a time; pure."""

from __future__ import annotations


class Singletons:
    """The runs that keep others from starting, or are cancelled by them."""

    def __init__(self) -> None:
        self._holder: dict[str, str] = {}
        self._held: dict[str, str] = {}

    def holder(self, name: str) -> str | None:
        """Return the run that holds a name; None when it is free."""
        return self._holder.get(name)

    def hold(self, name: str, run_id: str) -> None:
        """Let a run hold a name until it ends, or until another one replaces it."""
        self.free(run_id)
        self._holder[name], self._held[run_id] = run_id, name

    def free(self, run_id: str) -> None:
        """Take note that a run has ended."""
        name = self._held.pop(run_id, None)
        if name is not None and self._holder.get(name) == run_id:
            del self._holder[name]
