"""Applications on the official Python SDK in an environment of its own, and who drives them."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.house.source import ROOT
from tests.live.commands import Command
from tests.live.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PYTHON = ROOT / ".venv-incumbent" / "bin" / "python"
"""Of the environment that holds the official SDK."""

is_there = pytest.mark.skipif(
    not PYTHON.exists(), reason="`make test` makes .venv-incumbent, with the official SDK"
)
"""Skips tests where that environment was not made."""

ENDED = ("Completed", "Failed", "Cancelled")


@dataclass(frozen=True)
class Peer:
    """The embedded server, with the application known to it."""

    http: httpx.Client

    def send(self, name: str, *, count: int = 1, **event: Any) -> list[str]:
        """Send an event so many times at once; return the internal ids."""
        events = [{"name": f"peer/{name}", **event}] * count
        answer = self.http.post("/e/key", json=events)
        assert answer.status_code == 200, answer.text
        ids: list[str] = answer.json()["ids"]
        return ids

    def runs(self, *event_ids: str) -> list[dict[str, Any]]:
        """Return the runs that events started, in order of these."""
        answers = [self.http.get(f"/v1/events/{one}/runs").json() for one in event_ids]
        return [run for answer in answers for run in answer["data"] or []]

    def ended(self, *event_ids: str, count: int | None = None) -> list[dict[str, Any]]:
        """Wait until events have started so many runs (one each), and these have ended."""
        wanted = len(event_ids) if count is None else count
        wait_until(lambda: self._have_ended(event_ids, wanted))
        return self.runs(*event_ids)

    def run(self, name: str, **event: Any) -> dict[str, Any]:
        """Send an event that starts one run, and see that run through."""
        (run,) = self.ended(*self.send(name, **event))
        return run

    def waiting(self, *event_ids: str) -> list[dict[str, Any]]:
        """Wait until the runs of events sleep or wait; return them."""
        wait_until(lambda: self._has_paused(event_ids))
        return self.runs(*event_ids)

    def _have_ended(self, event_ids: tuple[str, ...], count: int) -> bool:
        runs = self.runs(*event_ids)
        return len(runs) >= count and all(run["status"] in ENDED for run in runs)

    def _has_paused(self, event_ids: tuple[str, ...]) -> bool:
        runs = self.runs(*event_ids)
        return len(runs) == len(event_ids) and all(self._pauses(run["run_id"]) for run in runs)

    def _pauses(self, run_id: str) -> bool:
        jobs = self.http.get(f"/v1/runs/{run_id}/jobs").json()["data"]
        return any(job["kind"] in ("sleep", "wait") for job in jobs)


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python program in the environment of the official SDK, and kill it at the end."""
    process = subprocess.Popen([PYTHON, *arguments], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def driving(port: int, *urls: str, folder: Path) -> Iterator[tuple[Peer, Command]]:
    """Run `inngest-asgi dev` for the applications at some URLs."""
    given = [argument for url in urls for argument in ("-u", url)]
    where = ("--port", str(port), "--db", ":memory:", "--retry-interval", "1", "--no-discovery")
    with Command("dev", *given, *where, folder=folder) as command:
        command.wait_for("Serving until Ctrl-C")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
            yield Peer(http), command


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False
