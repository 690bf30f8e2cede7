"""Random programs on a simulated server: each step runs once, in any order, in both shells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from inngest_asgi.engine.outcomes import Outcome, Raised, Returned
from tests.engine.calls import Request, Shell, call_async, call_blocking, new_tools
from tests.engine.simulation import Simulation
from tests.hardening.programs import (
    ATTEMPTS,
    RUNS,
    Part,
    bodies,
    may_give,
    named,
    outcome_of,
    parts,
    plain_result,
    program_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

seeds = st.integers(0, 1000)


def simulated(shell: Shell, part: Part, seed: int) -> tuple[Any, Simulation]:
    run = Simulation(shell, program_of(part), seed=seed, max_attempts=ATTEMPTS)
    return outcome_of(run.run), run


def too_often(part: Part, ran: Mapping[str, int]) -> dict[str, int]:
    """Return the bodies that ran more often than their endings say."""
    allowed = {body.name: RUNS[body.ending] for body in bodies(part)}
    return {name: times for name, times in ran.items() if times > allowed[name]}


def raised(result: Any) -> bool:
    return isinstance(result, dict) and result.keys() == {"raised"}


@given(parts("parallel", "race mode", caught=True), seeds)
def test_both_shells_give_what_plain_code_gives(part: Part, seed: int) -> None:
    part = named(part, unique=True)
    expected = outcome_of(lambda: plain_result(part))
    for shell in (call_async, call_blocking):
        result, run = simulated(shell, part, seed)
        assert result == expected
        assert not too_often(part, run.tools.ran)


@given(parts("parallel", "race mode", caught=True), seeds)
def test_both_shells_run_the_same_bodies_equally_often(part: Part, seed: int) -> None:
    part = named(part, unique=True)
    (_, in_async), (_, in_blocking) = (
        simulated(shell, part, seed) for shell in (call_async, call_blocking)
    )
    assert in_async.tools.ran == in_blocking.tools.ran


@given(parts("parallel", "race mode", "gather", "task group", caught=True), seeds)
def test_ids_used_again_and_again_are_told_apart(part: Part, seed: int) -> None:
    part = named(part, unique=False)
    result, run = simulated(call_async, part, seed)
    assert result == outcome_of(lambda: plain_result(part))
    assert not too_often(part, run.tools.ran)


@given(parts("parallel", "race mode", caught=True), seeds, st.integers(0, 1000))
def test_the_order_in_which_a_server_works_changes_nothing(
    part: Part, seed: int, other: int
) -> None:
    part = named(part, unique=True)
    (first, one), (second, two) = (simulated(call_async, part, n) for n in (seed, other))
    assert (first, one.tools.ran) == (second, two.tools.ran)


@given(parts("parallel", "race mode", "race", caught=False), seeds)
def test_no_body_runs_once_too_often_whatever_wins_or_fails(part: Part, seed: int) -> None:
    part = named(part, unique=True)
    for shell in (call_async, call_blocking):
        result, run = simulated(shell, part, seed)
        assert raised(result) or may_give(part, result)
        assert not too_often(part, run.tools.ran)


@given(parts("gather", "task group", "race", "first", caught=False), seeds)
def test_no_body_of_plain_asyncio_runs_once_too_often(part: Part, seed: int) -> None:
    part = named(part, unique=True)
    result, run = simulated(call_async, part, seed)
    assert raised(result) or may_give(part, result)
    assert not too_often(part, run.tools.ran)


@given(parts("parallel", "race mode", "gather", "race", "first", caught=True), seeds)
def test_a_run_that_ended_ends_alike_when_it_is_replayed(part: Part, seed: int) -> None:
    part = named(part, unique=True)
    result, run = simulated(call_async, part, seed)
    tools = new_tools()
    replayed = call_async(program_of(part), Request(memos=run.memos), tools)
    assert outcome_of(lambda: ended(replayed)) == result
    assert not tools.ran


def ended(outcome: Outcome) -> Any:
    if isinstance(outcome, Raised):
        raise outcome.error
    assert isinstance(outcome, Returned)
    return outcome.value
