"""What is due when, on whatever clock the caller reads; it reads none and waits for nothing."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

K = TypeVar("K", bound="Hashable")

_STALE = 64


class Deadlines(Generic[K]):
    """At most one moment for each key; setting a key again moves it."""

    __slots__ = ("_heap", "_moments", "_order")

    def __init__(self) -> None:
        self._moments: dict[K, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._order = 0

    def set(self, key: K, moment: float) -> None:
        """Make a key due at a moment."""
        self._order += 1  # of equal moments the first set comes first, and keys are never compared
        self._moments[key] = (moment, self._order)
        heappush(self._heap, (moment, self._order, key))
        if len(self._heap) > _STALE + 2 * len(self._moments):
            self._heap = [(at, order, one) for one, (at, order) in self._moments.items()]
            heapify(self._heap)

    def cancel(self, key: K) -> None:
        """Forget a key, if it was set."""
        self._moments.pop(key, None)

    def clear(self) -> None:
        """Forget all keys."""
        self._moments.clear()
        self._heap.clear()

    def take(self, now: float) -> Iterator[K]:
        """Yield and forget the keys that are due, earliest first; those set meanwhile, too."""
        while (moment := self.next) is not None and moment <= now:
            key = heappop(self._heap)[2]
            del self._moments[key]
            yield key

    @property
    def next(self) -> float | None:
        """The earliest moment; None when nothing is set."""
        heap = self._heap
        while heap and self._moments.get(heap[0][2]) != heap[0][:2]:
            heappop(heap)
        return heap[0][0] if heap else None

    def __contains__(self, key: K) -> bool:
        return key in self._moments


def earliest(*moments: float | None) -> float | None:
    """Return the first of some moments, None standing for never."""
    return min((one for one in moments if one is not None), default=None)
