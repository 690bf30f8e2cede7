"""A real server process, killed again and again, loses nothing and repeats no recorded step.

`make chaos` kills it 200 times and prints what came of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import socket
import sqlite3
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.live.apps.chaotic import CONFIG, ChaoticApp

if TYPE_CHECKING:
    from collections.abc import Iterable

PROCESS = Path(__file__).with_name("dev_server_process.py")
KILLS = int(os.environ.get("KILLS", "10"))
"""How often the server is killed under load; `make chaos` asks for more, and for a report."""

PATIENCE = 60.0
COMPLETED = 1
KINDS = [name for name in CONFIG if name != "child"]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass
class Load:
    """What was sent, and what the server said to have."""

    http: httpx.AsyncClient
    accepted: dict[str, tuple[str, int]] = field(default_factory=dict)
    rounds: int = 0
    signalled: set[int] = field(default_factory=set)

    async def go_on(self) -> None:
        """Send events of all kinds, and what some of their runs wait for, until cancelled."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                await self._round()
            await asyncio.sleep(0.05)

    async def _round(self) -> None:
        n = self.rounds + 1
        events = [{"name": f"app/{kind}", "data": {"n": n}} for kind in KINDS]
        try:
            answer = await self.http.post("/e/key", json=events)
        except httpx.ConnectError:
            return  # nobody was there: it may have that number again
        except httpx.TransportError:
            self.rounds = n
            raise
        self.rounds = n
        ids = answer.json()["ids"] if answer.status_code == 200 else []
        self.accepted |= {one: (kind, n) for one, kind in zip(ids, KINDS, strict=False)}
        await self.bring([n - 10, n - 2])

    async def bring(self, numbers: Iterable[int]) -> None:
        """Send what runs wait for."""
        events = [{"name": "app/answer", "data": {"n": n}} for n in numbers]
        answer = await self.http.post("/e/key", json=events)
        assert answer.status_code == 200, answer.text
        for n in sorted({*numbers} - self.signalled):
            answer = await self.http.post("/v1/signals", json={"signal": f"go/{n}", "data": n})
            if answer.status_code == 200:
                self.signalled.add(n)

    async def drain(self) -> None:
        """Bring what is waited for until all runs have ended."""
        numbers = list(range(self.rounds + 1))
        for _ in range(int(PATIENCE / 0.5)):
            await self.bring(numbers)
            await asyncio.sleep(0.5)
            if await self._is_idle():
                await asyncio.sleep(2.5)  # windows that are open close within that time
                if await self._is_idle():
                    return
        raise AssertionError(f"It is stuck: {(await self.http.get('/metrics')).text}")

    async def _is_idle(self) -> bool:
        lines = (await self.http.get("/metrics")).text.splitlines()
        left = ('"running"', '"scheduled"', "queue_jobs{", "calls_in_progress ")
        counts = [line.split()[-1] for line in lines if any(word in line for word in left)]
        return not any(int(count) for count in counts if count.isdigit())


async def start(db: Path, port: int, app: ChaoticApp, http: httpx.AsyncClient) -> Any:
    """Start the server process and wait until it knows the app."""
    arguments = (str(PROCESS), str(db), str(port), app.url)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    for _ in range(1500):
        with contextlib.suppress(httpx.TransportError):
            if (await http.get("/dev")).json()["functions"]:
                return process
        await asyncio.sleep(0.02)
    raise AssertionError("the server did not start")


async def kill(process: Any, app: ChaoticApp) -> None:
    """Kill the server; calls that it made are over when this returns."""
    process.kill()
    await process.wait()
    while app.in_progress:  # noqa: ASYNC110 - it is some ten milliseconds
        await asyncio.sleep(0.01)


@contextlib.contextmanager
def left_by(db: Path) -> Any:
    """Give a copy of what a killed server left, so that the next one finds it as it was."""
    copy = db.with_name("copy.db")
    for suffix in ("", "-wal"):
        shutil.copy(f"{db}{suffix}", f"{copy}{suffix}")
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        yield connection


def recorded(db: Path) -> set[tuple[str, str]]:
    """Return the steps that the killed server had recorded, by run."""
    with left_by(db) as connection:
        return set(connection.execute("SELECT run_id, step_id FROM memos"))


def check_all_is_done(db: Path, load: Load) -> int:
    """Check that each accepted event started what it should, and that it ended; count runs."""
    with left_by(db) as connection:
        runs = connection.execute(
            "SELECT runs.id, slug, status, output, event_id FROM runs"
            " JOIN functions ON functions.id = function_id"
        ).fetchall()
        batches = connection.execute("SELECT event_id, run_id FROM batch_events").fetchall()
        left = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in ("jobs", "windows", "window_events")
        ]
        twice = connection.execute(
            "SELECT run_id, step_id FROM memos GROUP BY run_id, step_id HAVING count(*) > 1"
        ).fetchall()
    assert (left, twice) == ([0, 0, 0], [])
    assert {status for _, _, status, _, _ in runs} == {COMPLETED}
    by_id = {run[0]: run for run in runs}
    of_event: dict[str, list[Any]] = {run[4]: [] for run in runs}
    for run in runs:
        if run[1] != "app-batch":
            of_event[run[4]].append(run)
    for event_id, run_id in batches:
        of_event.setdefault(event_id, []).append(by_id[run_id])
    for event_id, (kind, n) in load.accepted.items():
        (run,) = of_event[event_id]
        assert run[1] == f"app-{kind}"
        assert kind == "batch" or json.loads(run[3]) == n
    return len(runs)


@pytest.mark.live
def test_a_server_that_is_killed_loses_nothing_and_repeats_no_recorded_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> str:
        db, port = tmp_path / "dev.db", free_port()
        app, known = ChaoticApp(port, free_port()), set[tuple[str, str]]()
        base_url = f"http://127.0.0.1:{port}"
        async with app.serving(), httpx.AsyncClient(base_url=base_url, timeout=PATIENCE) as http:
            load, sending = Load(http), None
            for _ in range(KILLS):
                so_far = len(app.ran)
                process = await start(db, port, app, http)
                sending = sending or asyncio.ensure_future(load.go_on())
                await asyncio.sleep(random.uniform(0.0, 0.5))
                await kill(process, app)
                assert known.isdisjoint(app.ran[so_far:])
                known = recorded(db)
            assert sending is not None
            sending.cancel()
            so_far = len(app.ran)
            process = await start(db, port, app, http)
            await load.drain()
            await kill(process, app)
        assert known.isdisjoint(app.ran[so_far:])
        runs, repeated = check_all_is_done(db, load), len(app.ran) - len(set(app.ran))
        return (
            f"{KILLS} kills: {len(load.accepted)} events accepted, {runs} runs, all finished; "
            f"{len(app.ran)} steps run, {repeated} of them again before they were recorded, "
            "none after"
        )

    report = asyncio.run(main())
    if "KILLS" in os.environ:
        with capsys.disabled():
            sys.stdout.write(f"\n{report}\n")
