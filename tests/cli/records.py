"""Records as a server makes them, built by hand."""

from __future__ import annotations

import itertools
from typing import Any

from inngest_asgi.dev import Happening, Record

NOW = 1_785_500_000.0
RUN, OTHER = "01M7WVMGEVAD35KTA2RJZBFCJE", "01M7WVMGEVAD35KTA2RJZBAAAA"

_seq = itertools.count(1)


def record(kind: Happening, at: float = 0.0, run_id: str = RUN, **details: Any) -> Record:
    return Record(next(_seq), NOW + at, run_id, "event", kind, details)


def queued(at: float = 0.0, run_id: str = RUN, *, due: float = 0.0, name: str = "pay") -> Record:
    return record(
        Happening.RUN_QUEUED, at, run_id, function=f"shop-{name}", event="paid", due=NOW + due
    )


def started(at: float = 0.0, run_id: str = RUN) -> Record:
    return record(Happening.RUN_STARTED, at, run_id)


def recorded(name: str, at: float = 0.0, run_id: str = RUN, **more: Any) -> Record:
    return record(Happening.STEP_RECORDED, at, run_id, **_step(name, "StepRun") | more)


def planned(name: str, at: float = 0.0) -> Record:
    return record(Happening.STEP_PLANNED, at, **_step(name, "StepPlanned"))


def asleep(name: str, at: float = 0.0, *, until: float) -> Record:
    return record(Happening.STEP_SLEEPING, at, **_step(name, "Sleep"), until=NOW + until)


def ended(
    at: float = 0.0, run_id: str = RUN, *, status: str = "Completed", output: Any = None
) -> Record:
    return record(Happening.RUN_ENDED, at, run_id, status=status, output=output)


def _step(name: str, op: str) -> dict[str, Any]:
    return {"id": f"hash of {name}", "name": name, "op": op, "attempt": 0}
