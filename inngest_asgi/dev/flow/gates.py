"""Gates that jobs must pass before they are done, each with its lines of those who wait; no I/O.

A gate never looks for who could pass: whoever finds it shut lines up, and when there is room
again it calls as many of those who wait as there is room for, those counted who were called and
have not come back yet. Who comes back may find that somebody of a better rank was quicker, or that
another gate is shut, and lines up again. In a line, who is first is a matter of rank, not of when
it lined up: so nobody loses a place by being sent from gate to gate.

Those who pass may be held to different limits at the same gate (functions share the keys of a
scope, but not the limits), so each has its own idea of whether the gate is open, its `terms`, and
there is a line for each.
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from inngest_asgi.dev.flow.gcra import Rate, is_open, opens_at

if TYPE_CHECKING:
    from inngest_asgi.dev.flow.rates import Rates
    from inngest_asgi.dev.records import Job

Terms = TypeVar("Terms", int, Rate)

Place = tuple[float, int, "Job"]
"""A job's place among others: its rank, a number that decides between equals, and the job."""


class Gate(ABC, Generic[Terms]):
    """What all gates have in common: the lines."""

    def __init__(self) -> None:
        self._called = 0
        self._lines: dict[Terms, list[Place]] = {}

    @abstractmethod
    def is_open(self, terms: Terms, now: float, ahead: int = 0) -> bool:
        """Tell whether one more may pass, and `ahead` others before."""

    @abstractmethod
    def enter(self, terms: Terms, now: float) -> None:
        """Let one pass, who found the gate open."""

    @property
    @abstractmethod
    def is_idle(self) -> bool:
        """Whether the gate may be forgotten: a new one would be just the same."""

    def line_up(self, terms: Terms, place: Place, now: float) -> None:
        """Have a job wait until it is called."""
        heapq.heappush(self._lines.setdefault(terms, []), place)

    def call(self, now: float) -> Place | None:
        """Take the first who may pass now out of its line, if there is one."""
        may_pass = [terms for terms in self._lines if self.is_open(terms, now, self._called)]
        if not may_pass:
            return None
        terms = min(may_pass, key=lambda terms: self._lines[terms][0])
        line = self._lines[terms]
        place = heapq.heappop(line)
        if not line:
            del self._lines[terms]
        self._called += 1
        return place

    def answered(self) -> None:
        """Note that one who was called came back."""
        self._called -= 1

    def empty(self) -> list[Place]:
        """Take everybody out of line, because terms changed."""
        places = [place for line in self._lines.values() for place in line]
        self._lines.clear()
        return places


class Slots(Gate[int]):
    """A gate for so many at a time; the terms are how many."""

    def __init__(self) -> None:
        super().__init__()
        self._inside = 0

    def is_open(self, terms: int, now: float, ahead: int = 0) -> bool:
        """Tell whether one more may pass, and `ahead` others before."""
        return self._inside + ahead < terms

    def enter(self, terms: int, now: float) -> None:
        """Let one pass; it must `leave` again."""
        self._inside += 1

    def leave(self) -> None:
        """Note that one who passed is done."""
        self._inside -= 1

    @property
    def is_idle(self) -> bool:
        """Whether nobody is inside or waits."""
        return not (self._inside or self._called or self._lines)


class Turns(Gate[Rate]):
    """A gate for so many in a time; the terms are the rate.

    Args:
        rates: where what passed is remembered.
        name: the gate's name there.
    """

    def __init__(self, rates: Rates, name: str) -> None:
        super().__init__()
        self._rates = rates
        self._name = name

    def is_open(self, terms: Rate, now: float, ahead: int = 0) -> bool:
        """Tell whether one more may pass, and `ahead` others before."""
        return is_open(terms, self._rates.clear_at(self._name), now, ahead + 1)

    def enter(self, terms: Rate, now: float) -> None:
        """Let one pass; that counts at once."""
        self._rates.take(self._name, terms, now)

    def line_up(self, terms: Rate, place: Place, now: float) -> None:
        """Have a job wait until it is called."""
        super().line_up(terms, place, now)
        self._rates.bound(self._name, terms, now)

    def opens_at(self, now: float) -> float | None:
        """Return when one more of those who wait may pass; None when nobody waits."""
        clear_at, count = self._rates.clear_at(self._name), self._called + 1
        times = [opens_at(terms, clear_at, now, count) for terms in self._lines]
        return min(times, default=None)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits; what passed is remembered elsewhere."""
        return not (self._called or self._lines)
