"""From an event to runs: which functions it starts, and when (server-api.md 7); saves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ulid import ULID

from inngest_asgi.dev.records import Changes, Happening, Job, JobKind, Run, Start, StoredEvent
from inngest_asgi.dev.triggers import first_match
from inngest_asgi.wire.codec import loads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.apps.registry import Registry
    from inngest_asgi.dev.records import Function
    from inngest_asgi.dev.runs import Runs
    from inngest_asgi.dev.watch import Feed

DAY = 86_400.0
"""Seconds within which an event id starts a function once."""


def new_ulid(clock: Clock) -> str:
    """Return a new id for a run, an event or a request."""
    stamp = int(clock.time() * 1000).to_bytes(6, "big")
    return str(ULID.from_bytes(stamp + clock.entropy(10)))


class Schedule:
    """Starts runs for events.

    Args:
        starts: those of the last 24 hours, oldest first.
    """

    def __init__(
        self, clock: Clock, registry: Registry, runs: Runs, feed: Feed, starts: Iterable[Start]
    ) -> None:
        self._clock = clock
        self._registry = registry
        self._runs = runs
        self._feed = feed
        self._starts = {(one.function_id, one.event_id): one.at for one in starts}

    def add_event(self, event: StoredEvent, changes: Changes) -> None:
        """Add an event and the runs it starts to what is about to be saved."""
        changes.events.append(event)
        functions = self._registry.listening(event.name)
        if functions:
            document, now = loads(event.body), self._clock.time()
            for function in functions:
                if first_match(function.triggers, document, now) is not None:
                    self._start(function, event, changes)

    def start(self, function: Function, event: StoredEvent, changes: Changes) -> None:
        """Add an event that is meant for one function, and the run it starts."""
        changes.events.append(event)
        self._start(function, event, changes)

    def _start(self, function: Function, event: StoredEvent, changes: Changes) -> None:
        now = self._clock.time()
        run = Run(new_ulid(self._clock), function.id, event, now)
        if not self._is_first(run, changes):
            return
        self.add_run(run, function, max(now, event.ts / 1000), changes)

    def add_run(self, run: Run, function: Function, due: float, changes: Changes) -> None:
        """Add a run, of an event that is saved, which begins when it is due."""
        job = Job(f"{run.id}-start", run.id, JobKind.CALL, None, due)
        changes.new_runs.append(run)
        changes.jobs.append(job)
        about = {"function": function.slug, "event": run.event.name, "due": due}
        changes.records.append(self._feed.record(run, Happening.RUN_QUEUED, run.queued_at, about))
        if due <= run.queued_at:
            self._runs.hold(run)

    def _is_first(self, run: Run, changes: Changes) -> bool:
        """Whether this event id did not start the function within the last 24 hours.

        An event without an id of its own has its internal one, which comes again only when a
        sender repeats a request with its seed (http.md 14): then, too, there is one run.
        """
        key, now = (run.function_id, run.event.id), run.queued_at
        while self._starts and next(iter(self._starts.values())) <= now - DAY:
            del self._starts[next(iter(self._starts))]
        if key in self._starts:
            return False
        self._starts[key] = now
        changes.starts.append(Start(*key, run.id, now))
        return True
