"""A server that may do anything it is allowed to, step by step, while a random program runs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from inngest_asgi.engine.outcomes import Outcome, Raised, Returned
from tests.engine.calls import Request, Shell, call_async, call_blocking, shown
from tests.engine.simulation import Job, Simulation
from tests.hardening.programs import (
    ATTEMPTS,
    RUNS,
    Part,
    bodies,
    named,
    outcome_of,
    parts,
    plain_result,
    program_of,
)

_programs = parts("parallel", "race mode", caught=True).map(lambda one: named(one, unique=True))
_picks = st.integers(0, 1_000_000)
_MOST_LOST = 5


class Server(RuleBasedStateMachine):
    """One run: calls start, answer, get lost and are delivered twice in any order."""

    @initialize(part=_programs, shell=st.sampled_from([call_async, call_blocking]))
    def begin(self, part: Part, shell: Shell) -> None:
        self.part = part
        self.run = Simulation(shell, program_of(part), max_attempts=ATTEMPTS)
        self.again: Counter[str] = Counter()
        self.requests: list[tuple[Request, Outcome, Counter[str]]] = []
        self.lost = 0
        self.result: Any = None
        self.over = False

    @precondition(lambda self: bool(not self.over and self.run.jobs))
    @rule(pick=_picks)
    def call(self, pick: int) -> None:
        before = Counter(self.run.tools.ran)
        request = self.run.start(self.run.jobs.pop(pick % len(self.run.jobs)))
        _, outcome = self.run.answers[-1]
        assert not isinstance(outcome, str)
        self.requests.append((request, outcome, self.run.tools.ran - before))

    @precondition(lambda self: bool(not self.over and self.run.answers))
    @rule(pick=_picks)
    def take_in_an_answer(self, pick: int) -> None:
        job, outcome = self.run.answers.pop(pick % len(self.run.answers))
        if isinstance(outcome, Returned | Raised):
            self._end(outcome)
        else:
            self.run.take_in(job, outcome)

    @precondition(lambda self: not self.over and self.lost < _MOST_LOST and bool(self.run.answers))
    @rule(pick=_picks)
    def lose_an_answer(self, pick: int) -> None:
        """Make the same call once more, as a server does when a connection breaks."""
        at = pick % len(self.run.answers)
        job, outcome = self.run.answers[at]
        if isinstance(outcome, str):
            return
        self.lost += 1
        self.again.update(next(ran for _, one, ran in self.requests if one is outcome))
        self.run.answers.pop(at)
        self.run.jobs.append(Job(job.target, job.attempt))

    @precondition(lambda self: bool(self.requests))
    @rule(pick=_picks)
    def deliver_twice(self, pick: int) -> None:
        """Deliver a call of the past again: it is answered as it was then."""
        request, first, _ = self.requests[pick % len(self.requests)]
        before = Counter(self.run.tools.ran)
        second = self.run.shell(self.run.program, request, self.run.tools)
        if not self._is_about_a_flaky_body(first):
            assert shown(second) == shown(first)
        self.again.update(self.run.tools.ran - before)

    @invariant()
    def bodies_run_no_more_often_than_they_must(self) -> None:
        if not hasattr(self, "run"):
            return
        allowed = {body.name: RUNS[body.ending] for body in bodies(self.part)}
        for name, times in (self.run.tools.ran - self.again).items():
            assert times <= allowed[name]

    def teardown(self) -> None:
        """Let the run end, whatever was done to it: its result is that of plain code."""
        if not hasattr(self, "run"):
            return
        while not self.over:
            if self.run.jobs:
                self.call(0)
            else:
                self.take_in_an_answer(0)
        assert self.result == outcome_of(lambda: plain_result(self.part))

    def _end(self, outcome: Returned | Raised) -> None:
        self.over = True
        self.result = outcome_of(lambda: _value(outcome))

    def _is_about_a_flaky_body(self, outcome: Outcome) -> bool:
        flaky = {body.id for body in bodies(self.part) if body.ending == "flaky"}
        return any(id in str(shown(outcome)) for id in flaky)


def _value(outcome: Returned | Raised) -> Any:
    if isinstance(outcome, Raised):
        raise outcome.error
    return outcome.value


TestServer = Server.TestCase
