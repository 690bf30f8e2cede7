"""A server, two workers and a bad network between them, with load, and what must hold in the end.

Worker "steady" is only ever stopped in an orderly way, or paused; "frail" is killed, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx

from tests.house.source import ROOT
from tests.live.apps.chaotic_worker import notes_in
from tests.live.chaos_proxy import ChaosProxy, Way
from tests.live.commands import free_ports

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SERVER = Path(__file__).with_name("connect_server_process.py")
WORKERS = (STEADY, FRAIL) = ("steady", "frail")
PATIENCE = 30.0
COMPLETED = 1
PACE = 0.15
"""Seconds between two rounds of events."""

EVERY = {"quick": 1, "slow": 2, "blocking": 3, "stubborn": 40, "long": 20}
"""Which events are sent in which rounds."""

_CLI = "from inngest_asgi.cli import main; main()"


@dataclass(eq=False)
class Child:
    """A process and where it writes."""

    process: asyncio.subprocess.Process
    log: Path

    @classmethod
    async def start(cls, log: Path, *command: str, **env: str) -> Self:
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *command,
                cwd=log.parent,
                env={**os.environ, "PYTHONPATH": str(ROOT), **env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        return cls(process, log)

    async def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    async def pause(self, seconds: float) -> None:
        self.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.process.send_signal(signal.SIGCONT)

    @property
    def memory(self) -> int:
        """The memory it uses, in kB; 0 where the system does not tell."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0


