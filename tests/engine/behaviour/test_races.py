"""Races, time limits and abandoned steps in async functions (engine rules 2, 3, 5, 6, 8, 11)."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from inngest_asgi.testing import ManualClock
from tests.engine.calls import Request, Tools, call_async, data, drive, failed, shown


async def first_of(tools: Tools, names: str) -> Any:
    tasks = {asyncio.create_task(tools.step.run(one, tools.body(one)), name=one) for one in names}
    done, lost = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for one in lost:
        one.cancel()
    return sorted(task.get_name() for task in done)


@pytest.mark.parametrize("listed", ["abc", "bca", "cba"])
@pytest.mark.parametrize("finished", ["abc", "bca", "cab"])
def test_a_race_replays_to_the_same_winner_however_it_is_listed(
    tools: Tools, listed: str, finished: str
) -> None:
    request = Request(data(**dict.fromkeys(finished, 1)))
    outcome = call_async(lambda tools: first_of(tools, listed), request, tools)
    assert shown(outcome) == {"returned": [finished[0]]}


async def going_on_after_a_race(tools: Tools) -> Any:
    won = await first_of(tools, "abc")
    return [*won, await tools.step.run("end", tools.body("end"))]


def test_losers_hold_up_nothing_on_replay(tools: Tools) -> None:
    request = Request(data(b=1, a=2, c=3, end="end"))
    outcome = call_async(going_on_after_a_race, request, tools)
    assert shown(outcome) == {"returned": ["b", "end"]}


def test_losers_that_end_after_the_next_step_do_not_matter(tools: Tools) -> None:
    request = Request(data(b=1, end="end", a=2, c=3))
    outcome = call_async(going_on_after_a_race, request, tools)
    assert shown(outcome) == {"returned": ["b", "end"]}


def test_a_target_that_lost_the_race_still_runs(tools: Tools) -> None:
    outcome = call_async(going_on_after_a_race, Request(data(b=1), target="a"), tools)
    assert shown(outcome) == ['StepRun a = "a"']
    assert tools.ran == {"a": 1}


def test_what_is_unresolved_beside_a_decided_race_forbids_running_in_place(tools: Tools) -> None:
    outcome = call_async(going_on_after_a_race, Request(data(b=1)), tools)
    assert shown(outcome) == ["StepPlanned end"]
    assert not tools.ran


def test_a_race_of_which_all_ended_lets_the_next_step_run_in_place(tools: Tools) -> None:
    outcome = call_async(going_on_after_a_race, Request(data(b=1, a=2, c=3)), tools)
    assert shown(outcome) == ['StepRun end = "end"']


async def abandoning(tools: Tools) -> Any:
    task = asyncio.create_task(tools.step.run("given up", tools.body("given up")))
    await asyncio.sleep(0)
    task.cancel()
    return "returned"


def test_a_step_cancelled_before_its_first_report_is_never_reported(tools: Tools) -> None:
    assert shown(call_async(abandoning, Request(), tools)) == {"returned": "returned"}


async def abandoning_a_memo(tools: Tools) -> Any:
    await abandoning(tools)
    return [await tools.step.run(f"s{n}", tools.body(f"s{n}")) for n in range(3)]


def test_a_memo_nobody_waits_for_any_more_is_passed_over(tools: Tools) -> None:
    memos = {"given up": {"data": 0}, **data(s0=0, s1=1, s2=2)}
    outcome = call_async(abandoning_a_memo, Request(memos), tools)
    assert shown(outcome) == {"returned": [0, 1, 2]}


async def cancelling_what_just_resolved(tools: Tools) -> Any:
    """Cancel a task in the turn in which its memo arrives."""
    slow = asyncio.create_task(tools.step.run("a", tools.body("a")))
    quick = asyncio.create_task(tools.step.run("b", tools.body("b")))
    quick.add_done_callback(lambda _: slow.cancel())
    return await asyncio.gather(slow, quick, return_exceptions=True)


def test_cancelling_beside_a_resolved_memo_is_plain_asyncio(tools: Tools) -> None:
    outcome = call_async(cancelling_what_just_resolved, Request(data(b=1, a=2)), tools)
    assert [type(one) for one in shown(outcome)["returned"]] == [asyncio.CancelledError, int]


# Time limits.


async def limited(tools: Tools, started: asyncio.Event, finish: asyncio.Event) -> Any:
    """Give up waiting for a step once its body runs; then let the body end."""

    async def body() -> str:
        started.set()
        await finish.wait()
        tools.ran["body"] += 1
        return "ended"

    step = asyncio.create_task(tools.step.run("slow", body))
    await started.wait()
    step.cancel()
    await asyncio.wait([step])
    finish.set()
    return await tools.step.run("next", tools.body("next"))


def test_a_started_body_ends_and_is_reported_whatever_its_awaiter_does(tools: Tools) -> None:
    started, finish = asyncio.Event(), asyncio.Event()
    outcome = call_async(lambda tools: limited(tools, started, finish), Request(), tools)
    assert shown(outcome) == ['StepRun slow = "ended"']
    assert tools.ran == {"body": 1}


@pytest.mark.parametrize("limit", [asyncio.wait_for, None], ids=["wait_for", "timeout"])
@pytest.mark.parametrize(
    ("request_", "outcome"),
    [
        (Request(), ["Sleep long"]),
        (Request({"long": None}), ['StepRun end = "end"']),
        (Request({"long": None, **data(end=1)}), {"returned": 1}),
    ],
    ids=["first", "slept", "ended"],
)
def test_a_limit_that_is_not_reached_changes_nothing(
    tools: Tools, limit: Any, request_: Request, outcome: Any
) -> None:
    async def program(tools: Tools) -> Any:
        if limit is not None:
            await limit(tools.step.sleep("long", "1d"), 60)
        else:
            async with asyncio.timeout(60):
                await tools.step.sleep("long", "1d")
        return await tools.step.run("end", tools.body("end"))

    assert shown(call_async(program, request_, tools)) == outcome


async def timed_out(tools: Tools) -> Any:
    try:
        async with asyncio.timeout(0):
            await tools.step.run("slow", tools.body("slow"))
    except TimeoutError:
        return await tools.step.run("instead", tools.body("instead"))


def test_a_limit_that_is_over_abandons_the_step(tools: Tools) -> None:
    assert shown(call_async(timed_out, Request(), tools)) == ["StepPlanned instead"]


# Groups in race mode.


async def race(tools: Tools) -> Any:
    winner = await tools.group.race(
        [
            lambda: tools.step.run("a", tools.body("a")),
            lambda: tools.step.run("b", tools.body("b")),
        ]
    )
    return [winner, await tools.step.run("end", tools.body("end"))]


def test_a_racer_that_fails_first_decides(tools: Tools) -> None:
    outcome = call_async(race, Request({"b": failed(), **data(a=1)}), tools)
    assert shown(outcome) == {"raised": "StepError"}


def test_losers_that_fail_are_no_news(tools: Tools, caplog: pytest.LogCaptureFixture) -> None:
    async def program(tools: Tools) -> Any:
        async def fail(name: str) -> Any:
            raise ValueError(name)

        return await tools.group.race([lambda: fail("first"), lambda: fail("second")])

    assert shown(call_async(program, Request(), tools)) == {"raised": "ValueError"}
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_a_loser_may_clean_up_in_a_step(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        async def tidy() -> Any:
            try:
                await tools.step.run("slow", tools.body("slow"))
            finally:
                await tools.step.run("tidy", tools.body("tidy"))

        return await tools.group.race([tidy, lambda: tools.step.run("quick", tools.body("quick"))])

    outcome = call_async(program, Request(data(quick=1)), tools)
    assert shown(outcome) == ["StepPlanned tidy race"]


def test_a_race_inside_a_cancelled_task_cancels_its_racers(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        task = asyncio.create_task(race(tools))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return await tools.step.run("end", tools.body("end"))

    assert shown(call_async(program, Request(), tools)) == ["StepPlanned end"]


def test_steps_outside_of_a_race_block_are_not_in_race_mode(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        before = asyncio.create_task(tools.step.run("before", tools.body("before")))
        with tools.group.race():
            inside = asyncio.create_task(tools.step.run("inside", tools.body("inside")))
        after = tools.step.run("after", tools.body("after"))
        return await asyncio.gather(before, inside, after)

    assert sorted(shown(call_async(program, Request(), tools))) == [
        "StepPlanned after",
        "StepPlanned before",
        "StepPlanned inside race",
    ]


def test_a_failure_in_race_mode_says_so(tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        with tools.group.race():
            return await tools.step.run("a", tools.body("a", ValueError("no")))

    outcome = call_async(program, Request(target="a"), tools)
    assert shown(outcome) == ["StepError a ! ValueError race"]


# The stall rule.


async def waiting_for(tools: Tools, event: asyncio.Event) -> Any:
    async def aside() -> Any:
        await event.wait()
        return await tools.step.run("late", tools.body("late"))

    return await asyncio.gather(tools.step.run("a", tools.body("a")), aside())


def stall(tools: Tools, seconds: float, *, announced: bool) -> Any:
    """Target a step that hangs on an event, and let time go by."""
    clock = ManualClock()

    async def call() -> Any:
        event = asyncio.Event()
        task = asyncio.create_task(
            drive(lambda tools: waiting_for(tools, event), Request(target="late"), tools, clock)
        )
        await clock.settle()
        clock.advance(seconds)
        if announced:
            event.set()
        await clock.settle()
        ended = shown(task.result()) if task.done() else None
        task.cancel()
        return ended

    return asyncio.run(call())


def test_a_target_may_come_late(tools: Tools) -> None:
    assert stall(tools, 9.9, announced=True) == ['StepRun late = "late"']


def test_a_target_is_waited_for_while_there_is_grace(tools: Tools) -> None:
    assert stall(tools, 9.9, announced=False) is None


def test_a_target_is_not_waited_for_when_the_grace_is_over(tools: Tools) -> None:
    assert stall(tools, 10, announced=False) == {"missing": 1}


async def handing_over(tools: Tools) -> Any:
    """Return at once, while a task comes to its step some turns later."""

    async def aside() -> Any:
        async def level(depth: int) -> Any:
            if depth:
                return await asyncio.gather(level(depth - 1))
            return await tools.step.run("deep", tools.body("deep"))

        return await level(3)

    tools.sent.append(asyncio.create_task(aside()))
    await tools.step.run("a", tools.body("a"))


def test_a_target_of_a_task_left_behind_is_reached_when_the_function_is_quicker(
    tools: Tools,
) -> None:
    """Its sibling's memo lets the function return before the task has come to the target."""
    assert sorted(shown(call_async(handing_over, Request(), tools))) == [
        "StepPlanned a",
        "StepPlanned deep",
    ]
    outcome = call_async(handing_over, Request(data(a=1), target="deep"), tools)
    assert shown(outcome) == ['StepRun deep = "deep"']


@pytest.mark.parametrize("ended", [False, True], ids=["waiting", "returned"])
def test_a_target_that_is_recorded_has_nothing_to_report(tools: Tools, *, ended: bool) -> None:
    async def program(tools: Tools) -> Any:
        await tools.step.run("a", tools.body("a"))
        if not ended:
            await tools.step.run("b", tools.body("b"))

    assert shown(call_async(program, Request(data(a=1), target="a"), tools)) == []
    assert not tools.ran


def test_a_target_that_is_recorded_waits_for_code_that_waits(tools: Tools) -> None:
    clock = ManualClock()

    async def program(tools: Tools) -> Any:
        await tools.step.run("a", tools.body("a"))
        await clock.sleep(30)

    async def call() -> Any:
        return shown(
            await clock.until(drive(program, Request(data(a=1), target="a"), tools, clock))
        )

    assert asyncio.run(call()) == []
