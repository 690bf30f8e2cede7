"""What runs wait for, by what one finds it by, and what it becomes when it happens; no I/O.

A pause is a job with a `match`. It counts from the moment its job is handed to the store: what is
handed in later is saved later, so whatever comes after it is found to match, and saved after it.
A pause that is matched becomes due at once, in the same transaction as what it waited for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.cel.expressions import compile_expression, view
from inngest_asgi.dev.cel.reads import Path, comparable, field_of, part_of, reads
from inngest_asgi.dev.failures import cancelled
from inngest_asgi.dev.records import JobKind, Match, MatchKind
from inngest_asgi.wire.codec import dump_text, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.records import Changes, Job, StoredEvent

_Bucket = dict[str, "Job"]
"""Pauses by the ids of their jobs."""


class Pauses:
    """The pauses of all runs. Those for events are looked for by what the event must contain."""

    def __init__(self, clock: Clock, jobs: Iterable[Job]) -> None:
        self._clock = clock
        self._events: dict[str, _EventPauses] = {}
        self._named: dict[tuple[MatchKind, str], Job] = {}
        self._jobs: dict[str, tuple[Job, Match]] = {}
        self.add(jobs)

    def add(self, jobs: Iterable[Job]) -> None:
        """Count jobs that are being saved as pauses, if they are."""
        for job in jobs:
            match = job.match
            if match is None or not match.key or job.id in self._jobs or not self._is_open(job):
                continue
            self._jobs[job.id] = (job, match)
            if match.kind is MatchKind.EVENT:
                self._events.setdefault(match.key, _EventPauses()).add(job, match)
            else:
                self._named[match.kind, match.key] = job

    def drop(self, job_ids: Iterable[str]) -> None:
        """Forget jobs that are gone."""
        for job_id in job_ids:
            known = self._jobs.pop(job_id, None)
            if known is not None:
                self._forget(*known)

    def match_event(self, event: StoredEvent, changes: Changes) -> None:
        """Bring the jobs forward that wait for an event which is about to be saved."""
        waiting = self._events.get(event.name)
        if waiting is None:
            return
        document = loads(event.body)
        for job in [*waiting.candidates(view(document))]:
            if self._is_open(job) and self._allows(job, document):
                self._bring(job, _brought(job, event), changes)

    def holder(self, kind: MatchKind, key: str) -> Job | None:
        """Return the pause for a signal or an invoked run; None when nobody waits for it."""
        job = self._named.get((kind, key))
        return job if job is not None and self._is_open(job) else None

    def resolve(self, kind: MatchKind, key: str, value: bytes, changes: Changes) -> Job | None:
        """Bring the job forward that waits for a signal or an invoked run, and return it.

        Args:
            kind: which of the two.
            key: the name of the signal, or the correlation id.
            value: what the step returns, as its memo.
            changes: what is about to be saved.
        """
        job = self.holder(kind, key)
        if job is not None:
            self._bring(job, value, changes)
        return job

    def withdraw(self, job: Job, changes: Changes) -> None:
        """Let a job wait for nothing but its time-out."""
        self.drop([job.id])
        job.match = None if job.match is None else replace(job.match, key="")
        changes.jobs.append(job)

    def _bring(self, job: Job, value: bytes, changes: Changes) -> None:
        job.due, job.value = self._clock.time(), value
        changes.jobs.append(job)
        self.drop([job.id])

    def _is_open(self, job: Job) -> bool:
        return not job.gone and not job.leased and job.due > self._clock.time()

    def _allows(self, job: Job, document: dict[str, Any]) -> bool:
        if job.match is None or not job.match.expression:
            return True
        own = loads(job.match.given)
        expression = compile_expression(job.match.expression)
        return expression.matches(own, other=document, now=self._clock.time())

    def _forget(self, job: Job, match: Match) -> None:
        if match.kind is not MatchKind.EVENT:
            if self._named.get((match.kind, match.key)) is job:
                del self._named[match.kind, match.key]
            return
        waiting = self._events[match.key]
        waiting.drop(job.id)
        if waiting.empty:
            del self._events[match.key]


class _EventPauses:
    """The pauses for events of one name.

    Those whose expression demands that a field is some text or number are kept by that, so that
    an event is compared with those only that it may be for.
    """

    def __init__(self) -> None:
        self._any: _Bucket = {}
        self._equal: dict[Path, dict[str | float, _Bucket]] = {}
        self._demands: dict[str, tuple[Path, str | float]] = {}

    @property
    def empty(self) -> bool:
        return not self._any and not self._equal

    def add(self, job: Job, match: Match) -> None:
        demand, bucket = _demand(match), self._any
        if demand is not None:
            path, value = self._demands[job.id] = demand
            bucket = self._equal.setdefault(path, {}).setdefault(value, {})
        bucket[job.id] = job

    def drop(self, job_id: str) -> None:
        demand = self._demands.pop(job_id, None)
        if demand is None:
            self._any.pop(job_id, None)
            return
        path, value = demand
        by_value = self._equal[path]
        by_value[value].pop(job_id, None)
        if not by_value[value]:
            del by_value[value]
        if not by_value:
            del self._equal[path]

    def candidates(self, seen: dict[str, Any]) -> Iterator[Job]:
        yield from self._any.values()
        for path, by_value in self._equal.items():
            value = comparable(field_of(seen, path))
            if value is not None:
                yield from by_value.get(value, {}).values()


def event_match(name: str, expression: str, own: StoredEvent) -> Match:
    """Return what waits for an event.

    Args:
        name: of the event that is waited for.
        expression: what must be true, of `event`, which is `own`, and `async`; "" for nothing.
        own: the event that started the run.

    Raises:
        ExpressionError: it is no expression a server takes.
    """
    if not expression:
        return Match(MatchKind.EVENT, name)
    compile_expression(expression)
    given = part_of(view(loads(own.body)), reads(expression).own)
    return Match(MatchKind.EVENT, name, expression, dump_text(given))


def _demand(match: Match) -> tuple[Path, str | float] | None:
    """Return the field of an event that must be equal to something, and to what; if there is."""
    equality = reads(match.expression).equality if match.expression else None
    if equality is None:
        return None
    value = equality.demand(loads(match.given))
    return None if value is None else (equality.other, value)


def _brought(job: Job, event: StoredEvent) -> bytes:
    """Return what an event brings: itself to a wait, the reason to a cancellation."""
    if job.kind is JobKind.CANCEL:
        return dumps(cancelled(f"The run was cancelled by the event {event.name!r} ({event.id})."))
    return event.body
