"""The worker of an application that serves HTTP: when there is one, and what is told of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from inngest_asgi.connect import ConnectionState, ConnectOptions
from inngest_asgi.lifespan.connecting import FORGOTTEN, NOT_ACTIVE, NOT_STARTED, Connecting
from inngest_asgi.testing import ManualClock
from tests.connect.test_apps import runtimes
from tests.routes.asking import ORDERED

if TYPE_CHECKING:
    from inngest_asgi.runtime.execute import Runtime

AWAY = "http://127.0.0.1:9"
BRIEF = ConnectOptions(connect_timeout=0)


def runtime(**options: Any) -> Runtime:
    given: dict[str, Any] = {"is_production": False, "api_base_url": AWAY}
    client = inngest.Inngest("shop", **(given | options))

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> None: ...

    return runtimes([client])[0]


def connecting(told: bool | ConnectOptions | None) -> Connecting:  # noqa: FBT001
    return Connecting(runtime(), told=told, clock=ManualClock(0))


@pytest.mark.parametrize(
    ("told", "variable", "connects"),
    [
        pytest.param(None, None, False, id="nothing said"),
        pytest.param(None, "0", False, id="variable off"),
        pytest.param(None, "1", True, id="variable on"),
        pytest.param(True, None, True, id="on"),
        pytest.param(False, "1", False, id="off wins"),
        pytest.param(BRIEF, "0", True, id="options"),
    ],
)
def test_whether_it_connects(
    told: bool | ConnectOptions | None,  # noqa: FBT001
    variable: str | None,
    connects: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("INNGEST_CONNECT", raising=False)
    if variable is not None:
        monkeypatch.setenv("INNGEST_CONNECT", variable)
    assert (connecting(told).options is not None) is connects


def test_options_are_those_given() -> None:
    assert connecting(BRIEF).options is BRIEF


def test_without_it_nothing_is_started_and_nothing_told() -> None:
    one = connecting(told=False)

    async def hold() -> None:
        async with one.run():
            assert one.worker is None

    asyncio.run(hold())
    assert (one.problems, one.picture, one.is_broken, one.is_forgotten) == ({}, {}, False, False)


def test_before_the_host_has_started_it_is_missing() -> None:
    one = connecting(told=True)
    assert (one.problems, one.is_forgotten) == ({NOT_STARTED: FORGOTTEN}, True)


def test_a_server_that_is_away_is_told_of() -> None:
    one = connecting(BRIEF)

    async def hold() -> tuple[dict[str, str], dict[str, Any]]:
        async with one.run():
            return one.problems, one.picture

    problems, picture = asyncio.run(hold())
    assert problems[NOT_ACTIVE].startswith("the worker is CONNECTING")
    assert picture["connect"]["state"] is ConnectionState.CONNECTING
    assert one.worker is not None
    assert one.worker.get_state() is ConnectionState.CLOSED


def test_a_worker_that_is_connected_has_no_problem() -> None:
    one = connecting(BRIEF)

    async def hold() -> dict[str, str]:
        async with one.run():
            assert one.worker is not None
            one.worker._board.enter(ConnectionState.ACTIVE)
            return one.problems

    assert asyncio.run(hold()) == {}


def test_what_is_configured_wrongly_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY", "many")

    async def hold() -> None:
        async with connecting(BRIEF).run():
            pytest.fail("it started")

    with pytest.raises(inngest.ConfigError, match="MAX_WORKER_CONCURRENCY is 'many'"):
        asyncio.run(hold())
