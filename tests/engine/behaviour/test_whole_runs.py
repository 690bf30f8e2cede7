"""Whole runs on a simulated server: each body runs once, and results are those of plain code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.errors import NonRetriableError, StepError
from tests.engine.calls import Program, Shell, call_async, new_tools
from tests.engine.programs import ASYNCIO, DETERMINED, RACES, exhausted, first_completed
from tests.engine.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

SEEDS = range(6)


class PlainStep:
    """Steps that are nothing but their bodies: what a program means without a server."""

    async def run(self, step_id: str, body: Callable[..., Any], *args: Any) -> Any:
        try:
            result = body(*args)
            return await result if asyncio.iscoroutine(result) else result
        except (NonRetriableError, ValueError) as error:
            raise StepError(str(error), type(error).__name__, step_id=step_id) from None

    async def sleep(self, _: str, __: str) -> None:
        await asyncio.sleep(0)


class PlainGroup:
    async def parallel(
        self, branches: list[Callable[[], Coroutine[Any, Any, Any]]], **_: Any
    ) -> tuple[Any, ...]:
        return tuple(await asyncio.gather(*(one() for one in branches)))


def plain_result(program: Program) -> Any:
    tools = new_tools()
    tools.step, tools.group = PlainStep(), PlainGroup()
    return asyncio.run(program(tools))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", [name for name in DETERMINED if name != "exhausted"])
def test_each_body_of_a_run_runs_once(shell: Shell, name: str, seed: int) -> None:
    run = Simulation(shell, DETERMINED[name], seed=seed)
    assert run.run() == plain_result(DETERMINED[name])
    assert set(run.tools.ran.values()) == {1}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ASYNCIO)
def test_each_body_of_plain_asyncio_runs_once(name: str, seed: int) -> None:
    run = Simulation(call_async, ASYNCIO[name], seed=seed)
    assert run.run() == plain_result(ASYNCIO[name])
    assert set(run.tools.ran.values()) == {1}


def test_attempts_are_used_up_before_a_step_fails(shell: Shell) -> None:
    run = Simulation(shell, exhausted, max_attempts=3)
    assert run.run() == "ValueError"
    assert run.tools.ran == {"flaky": 3}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", RACES)
def test_no_body_of_a_race_runs_twice(shell: Shell, name: str, seed: int) -> None:
    run = Simulation(shell, RACES[name], seed=seed)
    winner, end = run.run()
    assert winner in ("0.0", "1.0", "2.1", "work", "too late")
    assert end in ("end", {"args": [winner]})
    assert set(run.tools.ran.values()) == {1}


@pytest.mark.parametrize("seed", range(20))
def test_no_body_of_a_race_in_plain_asyncio_runs_twice(seed: int) -> None:
    run = Simulation(call_async, first_completed, seed=seed)
    winner, end = run.run()
    assert end == {"args": [winner]}
    assert set(run.tools.ran.values()) == {1}


@pytest.mark.parametrize("name", RACES)
def test_other_orders_have_other_winners(shell: Shell, name: str) -> None:
    winners = {Simulation(shell, RACES[name], seed=seed).run()[0] for seed in range(20)}
    assert len(winners) > 1
