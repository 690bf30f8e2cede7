"""The same requests to the same programs through both shells: the same outcomes."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from inngest_asgi.engine.ids import hash_id
from inngest_asgi.engine.outcomes import Raised, Report, TargetMissing
from inngest_asgi.errors import NonRetriableError, RetryAfterError, StepError
from tests.engine import programs, small
from tests.engine.calls import Program, Request, Shell, Tools, data, failed, shown, wire_ops


class Row(NamedTuple):
    """A request to a program, what it is answered, and the bodies that run."""

    name: str
    program: Program
    request: Request
    outcome: Any
    ran: str = ""


LAST = Request(attempt=3, max_attempts=4)
P = {f"p{n}": {"data": n} for n in range(4)}
PLANNED = [f"StepPlanned p{n}" for n in range(4)]
START = data(start="start")
FETCHED = {"fetch": {"data": "f0"}, "fetch:1": {"data": "f1"}, "fetch:2": {"data": "f2"}}
STORES = ["StepPlanned store", "StepPlanned store:1", "StepPlanned store:2"]
ONES = data(**{"one 0": 1})
RACES = [f"StepPlanned one {n} race" for n in range(3)]

ROWS = [
    Row("first-step", programs.sequence, Request(), ['StepRun a = "a"'], "a"),
    Row("sleep", programs.sequence, Request(data(a=1)), ["Sleep nap"]),
    Row(
        "after-a-sleep",
        programs.sequence,
        Request({**data(a=1), "nap": None}),
        ['StepRun b = "b"'],
        "b",
    ),
    Row(
        "replay",
        programs.sequence,
        Request({**data(a=1), "nap": None, **data(b=2)}),
        {"returned": [1, 2]},
    ),
    Row("sleep-until", small.sleep_until, Request(), ["Sleep nap"]),
    Row("slept-until", small.sleep_until, Request({"nap": None}), {"returned": "awake"}),
    Row("send-event", small.sending, Request(), ['StepRun send = ["01JEVENT"]']),
    Row("sent", small.sending, Request(data(send=["01J"])), {"returned": ["01J"]}),
    Row("plan-only", programs.sequence, Request(plan_only=True), ["StepPlanned a"]),
    Row("plan-only-sleep", programs.sequence, Request(data(a=1), plan_only=True), ["Sleep nap"]),
    Row("targeted", programs.sequence, Request(target="a"), ['StepRun a = "a"'], "a"),
    Row(
        "targeted-and-plan-only",
        programs.sequence,
        Request(target="a", plan_only=True),
        ['StepRun a = "a"'],
        "a",
    ),
    Row("target-is-a-sleep", programs.sequence, Request(data(a=1), target="nap"), ["Sleep nap"]),
    Row("target-behind-a-step", programs.sequence, Request(target="b"), {"missing": 1}),
    Row("target-of-no-step", small.returning, Request(target="b"), {"missing": 0}),
    Row("target-of-a-raise", small.raising, Request(target="b"), {"raised": "KeyError"}),
    Row("target-recorded", programs.sequence, Request(data(a=1), target="a"), []),
    Row("target-recorded-last", small.sending, Request(data(send=[]), target="send"), []),
    Row(
        "error",
        small.body_that_raises(ValueError("x")),
        Request(),
        ["StepError a ! ValueError"],
        "a",
    ),
    Row(
        "blocking-error",
        small.body_that_raises(ValueError("x"), blocking=True),
        Request(),
        ["StepError a ! ValueError"],
        "a",
    ),
    Row(
        "error-on-the-last-attempt",
        small.body_that_raises(ValueError("x")),
        LAST,
        ["StepFailed a ! ValueError"],
        "a",
    ),
    Row(
        "error-without-limit",
        small.body_that_raises(ValueError("x")),
        Request(attempt=99, max_attempts=None),
        ["StepError a ! ValueError"],
        "a",
    ),
    Row(
        "non-retriable",
        small.body_that_raises(NonRetriableError("x")),
        Request(),
        ["StepFailed a ! NonRetriableError"],
        "a",
    ),
    Row(
        "retry-after",
        small.body_that_raises(RetryAfterError("x", 1000)),
        Request(),
        ["StepError a ! RetryAfterError"],
        "a",
    ),
    Row(
        "keyboard-interrupt",
        small.body_that_raises(KeyboardInterrupt()),
        Request(),
        ["StepError a ! KeyboardInterrupt"],
        "a",
    ),
    Row(
        "blocking-system-exit",
        small.body_that_raises(SystemExit(2), blocking=True),
        Request(),
        ["StepError a ! SystemExit"],
        "a",
    ),
    Row("undumpable", small.undumpable, Request(), ["StepFailed a ! OutputError"], "a"),
    Row(
        "caught",
        programs.compensation,
        Request({"charge": failed()}),
        ['StepRun refund = "refund"'],
        "refund",
    ),
    Row(
        "compensated",
        programs.compensation,
        Request({"charge": failed("E", "m"), **data(refund=1)}),
        {"returned": ["E", "m", 1]},
    ),
    Row(
        "uncaught",
        small.body_that_raises(ValueError("x")),
        Request({"a": failed()}),
        {"raised": "StepError"},
    ),
    Row("wrapped", small.reraised_in_the_next, Request({"a": failed()}), {"raised": "ValueError"}),
    Row("nested", small.nested, Request(), ["StepFailed outer ! NestedStepError"]),
    Row(
        "nested-swallowed",
        small.nested_and_swallowed,
        Request(),
        ["StepFailed outer ! NestedStepError"],
    ),
    Row("second-use", programs.repeats, Request(data(a=0)), ['StepRun a:1 = "1"'], "1"),
    Row(
        "literal-collision",
        programs.repeats,
        Request({**data(a=0), "a:1": {"data": 1}}),
        ['StepRun a:2 = "2"'],
        "2",
    ),
    Row("arguments", small.async_body, Request(), ['StepRun a = {"args":[1],"k":2}'], "a"),
    Row("blocking-body", small.blocking_body, Request(), ['StepRun a = {"args":[1],"k":2}'], "a"),
    Row(
        "body-of-a-body",
        small.body_giving_a_coroutine,
        Request(),
        ['StepRun a = {"args":[7]}'],
        "a",
    ),
    Row(
        "input-override",
        small.async_body,
        Request({"a": {"input": [8, 9]}}, order=[]),
        ['StepRun a = {"args":[8,9],"k":2}'],
        "a",
    ),
    Row(
        "targeted-input-override",
        small.async_body,
        Request({"a": {"input": []}}, target="a", order=[]),
        ['StepRun a = {"args":[],"k":2}'],
        "a",
    ),
    Row("raise", small.raising, Request(), {"raised": "KeyError"}),
    Row("exit", small.leaving, Request(), {"raised": "SystemExit"}),
    Row("return", small.returning, Request(), {"returned": {"x": 1}}),
    Row("return-nothing", small.nothing, Request(), {"returned": None}),
    Row("bad-id", small.bad_id, Request(), {"raised": "ConfigError"}),
    Row("parallel", programs.parallel, Request(START), PLANNED),
    Row(
        "parallel-target",
        programs.parallel,
        Request(START, target="p2"),
        ['StepRun p2 = {"args":[2]}'],
        "p2",
    ),
    Row(
        "parallel-partly-done",
        programs.parallel,
        Request({**START, "p3": P["p3"], "p0": P["p0"]}),
        ["StepPlanned p1", "StepPlanned p2"],
    ),
    Row(
        "parallel-one-left",
        programs.parallel,
        Request({**START, "p3": P["p3"], "p0": P["p0"], "p2": P["p2"]}),
        ['StepRun p1 = {"args":[1]}'],
        "p1",
    ),
    Row(
        "parallel-one-left-in-flight",
        programs.parallel,
        Request({**START, "p3": P["p3"], "p0": P["p0"], "p2": P["p2"]}, plan_only=True),
        ["StepPlanned p1"],
    ),
    Row(
        "parallel-done",
        programs.parallel,
        Request({**P, **START}),
        {"returned": ["start", 0, 1, 2, 3]},
    ),
    Row(
        "branches",
        programs.parallel_branches,
        Request(),
        ["StepPlanned fetch", "StepPlanned fetch:1", "StepPlanned fetch:2"],
    ),
    Row("branches-go-on", programs.parallel_branches, Request(FETCHED), STORES),
    Row(
        "branch-target",
        programs.parallel_branches,
        Request(FETCHED, target="store:1"),
        ['StepRun store:1 = "store 1"'],
        "store 1",
    ),
    Row(
        "race-mode",
        programs.racing_branches,
        Request(),
        RACES,
    ),
    Row(
        "race-mode-goes-on",
        programs.racing_branches,
        Request(ONES),
        ["StepPlanned two 0 race", *RACES[1:]],
    ),
    Row(
        "race-mode-target",
        programs.racing_branches,
        Request(ONES, target="two 0"),
        ['StepRun two 0 = "two 0" race'],
        "two 0",
    ),
    Row("race-block", small.race_block, Request(), ["StepPlanned a race"]),
    Row("after-a-race-block", small.race_block, Request(data(a=1)), ["StepPlanned b"]),
    Row(
        "race",
        programs.race,
        Request(),
        ["StepPlanned 0.0 race", "StepPlanned 1.0 race", "StepPlanned 2.0 race"],
    ),
    Row("race-decided", programs.race, Request({"1.0": {"data": 1}}), ["StepPlanned end"]),
    Row(
        "race-with-two-ended",
        programs.race,
        Request({"1.0": {"data": "one"}, "0.0": {"data": 0}, "end": {"data": 2}}),
        {"returned": ["one", 2]},
    ),
    Row(
        "race-lost-by-the-target",
        programs.race,
        Request({"1.0": {"data": 1}}, target="0.0"),
        ['StepRun 0.0 = "0.0" race'],
        "0.0",
    ),
    Row(
        "race-against-sleep-lost",
        programs.race_against_sleep,
        Request({"limit": None}),
        ["StepPlanned end"],
    ),
    Row(
        "branch-failed",
        programs.failing_branch,
        Request({**data(good=1), "bad": failed()}),
        ['StepRun mend = "mend"'],
        "mend",
    ),
    Row("branch-raises", small.error_in_a_branch, Request(), {"raised": "NonRetriableError"}),
    Row("no-branches", small.no_branches, Request(), {"returned": ()}),
    Row("race-of-none", small.race_of_none, Request(), {"raised": "StepUsageError"}),
    Row("swallowing", programs.swallowing, Request(), ['StepRun a = "a"'], "a"),
    Row("swallowing-target", programs.swallowing, Request(target="b"), {"missing": 1}),
    Row("cleaning-up", small.cleaning_up, Request(), ['StepRun a = "a"'], "a"),
]


def in_order(outcome: Any) -> Any:
    """Return an outcome with its ops in an order of their own: announcing has one per shell."""
    return sorted(outcome) if isinstance(outcome, list) else outcome


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_both_shells_answer_alike(shell: Shell, tools: Tools, row: Row) -> None:
    outcome = shell(row.program, row.request, tools)
    assert in_order(shown(outcome)) == in_order(row.outcome)
    assert list(tools.ran) == ([row.ran] if row.ran else [])
    assert set(tools.ran.values()) <= {1}


def report(shell: Shell, tools: Tools, program: Program, request: Request) -> Report:
    outcome = shell(program, request, tools)
    assert isinstance(outcome, Report)
    return outcome


@pytest.mark.parametrize(
    ("error", "request_", "no_retry", "retry_after"),
    [
        pytest.param(ValueError("x"), Request(), False, None, id="to-retry"),
        pytest.param(ValueError("x"), LAST, True, None, id="last-attempt"),
        pytest.param(NonRetriableError("x"), Request(), True, None, id="non-retriable"),
        pytest.param(RetryAfterError("x", 90_000), Request(), False, "90", id="retry-after"),
        pytest.param(RetryAfterError("x", 1), LAST, True, None, id="no-later"),
    ],
)
def test_a_failing_step_says_if_and_when_to_try_again(
    shell: Shell,
    tools: Tools,
    error: Exception,
    request_: Request,
    *,
    no_retry: bool,
    retry_after: str | None,
) -> None:
    outcome = report(shell, tools, small.body_that_raises(error), request_)
    assert (outcome.no_retry, outcome.retry_after) == (no_retry, retry_after)
    assert outcome.error is error


def test_a_nested_step_fails_the_outer_one_for_good(shell: Shell, tools: Tools) -> None:
    outcome = report(shell, tools, small.nested, Request())
    assert outcome.no_retry
    assert "Nested steps are not supported" in outcome.ops[0]["error"]["message"]


def test_a_step_that_ran_says_when(shell: Shell, tools: Tools) -> None:
    ops = wire_ops(report(shell, tools, programs.sequence, Request()))
    assert ops[0]["timing"] == {"a": 1_735_689_600_000_000_000, "b": 0}


def test_an_uncaught_step_error_keeps_its_name(shell: Shell, tools: Tools) -> None:
    outcome = shell(small.async_body, Request({"a": failed("CardError", "declined")}), tools)
    assert isinstance(outcome, Raised)
    assert isinstance(outcome.error, StepError)
    assert (outcome.error.name, outcome.error.message) == ("CardError", "declined")


def test_a_missing_target_names_itself_and_what_was_found(shell: Shell, tools: Tools) -> None:
    outcome = shell(programs.sequence, Request(target="b"), tools)
    assert outcome == TargetMissing(hash_id("b"), [hash_id("a")])


def test_events_are_sent_once_and_as_given(shell: Shell, tools: Tools) -> None:
    shell(small.sending, Request(), tools)
    assert [[one.name for one in events] for events in tools.sent] == [["e"]]


def test_swallowing_in_a_branch_announces_nothing_on_false_data(shell: Shell, tools: Tools) -> None:
    outcome = shell(programs.swallowing_branches, Request(), tools)
    assert in_order(shown(outcome)) == ["StepPlanned a", "StepPlanned c"]
