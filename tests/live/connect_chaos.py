"""A server, two workers and a bad network between them, with load, and what must hold in the end.

Of the workers the steady one is only ever paused; the frail one is replaced and killed, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import Counter
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx

from tests.live.chaos_proxy import ChaosProxy, Way
from tests.live.children import PATIENCE, Child
from tests.live.commands import free_ports

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SERVER = Path(__file__).with_name("connect_server_process.py")
STEADY, FRAIL = "steady", "frail"
PACE = 0.15
"""Seconds between two rounds of events."""

SHORT = {"quick": 1, "slow": 2, "blocking": 3}
LONG = {"stubborn": 40, "long": 20}
"""Which events are sent, and in which rounds: each one, each second one, and so on."""

_CLI = "from inngest_asgi.cli import main; main()"
_APP = "tests.live.apps.chaotic_worker:client"


class Chaos:
    """The whole of it, for one loop.

    Attributes:
        reconnects: seconds from a gateway's return until a worker was ACTIVE.
        excused: requests that a worker had when it was killed.
        accepted: the events the server has said to have, and their names.
        faults: how often there was each.
        killed: the workers that were killed, by process id.
        servers: all there ever were, in order.
        workers: the same, by kind.
        db: the server's file.
        notes: what the workers noted.
    """

    def __init__(self, folder: Path) -> None:
        self.reconnects: list[float] = []
        self.excused: set[str] = set()
        self.killed: set[int] = set()
        self.accepted: dict[str, str] = {}
        self.faults: Counter[str] = Counter()
        self._folder = folder
        self.db = folder / "dev.db"
        self.notes = folder / "notes"
        self._ports = free_ports(2)
        self.proxy = ChaosProxy(*self._ports)
        self._numbers = count(1)
        self.servers: list[Child] = []
        self.workers: dict[str, list[Child]] = {STEADY: [], FRAIL: []}
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            url = f"http://127.0.0.1:{self._ports[0]}"
            client = httpx.AsyncClient(base_url=url, timeout=PATIENCE)
            self._http = await stack.enter_async_context(client)
            await stack.enter_async_context(self.proxy.carrying())
            stack.push_async_callback(self._end_all)
            workers = self.start_worker(STEADY), self.start_worker(FRAIL)
            await asyncio.gather(self.start_server(), *workers)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    # Processes.

    @property
    def server(self) -> Child:
        return self.servers[-1]

    def worker(self, kind: str) -> Child:
        return self.workers[kind][-1]

    @property
    def _current(self) -> tuple[Child, Child]:
        """The workers that should be connected."""
        return self.worker(STEADY), self.worker(FRAIL)

    async def start_server(self) -> float:
        """Start the server, and return when it was there."""
        arguments = (str(SERVER), str(self.db), *map(str, self._ports))
        self.servers.append(await Child.start(self._log("server"), *arguments))
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await self._http.get("/dev")
                    return time.monotonic()
                await asyncio.sleep(0.01)

    async def start_worker(self, kind: str) -> None:
        """Start a worker with an instance id of its own, and wait until it is connected."""
        log = self._log(kind)
        worker = await Child.start(
            log,
            *("-c", _CLI, "connect", _APP, "--instance-id", log.stem),
            CHAOS_NOTES=str(self.notes),
            INNGEST_DEV=f"http://127.0.0.1:{self.proxy.api}",
            INNGEST_CONNECT_GATEWAY_URL=f"ws://127.0.0.1:{self.proxy.gateway}/v0/connect",
        )
        self.workers[kind].append(worker)
        async with asyncio.timeout(PATIENCE):
            await self.proxy.connected(worker.name, 0.0)

    def _log(self, kind: str) -> Path:
        return self._folder / f"{kind}-{next(self._numbers)}.log"

    async def at_work(self, kind: str) -> None:
        """Wait until a worker has just begun something that takes its time."""
        async with asyncio.timeout(PATIENCE):
            await self.proxy.took(self.worker(kind).name, "chaos-slow", time.monotonic())

    async def stopped(self, kind: str) -> None:
        """Wait until the workers of a kind that were told to stop have done so, in order."""
        for worker in self.workers[kind]:
            if worker.process.pid not in self.killed:
                assert await worker.end(signal.SIGTERM) == 0

    async def _end_all(self) -> None:
        for child in (*self.servers, *self.workers[STEADY], *self.workers[FRAIL]):
            await child.end(signal.SIGKILL)

    # Load.

    async def load(self, every: dict[str, int]) -> None:
        """Send events until cancelled."""
        for n in count(1):
            names = [name for name, rounds in every.items() if n % rounds == 0]
            events = [{"name": f"chaos/{name}", "data": {"n": n}} for name in names]
            if events:
                with contextlib.suppress(httpx.TransportError):
                    answer = await self._http.post("/e/key", json=events)
                    ids = answer.json()["ids"] if answer.status_code == 200 else []
                    self.accepted |= dict(zip(ids, names, strict=False))
            await asyncio.sleep(PACE)

    async def finished(self) -> None:
        """Wait until all runs have ended."""
        for _ in range(int(PATIENCE / 0.1)):
            if not await self._is_busy():
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"It is stuck: {(await self._http.get('/metrics')).text}")

    async def _is_busy(self) -> bool:
        lines = (await self._http.get("/metrics")).text.splitlines()
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
        for child in (self.server, *self._current):
            child.measure()

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
        if instance in [worker.name for worker in self._current]:
            self.reconnects.append(max(await self.proxy.connected(instance, before) - since, 0.0))

    async def mixed_up(self, trick: str, way: Way) -> None:
        """Have frames come twice, or in another order, which costs nothing."""
        await self.proxy.play(trick, way)

    async def refused_a_greeting(self) -> None:
        """Have a handshake spoilt."""
        since = time.monotonic()
        spoiling = asyncio.ensure_future(self.proxy.play("garbled-handshake", Way.DOWN))
        await asyncio.sleep(0)
        self.proxy.drop()
        await spoiling
        await self._back(since, is_return=False)

    async def drained(self) -> None:
        """Have the gateway send all workers away: they go without ever being unconnected."""
        since, before = time.monotonic(), [worker.losses for worker in self._current]
        self.proxy.drain()
        await self._back(since)
        assert [worker.losses for worker in self._current] == before

    async def server_ended(self, number: signal.Signals) -> None:
        """Kill or stop the server, and start it again on the same file and ports."""
        before = time.monotonic()
        code = await self.server.end(number)
        assert code == (0 if number is signal.SIGTERM else -number)
        await self._back(await self.start_server(), before=before)

    async def server_paused(self, seconds: float) -> None:
        await self.server.pause(seconds)
        await self._heard(time.monotonic())

    async def worker_paused(self, seconds: float) -> None:
        worker = self.worker(STEADY)
        await worker.pause(seconds)
        await self.proxy.heard(worker.name, time.monotonic())

    async def worker_killed(self) -> None:
        """Kill the frail worker: what it had is tried again by others."""
        worker = self.worker(FRAIL)
        await worker.end(signal.SIGKILL)
        self.killed.add(worker.process.pid)
        had = {one for one, name in self.proxy.acknowledged.items() if name == worker.name}
        self.excused |= had - self.proxy.settled
        await self.start_worker(FRAIL)

    async def worker_replaced(self) -> None:
        """Stop the frail worker in the midst of its work, while another one takes its place."""
        self.worker(FRAIL).process.send_signal(signal.SIGTERM)
        await self.start_worker(FRAIL)

    async def _back(
        self, since: float, *, before: float | None = None, is_return: bool = True
    ) -> None:
        """Wait until all workers have connected anew, `before` being the time of the fault."""
        for worker in self._current:
            at = await self.proxy.connected(worker.name, since if before is None else before)
            if is_return:
                self.reconnects.append(max(at - since, 0.0))

    async def _heard(self, since: float, *, is_return: bool = True) -> None:
        """Wait until all workers hear from the gateway: connections may have lasted, or not."""
        for worker in self._current:
            at = await self.proxy.heard(worker.name, since)
            if is_return:
                self.reconnects.append(at - since)


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
    "pause-server": lambda chaos: chaos.server_paused(1.3),
    "pause-worker": lambda chaos: chaos.worker_paused(0.5),
    "kill-worker": Chaos.worker_killed,
    "replace-worker": Chaos.worker_replaced,
    "kill-server": lambda chaos: chaos.server_ended(signal.SIGKILL),
    "stop-server": lambda chaos: chaos.server_ended(signal.SIGTERM),
}
