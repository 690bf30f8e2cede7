"""From an event to runs: which functions it starts, and when (server-api.md 7); saves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ulid import ULID

from inngest_asgi.dev.cancels import jobs_of_new_run
from inngest_asgi.dev.endings import correlation_id, ending_events, refused_event, result_memo
from inngest_asgi.dev.failures import failure
from inngest_asgi.dev.flow.tickets import make_ticket
from inngest_asgi.dev.records import (
    Changes,
    Happening,
    Job,
    JobKind,
    MatchKind,
    Run,
    StoredEvent,
    WindowKind,
)
from inngest_asgi.dev.triggers import first_match
from inngest_asgi.wire.codec import dumps, loads

if TYPE_CHECKING:
    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.apps.registry import Registry
    from inngest_asgi.dev.flow.admission import Reason
    from inngest_asgi.dev.flow.control import FlowControl
    from inngest_asgi.dev.flow.tickets import Ticket
    from inngest_asgi.dev.pauses import Pauses
    from inngest_asgi.dev.records import Function, Window
    from inngest_asgi.dev.runs import Runs
    from inngest_asgi.dev.watch import Feed


def new_ulid(clock: Clock) -> str:
    """Return a new id for a run, an event or a request."""
    stamp = int(clock.time() * 1000).to_bytes(6, "big")
    return str(ULID.from_bytes(stamp + clock.entropy(10)))


class Schedule:
    """Starts runs for events, as far as flow control lets them."""

    def __init__(
        self,
        clock: Clock,
        registry: Registry,
        runs: Runs,
        feed: Feed,
        pauses: Pauses,
        flow: FlowControl,
    ) -> None:
        self._clock = clock
        self._registry = registry
        self._runs = runs
        self._feed = feed
        self._pauses = pauses
        self._admission = flow.admission
        self._turnstile = flow.turnstile
        flow.admission.on_replaced = self._tell_caller

    def add_event(self, event: StoredEvent, changes: Changes) -> None:
        """Add an event, the runs it starts and those that wait for it to what is being saved."""
        changes.events.append(event)
        self._pauses.match_event(event, changes)
        self._start_listening(event, changes)

    def start(self, function: Function, event: StoredEvent, changes: Changes) -> Run | None:
        """Add an event that is meant for one function, and the run it starts, which it returns.

        Like any event it is also seen by those who wait for it, or listen to its name. Where flow
        control lets no run start, or none yet, a record among the changes tells why.
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
        self._admission.singletons.free(run.id)
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

    def close(self, window: Window, events: list[StoredEvent], changes: Changes) -> None:
        """Add the run that collected events start, their window being over."""
        changes.gone_windows.append(window.id)
        if not events:
            return
        function = self._registry.function(window.function_id)
        reason = self._admission.closed(function, window, events, changes)
        if reason is not None:
            for event in events:
                self._tell_caller(reason, event, function, changes)
            return
        run = self._new_run(function, events[0])
        if window.kind is WindowKind.BATCH:
            run.batch_id, run.batch = window.id, tuple(events)
        self._begin(function, run, changes, window=window.id)

    def add_run(
        self, run: Run, function: Function, due: float, changes: Changes, **more: Any
    ) -> None:
        """Add a run, of an event that is saved, which begins when it is due.

        Args:
            run: the run.
            function: its function.
            due: Unix seconds.
            changes: what is about to be saved.
            more: what else its first record tells.
        """
        job = Job(f"{run.id}-start", run.id, JobKind.CALL, None, due)
        cancels = list(jobs_of_new_run(run, function, due))
        self._turnstile.add(run.id, self._ticket(run, function))
        self._pauses.add(cancels)  # what comes later in the same request may cancel the run
        changes.new_runs.append(run)
        changes.jobs += [job, *cancels]
        about = {"function": function.slug, "event": run.event.name, "due": due, **more}
        changes.records.append(self._feed.record(run, Happening.RUN_QUEUED, run.queued_at, about))
        if due <= run.queued_at:
            self._runs.hold(run)

    def _start(self, function: Function, event: StoredEvent, changes: Changes) -> Run | None:
        reason = self._admission.arrived(function, event, changes)
        if reason is not None:
            self._tell_caller(reason, event, function, changes)
            return None
        return self._begin(function, self._new_run(function, event), changes)

    def _begin(
        self, function: Function, run: Run, changes: Changes, **collected: Any
    ) -> Run | None:
        reason = self._admission.begins(function, run, changes, **collected)
        if reason is not None:
            self._tell_caller(reason, run.event, function, changes)
            return None
        self.add_run(run, function, max(run.queued_at, run.event.ts / 1000), changes, **collected)
        return run

    def _new_run(self, function: Function, event: StoredEvent) -> Run:
        return Run(new_ulid(self._clock), function.id, event, self._clock.time())

    def _tell_caller(
        self, reason: Reason, event: StoredEvent, function: Function, changes: Changes
    ) -> None:
        """Tell the step that asked for a run, if one did, that there will be none."""
        if reason.sentence and correlation_id(event) is not None:
            self.refuse(event, function.slug, failure("Error", reason.sentence), changes)

    def _ticket(self, run: Run, function: Function) -> Ticket:
        rules = self._admission.rules(function)
        event = loads(run.event.body) if rules.reads_events else {}
        return make_ticket(function.id, rules, event, run.queued_at)
