"""What workers, their network and the server's file tell after many faults, and what must hold.

Each step and each output carries the id of the request it came from. So a request that is recorded
was answered, and one that is not was not, or too late.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tests.live.apps.chaotic_worker import notes_in
from tests.live.connect_chaos import STEADY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.live.apps.chaotic_worker import Note
    from tests.live.connect_chaos import Chaos

T = TypeVar("T")

COMPLETED = 1

NEVER_SAID = ("Traceback", "has failed", "could not be delivered", "is lost: another worker")
"""What is in no log of the steady worker: a lease of its own was never lost, nor a reply."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of it, in numbers.

    Attributes:
        repeated: how often a step ran again, its worker having been killed.
        growth: kB by which the worker, and the server that grew most, grew.
    """

    chaos: Chaos
    runs: int
    acknowledged: int
    answered: int
    repeated: int
    growth: dict[str, int]

    def __str__(self) -> str:
        times = sorted(self.chaos.reconnects)
        p50, p99 = (times[int(len(times) * part)] for part in (0.5, 0.99))
        return (
            f"{self.chaos.faults.total()} faults: {len(self.chaos.accepted)} events accepted, "
            f"{self.runs} runs, all finished; {self.acknowledged} requests acknowledged, "
            f"{self.answered} answered, each once; {self.repeated} steps repeated whose worker "
            f"was killed; {len(times)} reconnects: p50 {p50:.2f} s, p99 {p99:.2f} s, longest "
            f"{times[-1]:.2f} s; the worker grew by {self.growth['worker']} kB, a server by at "
            f"most {self.growth['server']} kB"
        )


def report(chaos: Chaos) -> Report:
    """Check what was promised, after the server has ended."""
    runs, recorded = _recorded(chaos.db)
    assert {status for _, status in runs} == {COMPLETED}
    started = Counter(event_id for event_id, _ in runs)
    _none({one for one in chaos.accepted if started[one] != 1}, "events without one run")
    _none(_repeated(recorded), "requests recorded twice")

    noted = list(notes_in(chaos.notes))
    taken = {note.request_id for note in noted} | set(chaos.proxy.acknowledged)
    _none(taken - set(recorded) - chaos.excused, "requests taken and not answered")
    for worker in chaos.workers[STEADY]:
        log = worker.log.read_text()
        _none({text for text in NEVER_SAID if text in log}, f"said in {worker.log}")
    return Report(
        chaos=chaos,
        runs=len(runs),
        acknowledged=len(taken),
        answered=len(taken.intersection(recorded)),
        repeated=_repetitions(noted, chaos.killed),
        growth={
            "worker": max(worker.growth for worker in chaos.workers[STEADY]),
            "server": max(server.growth for server in chaos.servers),
        },
    )


def _recorded(db: Path) -> tuple[list[tuple[str, int]], list[str]]:
    """Return the runs, as event and status, and the requests that brought what was saved."""
    copy = db.with_name("copy.db")
    for suffix in ("", "-wal"):
        shutil.copy(f"{db}{suffix}", f"{copy}{suffix}")
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
        runs = connection.execute("SELECT event_id, status, output FROM runs").fetchall()
        memos = connection.execute("SELECT run_id, step_id, value FROM memos").fetchall()
    _none(_repeated(memo[:2] for memo in memos), "steps recorded twice")
    outputs = [json.loads(output) for *_, output in runs]
    results = [json.loads(value)["data"] for *_, value in memos]
    return [run[:2] for run in runs], outputs + results


def _repetitions(noted: list[Note], killed: set[int]) -> int:
    """Count what ran again; nothing did that had run in a worker which was not killed."""
    ran = Counter((note.run_id, note.step) for note in noted)
    survived = [(note.run_id, note.step) for note in noted if note.pid not in killed]
    _none(_repeated(survived), "steps run twice, as (run, step)")
    return ran.total() - len(ran)


def _none(found: set[Any], what: str) -> None:
    assert not found, f"{what}: {sorted(found)}"


def _repeated(things: Iterable[T]) -> set[T]:
    return {one for one, times in Counter(things).items() if times > 1}