@dataclass(eq=False)
class Chaos:
    """The whole of it, for one loop.

    Attributes:
        reconnects: seconds from a gateway's return until a worker was ACTIVE.
        excused: requests that a worker had when it was killed.
        accepted: the events the server has said to have, and their numbers.
    """

    folder: Path
    http: httpx.AsyncClient = field(init=False)
    proxy: ChaosProxy = field(init=False)
    server: Child = field(init=False)
    workers: dict[str, Child] = field(default_factory=dict)
    reconnects: list[float] = field(default_factory=list)
    excused: set[str] = field(default_factory=set)
    accepted: dict[str, str] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._ports = free_ports(2)
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            url = f"http://127.0.0.1:{self._ports[0]}"
            client = httpx.AsyncClient(base_url=url, timeout=PATIENCE)
            self.http = await stack.enter_async_context(client)
            self.proxy = ChaosProxy(*self._ports)
            await stack.enter_async_context(self.proxy.carrying())
            stack.push_async_callback(self._end_all)
            await self.start_server()
            for name in WORKERS:
                await self.start_worker(name)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _end_all(self) -> None:
        for child in (self.server, *self.workers.values()):
            await child.end(signal.SIGKILL)

    # Processes.

    async def start_server(self) -> float:
        """Start the server, and return when it was there."""
        arguments = (str(SERVER), str(self.db), *map(str, self._ports))
        self.server = await Child.start(self.folder / "server.log", *arguments)
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await self.http.get("/dev")
                    return time.monotonic()
                await asyncio.sleep(0.01)

    async def start_worker(self, name: str) -> None:
        since = time.monotonic()
        target = "tests.live.apps.chaotic_worker:client"
        self.workers[name] = await Child.start(
            self.folder / f"{name}.log",
            *("-c", _CLI, "connect", target, "--instance-id", name),
            CHAOS_NOTES=str(self.notes),
            INNGEST_DEV=f"http://127.0.0.1:{self.proxy.api}",
            INNGEST_CONNECT_GATEWAY_URL=f"ws://127.0.0.1:{self.proxy.gateway}/v0/connect",
        )
        async with asyncio.timeout(PATIENCE):
            await self.proxy.connected(name, since)

    async def stop_worker(self, name: str) -> None:
        """Stop a worker in the midst of its work: it finishes what it has."""
        assert await self.workers[name].end(signal.SIGTERM) == 0

    @property
    def db(self) -> Path:
        return self.folder / "dev.db"

    @property
    def notes(self) -> Path:
        return self.folder / "notes"

    # Load.

    async def load(self) -> None:
        """Send events until cancelled."""
        n = 0
        while True:
            n += 1
            names = [name for name, every in EVERY.items() if n % every == 0]
            events = [{"name": f"chaos/{name}", "data": {"n": n}} for name in names]
            with contextlib.suppress(httpx.TransportError):
                answer = await self.http.post("/e/key", json=events)
                ids = answer.json()["ids"] if answer.status_code == 200 else []
                self.accepted |= dict(zip(ids, names, strict=False))
            await asyncio.sleep(PACE)

    async def drain(self) -> None:
        """Wait until all runs have ended."""
        for _ in range(int(PATIENCE / 0.1)):
            if not await self._is_busy():
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"It is stuck: {(await self.http.get('/metrics')).text}")

    async def _is_busy(self) -> bool:
        lines = (await self.http.get("/metrics")).text.splitlines()
        left = ('"running"', '"scheduled"', "queue_jobs{", "calls_in_progress ")
        counts = [line.split()[-1] for line in lines if any(word in line for word in left)]
        return any(int(count) for count in counts if count.isdigit())

    # Faults.

    async def suffer(self, name: str) -> None:
        """Have something go wrong, and wait until all is well again."""
        self.faults[name] += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await FAULTS[name](self)
        except TimeoutError:
            raise AssertionError(f"Nobody got over {name!r}.") from None

    async def broken_by(self, breaking: Callable[[], None]) -> None:
        """Break all connections; the gateway is there all the time."""
        since = time.monotonic()
        breaking()
        await self._back(since)

    async def swallowed(self) -> None:
        """Have all connections die unnoticed: it is heartbeats that tell."""
        since = time.monotonic()
        self.proxy.swallow()
        await self._back(since, is_return=False)

    async def frozen(self, seconds: float) -> None:
        self.proxy.freeze()
        await asyncio.sleep(seconds)
        self.proxy.thaw()
        await self._heard(time.monotonic())

    async def slowed(self) -> None:
        self.proxy.delay = 0.03
        await asyncio.sleep(0.6)
        self.proxy.delay = 0.0
        await self._heard(time.monotonic(), is_return=False)

    async def tampered(self, trick: str, way: Way) -> None:
        """Have a frame spoilt, which costs its connection."""
        before = time.monotonic()
        instance = await self.proxy.play(trick, way)
        since = time.monotonic()
        self.reconnects.append(max(await self.proxy.connected(instance, before) - since, 0.0))

    async def mixed_up(self, trick: str, way: Way) -> None:
        """Have frames come twice, or in another order, which costs nothing."""
        await self.proxy.play(trick, way)

    async def refused_a_greeting(self) -> None:
        """Have a handshake spoilt."""
        spoilt = asyncio.ensure_future(self.proxy.play("garbled-handshake", Way.DOWN))
        since = time.monotonic()
        self.proxy.drop()
        await spoilt
        await self._back(since, is_return=False)

    async def drained(self) -> None:
        since = time.monotonic()
        self.proxy.drain()
        await self._back(since)

    async def server_ended(self, number: signal.Signals) -> None:
        """Kill or stop the server, and start it again on the same file and ports."""
        before = time.monotonic()
        code = await self.server.end(number)
        assert code == (0 if number is signal.SIGTERM else -number)
        await asyncio.sleep(0.1)
        await self._back(await self.start_server(), before=before)

    async def server_paused(self, seconds: float) -> None:
        await self.server.pause(seconds)
        await self._heard(time.monotonic())

    async def worker_paused(self, name: str, seconds: float) -> None:
        await self.workers[name].pause(seconds)
        await self.proxy.heard(name, time.monotonic())

    async def worker_killed(self) -> None:
        """Kill the frail worker: what it had is tried again by others."""
        await self.workers[FRAIL].end(signal.SIGKILL)
        acknowledged = self.proxy.acknowledged.items()
        self.excused |= {one for one, name in acknowledged if name == FRAIL} - self.proxy.settled
        await self.start_worker(FRAIL)

    async def worker_stopped(self) -> None:
        await self.stop_worker(FRAIL)
        await self.start_worker(FRAIL)

    async def _back(
        self, since: float, *, before: float | None = None, is_return: bool = True
    ) -> None:
        """Wait until all workers have connected anew, `before` being the time of the fault."""
        for name in WORKERS:
            at = await self.proxy.connected(name, since if before is None else before)
            if is_return:
                self.reconnects.append(max(at - since, 0.0))

    async def _heard(self, since: float, *, is_return: bool = True) -> None:
        """Wait until all workers hear from the gateway: connections may have lasted, or not."""
        for name in WORKERS:
            at = await self.proxy.heard(name, since)
            if is_return:
                self.reconnects.append(at - since)

    # What must hold.

    def check(self) -> Report:
        """Check all that was promised, on what the ended server left."""
        for suffix in ("", "-wal"):
            shutil.copy(f"{self.db}{suffix}", f"{self.db}.copy{suffix}")
        with contextlib.closing(sqlite3.connect(f"{self.db}.copy")) as connection:
            runs = connection.execute("SELECT event_id, status, output FROM runs").fetchall()
            jobs = connection.execute("SELECT count(*) FROM jobs").fetchone()
            memos = connection.execute("SELECT run_id, name, value FROM memos").fetchall()
        assert jobs == (0,)
        assert {status for _, status, _ in runs} == {COMPLETED}
        started = Counter(event_id for event_id, _, _ in runs)
        assert {event_id for event_id in self.accepted if started[event_id] != 1} == set()

        assert len({memo[:2] for memo in memos}) == len(memos)
        recorded = Counter([_text(output) for *_, output in runs])
        recorded.update(_text(value) for *_, value in memos)
        assert {one for one, count in recorded.items() if count > 1} == set()

        noted = list(notes_in(self.notes))
        taken = {note.request_id for note in noted} | set(self.proxy.acknowledged)
        assert taken - set(recorded) <= self.excused
        by_process = Counter((note.pid, note.request_id) for note in noted)
        assert {one for one, count in by_process.items() if count > 1} == set()
        return Report(self, len(runs), len(taken), len(taken & set(recorded)), len(noted))


