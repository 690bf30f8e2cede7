"""From an event to runs: which functions it starts, and when (server-api.md 7); saves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ulid import ULID

from inngest_asgi.dev.cancels import jobs_of_new_run
from inngest_asgi.dev.endings import correlation_id, ending_events, refused_event, result_memo
from inngest_asgi.dev.records import (
    Changes,
    Happening,
    Job,
    JobKind,
    MatchKind,
    Run,
    Start,
    StoredEvent,
)
from inngest_asgi.dev.triggers import first_match
from inngest_asgi.wire.codec import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.apps.registry import Registry
    from inngest_asgi.dev.pauses import Pauses
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
        self,
        clock: Clock,
        registry: Registry,
        runs: Runs,
        feed: Feed,
        pauses: Pauses,
        starts: Iterable[Start],
    ) -> None:
        self._clock = clock
        self._registry = registry
        self._runs = runs
        self._feed = feed
        self._pauses = pauses
        self._starts = {(one.function_id, one.event_id): one.at for one in starts}

    def add_event(self, event: StoredEvent, changes: Changes) -> None:
        """Add an event, the runs it starts and those that wait for it to what is being saved."""
        changes.events.append(event)
        self._pauses.match_event(event, changes)
        self._start_listening(event, changes)

    def start(self, function: Function, event: StoredEvent, changes: Changes) -> Run | None:
        """Add an event that is meant for one function, and the run it starts, which it returns.

        Like any event it is also seen by those who wait for it, or listen to its name.
        """
        changes.events.append(event)
        self._pauses.match_event(event, changes)
        run = self._start(function, event, changes)
        self._start_listening(event, changes, but=function.id)
        return run

    def refuse(
        self, event: StoredEvent, slug: str, error: dict[str, Any], changes: Changes
    ) -> None:
        """Tell whoever asked for a run with `event` that there will be none.

        Args:
            event: what asked for it; a step that waits for the run is found by it.
            slug: the function as it was asked for.
            error: why there is no run.
            changes: what is about to be saved.
        """
        now = self._clock.time()
        self.add_event(refused_event(event, slug, error, new_ulid(self._clock), now), changes)
        self._answer(event, dumps({"error": error}), changes)

    def ended(self, run: Run, slug: str, changes: Changes) -> None:
        """Add what the end of a run sets off: its events, and the step that waits for it."""
        ids = (new_ulid(self._clock), new_ulid(self._clock))
        for event in ending_events(run, slug, *ids, self._clock.time()):
            self.add_event(event, changes)
        for event in run.events:
            self._answer(event, result_memo(run), changes)

    def _answer(self, event: StoredEvent, memo: bytes, changes: Changes) -> None:
        asked = correlation_id(event)
        if asked is not None:
            self._pauses.resolve(MatchKind.INVOKE, asked, memo, changes)

    def _start_listening(self, event: StoredEvent, changes: Changes, but: str = "") -> None:
        functions = [one for one in self._registry.listening(event.name) if one.id != but]
        if functions:
            document, now = loads(event.body), self._clock.time()
            for function in functions:
                if first_match(function.triggers, document, now) is not None:
                    self._start(function, event, changes)

    def _start(self, function: Function, event: StoredEvent, changes: Changes) -> Run | None:
        now = self._clock.time()
        run = Run(new_ulid(self._clock), function.id, event, now)
        if not self._is_first(run, changes):
            return None
        self.add_run(run, function, max(now, event.ts / 1000), changes)
        return run

    def add_run(self, run: Run, function: Function, due: float, changes: Changes) -> None:
        """Add a run, of an event that is saved, which begins when it is due."""
        job = Job(f"{run.id}-start", run.id, JobKind.CALL, None, due)
        cancels = list(jobs_of_new_run(run, function, due))
        self._pauses.add(cancels)  # what comes later in the same request may cancel the run
        changes.new_runs.append(run)
        changes.jobs += [job, *cancels]
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
