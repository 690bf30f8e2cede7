"""A server in memory that drives a program to its end: queue, plans, memos, discovery (steps.md 8).

Calls that a real server has in flight at once overlap here too: a call sees the memos there were
when it started, and its answer may be taken in after others. What happens next is drawn by seed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from inngest_asgi.engine.ids import hash_id
from inngest_asgi.engine.outcomes import Outcome, Raised, Report, Returned
from tests.engine.calls import Program, Request, Shell, Tools, new_tools, wire_ops

_MAX_CALLS = 500


@dataclass(frozen=True)
class Job:
    """A call to be made: of the whole function, or of one step."""

    target: str | None = None
    attempt: int = 0


@dataclass
class Simulation:
    """One run of a program.

    `memos` and `order` are what the server knows; `calls` counts the requests it made.
    """

    shell: Shell
    program: Program
    seed: int = 0
    max_attempts: int = 2
    tools: Tools = field(default_factory=new_tools)
    memos: dict[str, Any] = field(default_factory=dict)
    calls: int = 0

    def __post_init__(self) -> None:
        self.jobs: list[Job] = [Job()]
        self.answers: list[tuple[Job, Outcome | str]] = []
        self._siblings: dict[str, set[str]] = {}
        self._plan_only = False

    def run(self) -> Any:
        """Return what the function returned; raise what it raised for good."""
        chance = random.Random(self.seed)
        while self.calls < _MAX_CALLS:
            picked = chance.randrange(len(self.jobs) + len(self.answers))
            if picked < len(self.jobs):
                self.start(self.jobs.pop(picked))
                continue
            job, outcome = self.answers.pop(picked - len(self.jobs))
            if isinstance(outcome, Returned):
                return outcome.value
            self.take_in(job, outcome)
        raise AssertionError("the run does not end")

    def start(self, job: Job) -> Request:
        """Make a call; its answer waits to be taken in."""
        self.calls += 1
        request = Request(
            memos=dict(self.memos),
            target=job.target,
            plan_only=self._plan_only,
            attempt=job.attempt,
            max_attempts=self.max_attempts,
        )
        self.answers.append((job, self.shell(self.program, request, self.tools)))
        return request

    def take_in(self, job: Job, outcome: Outcome | str) -> None:
        """Record what a call reported, or that what the server did itself (a step's id) is over."""
        if isinstance(outcome, str):
            self._record(outcome, None, race=False)
            return
        if isinstance(outcome, Raised):
            raise outcome.error
        assert isinstance(outcome, Report), f"{job} was answered {outcome}"
        ops = wire_ops(outcome)
        self._plan_only = self._plan_only or len(ops) > 1
        siblings: set[str] = set()
        for op in ops:
            self._take_in_op(job, op, siblings)

    def _take_in_op(self, job: Job, op: dict[str, Any], siblings: set[str]) -> None:
        id, race = _user_id(op), op.get("opts", {}).get("parallelMode") == "race"
        if op["op"] == "StepError":
            self.jobs.append(Job(job.target, job.attempt + 1))
        elif op["op"] in ("StepRun", "StepFailed"):
            memo = {"data": op["data"]} if "data" in op else {"error": op["error"]}
            self._record(id, memo, race=race)
        elif id not in self._siblings and id not in self.memos:
            self._siblings[id] = siblings
            siblings.add(id)
            if op["op"] == "StepPlanned":
                self.jobs.append(Job(id))
            else:
                self.answers.append((Job(), id))

    def _record(self, id: str, memo: Any, *, race: bool) -> None:
        self.memos.setdefault(id, memo)
        waiting = self._siblings.get(id, set())
        waiting.discard(id)
        if race or not waiting:
            self._plan_only = False
            if Job() not in self.jobs:
                self.jobs.append(Job())


def _user_id(op: dict[str, Any]) -> str:
    """Return the text whose hash is the op's id, as its user id and index say."""
    id, index = op["userland"]["id"], op["userland"]["index"]
    text = id if index == 0 else f"{id}:{index}"
    assert hash_id(text) == op["id"]
    return text
