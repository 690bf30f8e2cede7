"""Decides, when a job is about to be done, whether it may be, or who must finish first; no I/O.

Each run has a ticket that names its gates (`tickets.py`); each gate has its lines (`gates.py`).
A call passes all of its gates at once or none: throttles count what really starts. Whoever is
called comes back through the queue, as a new job does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from inngest_asgi.dev.flow.gates import Gate, Slots, Turns
from inngest_asgi.dev.records import Job, JobKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.alarm import Alarm
    from inngest_asgi.dev.flow.gates import Place
    from inngest_asgi.dev.flow.rates import Rates
    from inngest_asgi.dev.flow.tickets import Ticket

SOON = 2.0
"""Seconds: jobs due later than this are in the order they are due, whatever their priority."""


class _Need(NamedTuple):
    """A gate that a job must pass, and on which terms."""

    name: str
    gate: Gate[Any]
    terms: Any


class Turnstile:
    """Lets jobs pass, or has them wait.

    `on_call` is given each job that is called, to be handed in once more; `on_ready` tells that
    somebody was called by something else than the queue itself.

    Args:
        clock: tells the time.
        alarm: wakes for what becomes possible with time.
        rates: what was started lately.
    """

    def __init__(self, clock: Clock, alarm: Alarm, rates: Rates) -> None:
        self._clock = clock
        self._alarm = alarm
        self._rates = rates
        self._tickets: dict[str, Ticket] = {}
        self._slots: dict[str, Slots] = {}
        self._turns: dict[str, Turns] = {}
        self._inside: dict[str, tuple[str, ...]] = {}
        self._called: dict[str, tuple[str, Gate[Any]]] = {}
        self._armed: dict[str, float] = {}
        self.on_call: Callable[[Place], None] = _nobody
        self.on_ready: Callable[[], None] = _nothing

    def add(self, run_id: str, ticket: Ticket) -> None:
        """Know a run from now on; one that has started is inside, even beyond a limit."""
        self._tickets[run_id] = ticket
        if ticket.started and ticket.runs is not None:
            name, limit = ticket.runs
            self._slots_of(name).enter(limit, self._clock.time())

    def remove(self, run_id: str) -> None:
        """Forget a run that has ended; others may have its place."""
        ticket = self._tickets.pop(run_id, None)
        if ticket is not None:
            self._vacate(ticket)
            self.on_ready()

    def replace(self, run_id: str, ticket: Ticket) -> bool:
        """Hold a run to other limits; `reconsider` afterwards. False says that it has ended."""
        known = self._tickets.get(run_id)
        if known is None:
            return False
        self._vacate(known)
        ticket.started = known.started
        self.add(run_id, ticket)
        return True

    def reconsider(self) -> None:
        """Send everybody who waits through the gates again, because limits changed."""
        gates: dict[str, Gate[Any]] = {**self._slots, **self._turns}
        for name, gate in gates.items():
            for place in gate.empty():
                self.on_call(place)
            self._forget_idle(name, gate)
        self.on_ready()

    def spent(self, run_id: str) -> dict[str, float]:
        """Return what must be remembered of a run's start, by its name among the rates."""
        ticket = self._tickets.get(run_id)
        if ticket is None or ticket.throttle is None:
            return {}
        name = ticket.throttle[0]
        return {name: self._rates.clear_at(name)}

    def rank(self, job: Job, now: float) -> float:
        """Return what decides who is first: when it is due, moved by the run's priority."""
        ticket = self._tickets.get(job.run_id)
        if ticket is None or job.due > now + SOON:
            return job.due
        return job.due - ticket.head_start

    def admit(self, place: Place) -> bool:
        """Let a job pass, who must `leave` again; or have it wait, and tell so by False."""
        job, now = place[2], self._clock.time()
        name, caller = self._answer(job)
        needs = self._needs(job)
        shut = next((need for need in needs if not need.gate.is_open(need.terms, now)), None)
        if shut is None:
            self._enter(job, needs, now)
        else:
            shut.gate.line_up(shut.terms, place, now)
            for need in needs:
                self._forget_idle(need.name, need.gate)
        if caller is not None:
            self._call(name, caller)
        self._arm(job)
        return shut is None

    def refuse(self, job: Job) -> None:
        """Take note that a job which may have been called does not pass after all."""
        name, caller = self._answer(job)
        if caller is not None:
            self._call(name, caller)

    def leave(self, job: Job) -> None:
        """Take note that a job which passed is done; whoever may pass now is called."""
        for name in self._inside.pop(job.id, ()):
            self._leave(name)

    def _needs(self, job: Job) -> list[_Need]:
        """Return the gates of a job: those of its run's start are for the first call only."""
        ticket = self._tickets.get(job.run_id)
        if ticket is None or job.kind is not JobKind.CALL:
            return []
        needs = [_Need(name, self._slots_of(name), limit) for name, limit in ticket.calls]
        if not ticket.started and ticket.runs is not None:
            name, limit = ticket.runs
            needs.append(_Need(name, self._slots_of(name), limit))
        if not ticket.started and ticket.throttle is not None:
            name, rate = ticket.throttle
            needs.append(_Need(name, self._turns_of(name), rate))
        return needs

    def _enter(self, job: Job, needs: list[_Need], now: float) -> None:
        for need in needs:
            need.gate.enter(need.terms, now)
        ticket = self._tickets.get(job.run_id)
        if ticket is not None and job.kind is JobKind.CALL:
            ticket.started = True
            self._inside[job.id] = tuple(name for name, _ in ticket.calls)

    def _answer(self, job: Job) -> tuple[str, Gate[Any] | None]:
        """Return who called the job, if anybody did; that is settled now."""
        name, caller = self._called.pop(job.id, ("", None))
        if caller is not None:
            caller.answered()
        return name, caller

    def _vacate(self, ticket: Ticket) -> None:
        if ticket.started and ticket.runs is not None:
            self._leave(ticket.runs[0])

    def _leave(self, name: str) -> None:
        gate = self._slots[name]
        gate.leave()
        self._call(name, gate)

    def _call(self, name: str, gate: Gate[Any]) -> None:
        """Call as many of those who wait as there is room for, each once even if it waits twice."""
        now = self._clock.time()
        while (place := gate.call(now)) is not None:
            if place[2].id in self._called:
                gate.answered()
                continue
            self._called[place[2].id] = (name, gate)
            self.on_call(place)
        self._forget_idle(name, gate)

    def _forget_idle(self, name: str, gate: Gate[Any]) -> None:
        if gate.is_idle:
            self._slots.pop(name, None)
            self._turns.pop(name, None)

    def _arm(self, job: Job) -> None:
        """Wake when the throttle of a job's run opens for those who wait there."""
        ticket = self._tickets.get(job.run_id)
        if ticket is not None and ticket.throttle is not None:
            self._watch(ticket.throttle[0])

    def _watch(self, name: str) -> None:
        gate = self._turns.get(name)
        opens_at = None if gate is None else gate.opens_at(self._clock.time())
        if opens_at is not None and opens_at < self._armed.get(name, float("inf")):
            self._armed[name] = opens_at
            self._alarm.at(opens_at, lambda: self._opened(name, opens_at))

    def _opened(self, name: str, when: float) -> None:
        if self._armed.get(name) == when:
            del self._armed[name]
        gate = self._turns.get(name)
        if gate is not None:
            self._call(name, gate)
            self._watch(name)
            self.on_ready()

    def _slots_of(self, name: str) -> Slots:
        gate = self._slots.get(name)
        if gate is None:
            gate = self._slots[name] = Slots()
        return gate

    def _turns_of(self, name: str) -> Turns:
        gate = self._turns.get(name)
        if gate is None:
            gate = self._turns[name] = Turns(self._rates, name)
        return gate


def _nobody(place: Place) -> None:
    """Nobody has asked to be told who is called."""


def _nothing() -> None:
    """Nobody has asked to be told that somebody was."""
