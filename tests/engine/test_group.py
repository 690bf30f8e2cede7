"""Groups of steps: modes, and races that have no steps to wait for."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from inngest_asgi.engine.group import ParallelMode, race_scope
from inngest_asgi.engine.ops import PLAIN_SCOPE, SCOPE
from inngest_asgi.engine.outcomes import Raised
from tests.engine.calls import Request, Shell, Tools, data, shown


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        (ParallelMode.RACE, " race"),
        ("race", " race"),
        (ParallelMode.WAIT, ""),
        ("wait", ""),
    ],
)
def test_a_mode_is_that_of_each_step(
    shell: Shell, tools: Tools, mode: ParallelMode, suffix: str
) -> None:
    async def program(tools: Tools) -> Any:
        branches = [partial(tools.step.run, one, tools.body(one)) for one in "ab"]
        await tools.group.parallel(branches, parallel_mode=mode)

    assert shown(shell(program, Request(), tools)) == [
        f"StepPlanned a{suffix}",
        f"StepPlanned b{suffix}",
    ]


def test_the_mode_ends_with_the_group(shell: Shell, tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        branches = [partial(tools.step.run, "a", tools.body("a"))]
        await tools.group.parallel(branches, parallel_mode=ParallelMode.RACE)
        await tools.step.run("b", tools.body("b"))

    assert shown(shell(program, Request(data(a=1)), tools)) == ["StepPlanned b"]


def test_results_come_in_the_order_of_the_branches(shell: Shell, tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.group.parallel(
            [partial(tools.step.run, one, tools.body(one)) for one in "ab"]
        )

    outcome = shell(program, Request(data(b=2, a=1)), tools)
    assert shown(outcome) == {"returned": (1, 2)}


def test_a_racer_without_steps_wins_at_once(shell: Shell, tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        async def quick() -> str:
            return "quick"

        return await tools.group.race([partial(tools.step.run, "a", tools.body("a")), quick])

    assert shown(shell(program, Request(), tools)) == {"returned": "quick"}


def test_a_race_of_none_says_what_is_missing(shell: Shell, tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.group.race([])

    outcome = shell(program, Request(), tools)
    assert isinstance(outcome, Raised)
    assert str(outcome.error) == "group.race got no callables; give it at least one."


def test_a_race_block_ends_where_it_is_left() -> None:
    with pytest.raises(ValueError, match="no"), race_scope():
        assert SCOPE.get().race
        raise ValueError("no")
    assert SCOPE.get() == PLAIN_SCOPE
