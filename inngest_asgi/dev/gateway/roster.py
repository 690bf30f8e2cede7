"""Who is connected, and which of them gets the next request (connect.md 12); it sends nothing."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from inngest_asgi.dev.gateway.links import Group, Link

HEAVIEST = 10.0
"""How much likelier the newest version of an app is chosen than the oldest one."""

FRESH = 2.0
"""Heartbeat intervals after which a worker that was not heard of gets nothing new."""


class Roster:
    """The accepted connections, and how much each instance is doing.

    Args:
        chance: draws a number in [0, 1).
        interval: seconds between two heartbeats.
    """

    def __init__(self, chance: Callable[[], float], interval: float) -> None:
        self._chance = chance
        self._fresh = FRESH * interval
        self._links: list[Link] = []
        self._limits: dict[str, float] = {}
        self._busy: dict[str, set[str]] = {}

    def __iter__(self) -> Iterator[Link]:
        return iter(self._links)

    def add(self, link: Link) -> None:
        """Take a connection in; what its worker says of its limit holds for the instance."""
        limit = link.role.worker.max_worker_concurrency if link.role.worker else None
        self._limits[link.instance] = limit if limit and limit > 0 else float("inf")
        self._links.append(link)

    def remove(self, link: Link) -> None:
        """Forget a connection; the requests of its instance still count."""
        if link in self._links:
            self._links.remove(link)
        if all(one.instance != link.instance for one in self._links):
            self._limits.pop(link.instance, None)

    def group(self, digest: str) -> Group | None:
        """Return the group with a hash, if one of its workers is connected."""
        groups = (group for link in self._links for group in link.groups)
        return next((group for group in groups if group.hash == digest), None)

    def latest(self, instance: str) -> Link | None:
        """Return the newest connection of an instance that takes requests."""
        found = (one for one in reversed(self._links) if one.instance == instance)
        return next((link for link in found if link.role.routable), None)

    def serves(self, slug: str) -> bool:
        """Whether a worker that lists a function takes requests, busy or not."""
        return any(link.role.routable and link.group_of(slug) for link in self._links)

    def pick(self, slug: str, now: float, but: Collection[Link | None] = ()) -> Link | None:
        """Choose who gets a request: at random, new versions of the app rather than old ones.

        Args:
            slug: the function.
            now: the time the roles go by.
            but: connections that are not wanted.

        Returns:
            The connection; None when nobody can take the request now.
        """
        found = [
            (link, group.created_at)
            for link in self._links
            if link not in but
            and (group := link.group_of(slug)) is not None
            and self._is_eligible(link, now)
        ]
        if len(found) < 2:
            return found[0][0] if found else None
        sums = list(accumulate(_weights([created_at for _, created_at in found])))
        mark = self._chance() * sums[-1]
        return next(link for (link, _), total in zip(found, sums, strict=True) if mark <= total)

    def room(self, slug: str, now: float) -> float:
        """Return how many requests of a function can be taken now; infinity for any number."""
        eligible = (
            link for link in self._links if link.group_of(slug) and self._is_eligible(link, now)
        )
        return sum(self._free(instance) for instance in {link.instance for link in eligible})

    def occupy(self, instance: str, request_id: str) -> None:
        """Count a request for an instance."""
        self._busy.setdefault(instance, set()).add(request_id)

    def vacate(self, instance: str, request_id: str) -> None:
        """Count it no more."""
        busy = self._busy.get(instance)
        if busy is not None:
            busy.discard(request_id)
            if not busy:
                del self._busy[instance]

    def in_flight(self, instance: str) -> int:
        """Return how many requests an instance is doing."""
        return len(self._busy.get(instance, ()))

    def _free(self, instance: str) -> float:
        return max(self._limits[instance] - self.in_flight(instance), 0)

    def _is_eligible(self, link: Link, now: float) -> bool:
        heard = link.role.last_heartbeat
        is_fresh = heard is not None and now - heard < self._fresh
        return link.role.routable and is_fresh and self._free(link.instance) > 0


def _weights(ages: list[float]) -> list[float]:
    """Return 1 for the oldest, `HEAVIEST` for the newest, and what is between them between."""
    oldest, span = min(ages), max(ages) - min(ages)
    if not span:
        return [HEAVIEST] * len(ages)
    return [1 + (HEAVIEST - 1) * (age - oldest) / span for age in ages]
