"""What an application opens and closes with its host, or with several of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

import inngest_asgi as inngest
from inngest_asgi.connect import ConnectionState
from inngest_asgi.lifespan.connecting import Connecting
from inngest_asgi.lifespan.manager import LifespanManager, Phase
from inngest_asgi.runtime.threads import Threads
from inngest_asgi.testing import ManualClock
from tests.lifespan.test_connecting import BRIEF, runtime

if TYPE_CHECKING:
    import httpx
    from starlette.types import Message


@pytest.fixture
def threads() -> Threads:
    return Threads(None, lambda: 1)


@pytest.fixture
def manager(threads: Threads) -> LifespanManager:
    return LifespanManager(inngest.Inngest("shop", is_production=False), threads)


def test_the_phase_follows_the_host(manager: LifespanManager) -> None:
    phases = [manager.phase]

    async def hold() -> None:
        async with manager.run():
            phases.append(manager.phase)
        phases.append(manager.phase)

    asyncio.run(hold())
    assert phases == [Phase.NOT_STARTED, Phase.RUNNING, Phase.STOPPED]


def test_threads_take_no_new_work_when_the_host_stops(
    manager: LifespanManager, threads: Threads
) -> None:
    async def hold() -> None:
        async with manager.run():
            executor = threads.executor
            assert executor.submit(int, "7").result() == 7
        with pytest.raises(RuntimeError, match="shutdown"):
            executor.submit(int, "7")

    asyncio.run(hold())


def test_it_closes_when_the_host_fails(manager: LifespanManager) -> None:
    async def hold() -> None:
        async with manager.run():
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        asyncio.run(hold())
    assert manager.phase is Phase.STOPPED


def test_connections_of_the_client_close_with_the_host(threads: Threads) -> None:
    client = inngest.Inngest("shop", is_production=False, api_base_url="http://127.0.0.1:9")
    manager = LifespanManager(client, threads)
    opened: list[httpx.AsyncClient] = []

    async def hold() -> None:
        async with manager.run():
            with pytest.raises(inngest.InngestError):
                await client.api.register({"framework": "asgi"}, sync_id=None, server_kind=None)
            opened.extend(one for _, one in client._connections._open.values())
            assert not opened[0].is_closed
        assert opened[0].is_closed

    asyncio.run(hold())


def test_one_host_of_two_that_stops_does_not_close_the_application(
    manager: LifespanManager, threads: Threads
) -> None:
    async def hold() -> None:
        async with AsyncExitStack() as first:
            await first.enter_async_context(manager.run())
            executor = threads.executor
            async with manager.run():
                pass
            phases.append(manager.phase)
            assert executor.submit(int, "7").result() == 7
        phases.append(manager.phase)

    phases: list[Phase] = []
    asyncio.run(hold())
    assert phases == [Phase.RUNNING, Phase.STOPPED]


def test_hosts_may_be_on_loops_of_their_own(manager: LifespanManager) -> None:
    async def hold() -> None:
        async with manager.run():
            await asyncio.sleep(0)

    with ThreadPoolExecutor(4) as pool:
        for ended in [pool.submit(asyncio.run, hold()) for _ in range(50)]:
            ended.result()
    assert manager.phase is Phase.STOPPED


def speak(manager: LifespanManager) -> list[str]:
    """Play a server that starts and stops the application; returns what it was told."""
    told: list[str] = []

    async def run() -> None:
        asked = ["lifespan.startup", "lifespan.shutdown"]

        async def receive() -> Message:
            return {"type": asked.pop(0)}

        async def send(message: Message) -> None:
            told.append(f"{message['type']} while {manager.phase}")

        await manager.serve(receive, send)

    asyncio.run(run())
    return told


def test_a_server_is_told_when_it_runs_and_when_it_has_closed(manager: LifespanManager) -> None:
    assert speak(manager) == [
        "lifespan.startup.complete while running",
        "lifespan.shutdown.complete while stopped",
    ]


def test_a_worker_that_cannot_be_started_is_told_to_the_server(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY", "many")
    connecting = Connecting(runtime(), told=True, clock=ManualClock(0))
    manager = LifespanManager(inngest.Inngest("shop"), threads, connecting)
    assert speak(manager) == ["lifespan.startup.failed while stopped"]


def test_what_fails_later_is_not_taken_for_a_failed_start(threads: Threads) -> None:
    manager = LifespanManager(inngest.Inngest("shop"), threads)

    async def run() -> None:
        asked = ["lifespan.startup"]

        async def receive() -> Message:
            if not asked:
                raise inngest.ConfigError("the server is gone")
            return {"type": asked.pop()}

        async def send(message: Message) -> None:
            assert message["type"] == "lifespan.startup.complete"

        await manager.serve(receive, send)

    with pytest.raises(inngest.ConfigError, match="the server is gone"):
        asyncio.run(run())


def test_the_first_host_runs_the_worker(threads: Threads) -> None:
    connecting = Connecting(runtime(), told=BRIEF, clock=ManualClock(0))
    manager = LifespanManager(inngest.Inngest("shop", is_production=False), threads, connecting)

    async def hold() -> None:
        async with manager.run():
            worker = connecting.worker
            async with manager.run():
                assert connecting.worker is worker
            assert worker is not None
            assert worker.get_state() is ConnectionState.CONNECTING

    asyncio.run(hold())
    assert connecting.worker is not None
    assert connecting.worker.get_state() is ConnectionState.CLOSED
