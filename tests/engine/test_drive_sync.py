"""The blocking shell alone: branches, ids in branches, code that swallows what unwinds it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from inngest_asgi.engine.outcomes import Raised
from inngest_asgi.errors import StepError, StepUsageError
from tests.engine import programs
from tests.engine.calls import Program, Request, Tools, call_blocking, data, failed, shown
from tests.engine.simulation import Simulation

RACE = programs.RACE


def group(*branches: str, mode: Any = None) -> Program:
    """Return a program with a group of branches, each a text of step ids; "(ab)" is a group."""

    async def branch(tools: Tools, text: str) -> None:
        for at, one in enumerate(text):
            if one == "(":
                inner = text[at + 1 : text.index(")")]
                await tools.group.parallel([partial(branch, tools, id) for id in inner])
                return await branch(tools, text[text.index(")") + 1 :])
            await tools.step.run(one, tools.body(one))
        return None

    async def program(tools: Tools) -> Any:
        options = {} if mode is None else {"parallel_mode": mode}
        *inside, after = branches
        await tools.group.parallel([partial(branch, tools, one) for one in inside], **options)
        await branch(tools, after)
        return "returned"

    return program


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(group("a", "a", "a", ""), id="first-steps"),
        pytest.param(group("ab", "ab", ""), id="same-places"),
        pytest.param(group("aa", "b", ""), id="in-one-branch"),
        pytest.param(group("ab", "cb", "d", "ab"), id="after-the-group"),
        pytest.param(group("a(bb)c", "a(bb)c", ""), id="groups-in-branches"),
        pytest.param(group("a", "a", "aa", mode=RACE), id="race-first-steps"),
        pytest.param(group("ab", "cd", "b", mode=None), id="after-a-group-in-wait-mode"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_ids_repeat_where_each_call_counts_them_alike(program: Program, seed: int) -> None:
    assert Simulation(call_blocking, program, seed=seed).run() == "returned"


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(group("ab", "b", ""), id="other-places"),
        pytest.param(group("b", "ab", ""), id="other-places-first"),
        pytest.param(group("aa", "a", ""), id="twice-and-once"),
        pytest.param(group("a(bc)d", "ad", ""), id="behind-a-group"),
        pytest.param(group("ab", "ab", "", mode=RACE), id="race-second-steps"),
        pytest.param(group("a(bb)", "c(bb)", "", mode=RACE), id="race-groups-in-branches"),
        pytest.param(group("ab", "c", "b", mode=RACE), id="after-a-race"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_ids_that_calls_would_count_differently_are_refused(program: Program, seed: int) -> None:
    """Or one branch would get what another one's step returned."""
    with pytest.raises(StepUsageError, match=r"is used by several branches .* ids of their own"):
        Simulation(call_blocking, program, seed=seed).run()


def test_branches_of_which_one_sleeps_first_are_refused() -> None:
    with pytest.raises(StepUsageError, match="Step id 'store'"):
        Simulation(call_blocking, programs.uneven_branches).run()


def test_the_first_error_of_the_listed_branches_is_raised(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.group.parallel(
            [partial(tools.step.run, one, tools.body(one)) for one in "abc"]
        )

    memos = {"c": failed("Third"), "b": failed("Second"), **data(a=1)}
    outcome = call_blocking(program, Request(memos), tools)
    assert isinstance(outcome, Raised)
    assert isinstance(outcome.error, StepError)
    assert outcome.error.name == "Second"


def test_an_error_waits_for_parked_siblings(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.group.parallel(
            [partial(tools.step.run, one, tools.body(one)) for one in "ab"]
        )

    outcome = call_blocking(program, Request({"a": failed()}), tools)
    assert shown(outcome) == ['StepRun b = "b"']


def test_an_exit_in_a_branch_ends_the_function(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        async def leave() -> None:
            raise SystemExit(1)

        return await tools.group.parallel([leave])

    assert shown(call_blocking(program, Request(), tools)) == {"raised": "SystemExit"}


def test_a_branch_that_swallows_is_parked_all_the_same(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        async def branch() -> str:
            for name in "aab":
                try:
                    await tools.step.run(name, tools.body(name))
                except BaseException as error:  # noqa: BLE001 - that is the point
                    tools.sent.append(type(error).__name__)
            return "false"

        return await tools.group.parallel([branch])

    assert shown(call_blocking(program, Request(), tools)) == ['StepRun a = "a"']
    assert tools.sent == ["Parked"] * 3


def test_a_branch_that_turns_unwinding_into_an_error_is_parked_all_the_same(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        async def branch() -> None:
            try:
                await tools.step.run("a", tools.body("a"))
            except BaseException:  # noqa: BLE001 - that is the point
                raise ValueError("false") from None

        return await tools.group.parallel([branch, partial(tools.step.sleep, "nap", "1s")])

    assert shown(call_blocking(program, Request(), tools)) == ["StepPlanned a", "Sleep nap"]


def test_a_target_in_a_branch_ends_the_call_at_once(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.group.parallel(
            [partial(tools.step.run, one, tools.body(one)) for one in "abc"]
        )

    outcome = call_blocking(program, Request(target="b"), tools)
    assert shown(outcome) == ['StepRun b = "b"']
    assert tools.ran == {"b": 1}


def test_a_target_whose_branch_swallows_is_not_run_once_more_for_its_siblings(
    tools: Tools,
) -> None:
    async def program(tools: Tools) -> Any:
        async def swallowing() -> None:
            try:
                await tools.step.run("b", tools.body("b"))
            except BaseException as error:  # noqa: BLE001 - that is the point
                tools.sent.append(type(error).__name__)

        parked = partial(tools.step.run, "a", tools.body("a"))
        return await tools.group.parallel([parked, swallowing])

    outcome = call_blocking(program, Request(target="b"), tools)
    assert shown(outcome) == ['StepRun b = "b"']
    assert (tools.ran, tools.sent) == ({"b": 1}, ["Answered"])