def _text(document: bytes) -> str:
    """Return the request id in an output, or in a memo."""
    found = json.loads(document)
    return str(found["data"] if isinstance(found, dict) else found)


@dataclass(frozen=True)
class Report:
    """What came of it, in numbers."""

    chaos: Chaos
    runs: int
    acknowledged: int
    answered: int
    executed: int

    def __str__(self) -> str:
        times = sorted(self.chaos.reconnects)
        half, most = times[len(times) // 2], times[int(len(times) * 0.99)]
        return (
            f"{self.chaos.faults.total()} faults: {len(self.chaos.accepted)} events accepted, "
            f"{self.runs} runs, all finished; {self.acknowledged} requests acknowledged, "
            f"{self.answered} answered, each once, {self.acknowledged - self.answered} repeated "
            f"because their worker was killed; {len(times)} reconnects, p50 {half:.2f} s, "
            f"p99 {most:.2f} s, longest {times[-1]:.2f} s"
        )


FAULTS: dict[str, Callable[[Chaos], Awaitable[None]]] = {
    "drop": lambda chaos: chaos.broken_by(chaos.proxy.drop),
    "half-close-up": lambda chaos: chaos.broken_by(partial(chaos.proxy.half_close, Way.UP)),
    "half-close-down": lambda chaos: chaos.broken_by(partial(chaos.proxy.half_close, Way.DOWN)),
    "swallow": Chaos.swallowed,
    "freeze-short": lambda chaos: chaos.frozen(0.4),
    "freeze-long": lambda chaos: chaos.frozen(1.3),
    "delay": Chaos.slowed,
    "garble-up": lambda chaos: chaos.tampered("garbled", Way.UP),
    "garble-down": lambda chaos: chaos.tampered("garbled", Way.DOWN),
    "break-up": lambda chaos: chaos.tampered("broken", Way.UP),
    "break-down": lambda chaos: chaos.tampered("broken", Way.DOWN),
    "cut-up": lambda chaos: chaos.tampered("cut", Way.UP),
    "cut-down": lambda chaos: chaos.tampered("cut", Way.DOWN),
    "double-up": lambda chaos: chaos.mixed_up("doubled", Way.UP),
    "double-down": lambda chaos: chaos.mixed_up("doubled", Way.DOWN),
    "swap-up": lambda chaos: chaos.mixed_up("swapped", Way.UP),
    "swap-down": lambda chaos: chaos.mixed_up("swapped", Way.DOWN),
    "garble-handshake": Chaos.refused_a_greeting,
    "drain": Chaos.drained,
    "kill-server": lambda chaos: chaos.server_ended(signal.SIGKILL),
    "stop-server": lambda chaos: chaos.server_ended(signal.SIGTERM),
    "pause-server": lambda chaos: chaos.server_paused(1.3),
    "pause-worker": lambda chaos: chaos.worker_paused(STEADY, 0.5),
    "kill-worker": Chaos.worker_killed,
    "stop-worker": Chaos.worker_stopped,
}
