"""The calls that wait until a worker can take them, by function; who is due first goes first."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.dev.records import Job


class Line:
    """Jobs that found no worker.

    Args:
        on_call: gets each job that may try again.
    """

    def __init__(self, on_call: Callable[[list[Job]], None]) -> None:
        self._on_call = on_call
        self._lines: dict[str, list[tuple[float, int, Job]]] = {}
        self._order = itertools.count()

    @property
    def slugs(self) -> list[str]:
        """The functions that somebody waits for."""
        return list(self._lines)

    def add(self, slug: str, job: Job) -> None:
        """Have a job wait for a worker that lists a function."""
        place = (job.due, next(self._order), job)
        heapq.heappush(self._lines.setdefault(slug, []), place)

    def call(self, slug: str, count: float) -> None:
        """Call as many as there is room for; jobs that are not to be done any more do not count."""
        line = self._lines[slug]
        called: list[Job] = []
        while line and len(called) < count:
            job = heapq.heappop(line)[2]
            if not job.gone:
                called.append(job)
        if not line:
            del self._lines[slug]
        if called:
            self._on_call(called)
