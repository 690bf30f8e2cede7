"""A worker as users hold it: made, started, looked at and closed, with no server in reach."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

import inngest_asgi as inngest
from inngest_asgi.connect import ConnectAuthError, ConnectClosed, ConnectionState, Worker, connect
from inngest_asgi.errors import ConfigError
from tests.connect.test_apps import client_of

AWAY = "http://127.0.0.1:9"
CONNECTING, ACTIVE = ConnectionState.CONNECTING, ConnectionState.ACTIVE
CLOSING, CLOSED = ConnectionState.CLOSING, ConnectionState.CLOSED


def worker(**options: Any) -> Worker:
    return connect([client_of(api_base_url=AWAY)], **options)


def test_it_is_made_without_a_loop() -> None:
    made = worker()
    assert (made.get_state(), made.get_connection_id(), made.problem) == (CONNECTING, None, None)
    assert repr(made) == "<Worker of 'shop': CONNECTING>"
    assert made.debug_state() == {
        "state": "CONNECTING",
        "problem": None,
        "counters": made.counters.picture(),
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"instance_id": ""}, "instance_id", id="option"),
        pytest.param({"shutdown_signals": ["x"]}, "shutdown_signals", id="signals"),
        pytest.param({"executor": 3}, "executor is a int", id="executor"),
        pytest.param({"executor": ProcessPoolExecutor(1)}, "threads of this", id="processes"),
    ],
)
def test_a_wrong_argument_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        worker(**options)


def test_a_wrong_configuration_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY", "many")
    with pytest.raises(ConfigError, match="MAX_WORKER_CONCURRENCY"):
        asyncio.run(worker().start())


def test_what_fails_while_it_is_put_together_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise ConfigError("no")

    monkeypatch.setattr("inngest_asgi.connect.launch.introduction", fail)
    with pytest.raises(ConfigError, match="no"):
        asyncio.run(worker().start())


def test_it_is_started_once() -> None:
    async def live() -> None:
        async with worker() as one:
            with pytest.raises(ConfigError, match="A worker is started once"):
                await one.start()

    asyncio.run(live())


def test_one_that_was_closed_before_is_not_started() -> None:
    async def live() -> None:
        one = worker()
        await one.close(wait=True)
        assert one.get_state() is CLOSED
        with pytest.raises(ConfigError, match="A worker is started once"):
            await one.start()

    asyncio.run(live())


def test_one_may_be_closed_twice() -> None:
    async def live() -> list[ConnectionState]:
        one = worker()
        states = one.states()
        await one.close()
        await one.close(wait=True)
        return [state async for state in states]

    assert asyncio.run(live()) == [CLOSING, CLOSED]


def test_the_first_attempt_is_waited_for() -> None:
    async def live() -> str | None:
        async with worker() as one:
            await one.settled(60)
            return one.problem

    assert "No answer from http://127.0.0.1:9" in (asyncio.run(live()) or "")


def test_states_that_cannot_come_are_not_waited_for() -> None:
    async def live() -> None:
        async with worker() as one:
            waiting = asyncio.create_task(one.wait_for_state(ACTIVE))
            await asyncio.sleep(0)
            await one.close()
            with pytest.raises(ConnectClosed, match=r"The worker is \w+ and will not be ACTIVE"):
                await waiting
            await one.wait_for_state(CLOSED)

    asyncio.run(live())


def test_a_wait_may_be_limited() -> None:
    async def live() -> None:
        async with worker() as one:
            await one.wait_for_state(CONNECTING)
            with pytest.raises(TimeoutError):
                await one.wait_for_state(ACTIVE, timeout=1)

    asyncio.run(live())


def test_its_states_are_told() -> None:
    async def live() -> list[ConnectionState]:
        one = worker()
        states = one.states()
        async with one:
            pass
        return [state async for state in states]

    assert asyncio.run(live()) == [CLOSING, CLOSED]


def test_it_can_be_looked_at_while_it_runs() -> None:
    async def live() -> dict[str, Any]:
        async with worker() as one:
            return one.debug_state()

    picture = asyncio.run(live())
    assert (picture["state"], picture["in_flight"]) == ("CONNECTING", [])
    assert picture["outbox"] == {"replies": 0, "bytes": 0}


def test_an_executor_of_the_user_stays_open() -> None:
    with ThreadPoolExecutor(1) as pool:

        async def live() -> None:
            async with worker(executor=pool):
                pass

        asyncio.run(live())
        assert pool.submit(int, "7").result() == 7


def test_many_apps_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        async with connect([client_of(f"app-{n}", api_base_url=AWAY) for n in range(11)]):
            pass

    asyncio.run(live())
    assert "This worker has 11 apps, and servers take 10" in caplog.text


def test_a_cancelled_start_ends_the_worker() -> None:
    async def live() -> Worker:
        one = worker()
        starting = asyncio.create_task(one.start())
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        return one

    assert asyncio.run(live()).get_state() is CLOSED


def test_a_signal_ends_it_in_order(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        starting = asyncio.create_task(worker().start())
        await asyncio.sleep(0)
        signal.raise_signal(signal.SIGTERM)
        await starting

    with caplog.at_level("INFO"):
        asyncio.run(live())
    assert "SIGTERM: the worker stops" in caplog.text
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_keys_that_are_missing_end_it() -> None:
    alone = connect([client_of(api_base_url=AWAY, is_production=True, signing_key=None)])
    with pytest.raises(ConnectAuthError, match="Set INNGEST_SIGNING_KEY"):
        asyncio.run(alone.start())
    assert "INNGEST_SIGNING_KEY" in (alone.problem or "")
    assert alone.broken is False


def test_a_thread_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inngest_asgi.connect.worker._LOOK_PATIENCE", 0.0)

    async def live() -> dict[str, Any]:
        async with worker() as one:
            return one.debug_state()

    assert set(asyncio.run(live())) >= {"state", "problem", "counters"}


WITHOUT = """
import asyncio, sys
sys.modules[{0!r}] = None  # as if it were not installed
import inngest_asgi as inngest
client = inngest.Inngest("shop", is_production=False)
client.create_function(fn_id="f", trigger=inngest.TriggerEvent(event="e"))(lambda ctx: None)
try:
    asyncio.run(inngest.connect.connect([client]).start())
except inngest.ConfigError as error:
    print(error)
"""


@pytest.mark.parametrize("package", ["websockets", "google"])
def test_without_the_extra_it_says_what_to_install(package: str) -> None:
    module = {"websockets": "websockets", "google": "google.protobuf"}[package]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(module)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == (
        f"A worker needs the package {package!r}, which is not installed: "
        "pip install 'inngest-asgi[connect]'\n"
    ), done.stderr


def test_a_module_of_ours_is_not_mistaken_for_a_missing_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "inngest_asgi.connect.launch", None)
    with pytest.raises(ModuleNotFoundError):
        asyncio.run(worker().start())


def test_in_this_process_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("launch", "shell", "opening", "dialling", "line"):
        monkeypatch.delitem(sys.modules, f"inngest_asgi.connect.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)
    with pytest.raises(ConfigError, match="needs the package 'websockets'"):
        asyncio.run(worker().start())


def test_an_ambient_name_is_enough() -> None:
    assert inngest.connect.connect is connect
