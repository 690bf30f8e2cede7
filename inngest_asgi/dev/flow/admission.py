"""What becomes of an event that a function listens to: a run, a wait, or nothing (server-api.md 7).

It makes no runs. What it decides is in the changes that are about to be saved, with a record that
tells why an event started no run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.cancels import cancel_job
from inngest_asgi.dev.cel.expressions import compile_expression
from inngest_asgi.dev.endings import leads_back
from inngest_asgi.dev.flow.keys import key_of
from inngest_asgi.dev.flow.rules import read_rules
from inngest_asgi.dev.flow.singletons import Singletons
from inngest_asgi.dev.flow.tickets import group_of
from inngest_asgi.dev.flow.windows import Arrival
from inngest_asgi.dev.records import Happening, WindowKind
from inngest_asgi.wire.codec import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.flow.rates import Rates
    from inngest_asgi.dev.flow.rules import Batch, Debounce, Rules
    from inngest_asgi.dev.flow.starts import Starts
    from inngest_asgi.dev.flow.windows import Windows
    from inngest_asgi.dev.records import Changes, Function, Run, StoredEvent, Window
    from inngest_asgi.dev.watch import Feed


class Reason(StrEnum):
    """Why an event starts no run, or not at once."""

    OWN_END = "own_end"
    REPEATED = "repeated"
    RATE_LIMIT = "rate_limit"
    IDEMPOTENCY = "idempotency"
    SINGLETON = "singleton"
    OLDER = "older"
    NEWER = "newer"
    DEBOUNCE = "debounce"
    BATCH = "batch"

    @property
    def sentence(self) -> str:
        """What to tell a step that asked for a run; "" while there may still be one."""
        return _SENTENCES.get(self, "")


_SENTENCES = {
    Reason.REPEATED: "invoked function was started by this event before",
    Reason.RATE_LIMIT: "invoked function is rate limited",
    Reason.IDEMPOTENCY: "invoked function is rate limited",
    Reason.SINGLETON: "invoked function is skipped: a run of it has not ended",
    Reason.OLDER: "invoked function is skipped: a newer event came before",
    Reason.NEWER: "invoked function is debounced: a newer event took the place of this one",
}


class Admission:
    """Applies what limits the starts of functions, in the order of server-api.md 7.

    Args:
        clock: tells the time.
        feed: numbers the records.
        starts: which events started functions lately.
        rates: what passed rate limits lately.
        windows: the events that are being collected.

    `on_replaced` is given each invocation for which there will be no run after all, because a
    debounce holds a newer event now, with the reason.
    """

    def __init__(
        self, clock: Clock, feed: Feed, starts: Starts, rates: Rates, windows: Windows
    ) -> None:
        self._clock = clock
        self._feed = feed
        self._starts = starts
        self._rates = rates
        self._windows = windows
        self._rules: dict[str, tuple[Function, Rules]] = {}
        self.singletons = Singletons()
        self.on_replaced: Callable[[Reason, StoredEvent, Function, Changes], None] = _nobody

    def rules(self, function: Function) -> Rules:
        """Return the flow control of a function, as it stands in its registration."""
        known = self._rules.get(function.id)
        if known is None or known[0] is not function:
            known = self._rules[function.id] = (function, read_rules(function.id, function.config))
        return known[1]

    def arrived(self, function: Function, event: StoredEvent, changes: Changes) -> Reason | None:
        """Decide on an event that a function is to start for.

        Returns:
            Why there is no run now; None when there may be one, see `begins`.
        """
        case = self._case(function, event, changes)
        if leads_back(event, function):
            return self._drop(case, Reason.OWN_END)
        if case.rules.batch is not None and _is_collected(case.rules.batch, case):
            return self._collect(case.rules.batch, case)
        if self._starts.is_known(function.id, event.id, case.now):
            return self._drop(case, Reason.REPEATED)
        limited = self._limited(case)
        if limited is not None or case.rules.debounce is None:
            return limited
        return self._postpone(case.rules.debounce, case)

    def closed(
        self, function: Function, window: Window, events: Sequence[StoredEvent], changes: Changes
    ) -> Reason | None:
        """Decide on the events of a window that has closed.

        A debounced event has passed the rate limit when it came; a batch passes it as a whole, by
        its first event.

        Returns:
            Why there is no run now; None when there may be one, see `begins`.
        """
        if window.kind is WindowKind.DEBOUNCE:
            return None
        reason = self._limited(self._case(function, events[0], changes), window=window.id)
        if reason is not None:
            for event in events[1:]:
                self._drop(self._case(function, event, changes), reason, window=window.id)
        return reason

    def begins(
        self, function: Function, run: Run, changes: Changes, *, window: str | None = None
    ) -> Reason | None:
        """Decide on a run that nothing else holds back, for the last time.

        Args:
            function: its function.
            run: the run, not yet saved.
            changes: what is about to be saved.
            window: the window that closed, if that is why there is a run. Otherwise its event
                has just arrived, and shall start the function no more.

        Returns:
            Why there is none; None when there is.
        """
        case = self._case(function, run.event, changes)
        rule = case.rules.singleton
        name = group_of(rule, case.document, case.now)
        if rule is not None and name is not None:
            holder = self.singletons.holder(name)
            if holder is not None and not rule.replaces:
                about = {} if window is None else {"window": window}
                return self._drop(case, Reason.SINGLETON, run=holder, **about)
            if holder is not None:
                why = f"The run was cancelled: run {run.id} of the same singleton takes its place."
                changes.jobs.append(cancel_job(holder, case.now, why))
            self.singletons.hold(name, run.id)
        if window is None and run.event.repeatable:
            self._starts.add(function.id, run.event.id, run.id, case.now, changes)
        return None

    def _case(self, function: Function, event: StoredEvent, changes: Changes) -> _Case:
        rules = self.rules(function)
        document = loads(event.body) if rules.holds_back else {}
        return _Case(function, rules, event, document, self._clock.time(), changes)

    def _collect(self, rule: Batch, case: _Case) -> Reason:
        """Add an event to a batch, unless it comes again because its sender repeats a request."""
        internal_id = case.event.internal_id
        if self._starts.is_known(case.function.id, internal_id, case.now):
            return self._drop(case, Reason.REPEATED)
        window = self._windows.collect(rule, case.arrival(rule.key), case.changes)
        if case.event.repeatable:
            self._starts.add(case.function.id, internal_id, window.id, case.now, case.changes)
        return self._wait(case, Reason.BATCH, window)

    def _postpone(self, rule: Debounce, case: _Case) -> Reason:
        window = self._windows.postpone(rule, case.arrival(rule.key), case.changes)
        if window is None:
            return self._drop(case, Reason.OLDER)
        replaced = self._windows.asks(window, case.event)
        if replaced is not None:
            self._drop(replace(case, event=replaced), Reason.NEWER)
            self.on_replaced(Reason.NEWER, replaced, case.function, case.changes)
        return self._wait(case, Reason.DEBOUNCE, window)

    def _limited(self, case: _Case, **about: Any) -> Reason | None:
        limit, now = case.rules.rate_limit, case.now
        name = group_of(limit, case.document, now)
        if limit is None or name is None:
            return None
        if not self._rates.may_take(name, limit.rate, now):
            idempotent = case.rules.idempotent
            reason = Reason.IDEMPOTENCY if idempotent else Reason.RATE_LIMIT
            return self._drop(case, reason, **about)
        self._rates.take(name, limit.rate, now)
        case.changes.rates[name] = self._rates.clear_at(name)
        return None

    def _drop(self, case: _Case, reason: Reason, **about: Any) -> Reason:
        return self._tell(case, Happening.NOT_STARTED, reason, about)

    def _wait(self, case: _Case, reason: Reason, window: Window) -> Reason:
        about = {"window": window.id, "until": window.due}
        return self._tell(case, Happening.EVENT_WAITING, reason, about)

    def _tell(self, case: _Case, kind: Happening, reason: Reason, about: dict[str, Any]) -> Reason:
        details = {"function": case.function.slug, "reason": reason, **about}
        record = self._feed.event_record(case.event, kind, case.now, details)
        case.changes.records.append(record)
        return reason


@dataclass(frozen=True, slots=True)
class _Case:
    """An event for a function; its `document` is there when anything asks for it."""

    function: Function
    rules: Rules
    event: StoredEvent
    document: dict[str, Any]
    now: float
    changes: Changes

    def arrival(self, key: str) -> Arrival:
        """Return the event as one of those with the same key."""
        name = f"{self.function.id} = {key_of(key, self.document, self.now)}"
        return Arrival(self.function.id, name, self.event, self.now)


def _nobody(reason: Reason, event: StoredEvent, function: Function, changes: Changes) -> None:
    """Nobody has asked to be told which invocations are replaced."""


def _is_collected(rule: Batch, case: _Case) -> bool:
    if not rule.condition:
        return True
    return compile_expression(rule.condition).matches(case.document, now=case.now)
