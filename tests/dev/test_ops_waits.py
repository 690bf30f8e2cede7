"""Steps that wait for an event, a signal or another function: what one turn makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.dev.answers import Answer, Reported, interpret
from inngest_asgi.dev.ops import apply_ops
from inngest_asgi.dev.records import Job, JobKind, Match, MatchKind, Memo, Run, StoredEvent
from inngest_asgi.dev.turn import Turn
from inngest_asgi.wire.codec import dumps, loads
from tests.dev.fakes import (
    op,
    planned,
    ran,
    sha1,
)

NOW = 1_735_689_600.0
A, B, C = sha1("a"), sha1("b"), sha1("c")


def running() -> Run:
    event = StoredEvent("E", "E", "shop/paid", 0, NOW, b'{"name":"shop/paid","data":{"id":7}}')
    return Run("R", "F", event, NOW, status=RunStatus.RUNNING, request_version=2)


def report(run: Run, *reported: dict[str, Any], holder: Job | None = None) -> Turn:
    """Report ops in a call of the whole function, while somebody may wait for each signal."""
    job = Job("R-start", "R", JobKind.CALL, None, NOW, leased=True)
    run.jobs[job.id] = job
    made = Turn(run, job, NOW, 5, lambda: 0.0)
    if holder is not None:
        made.waiting_for = lambda _name: holder
    outcome = interpret(Answer(206, {"x-inngest-sdk": "fake"}, dumps(list(reported))), NOW)
    assert isinstance(outcome, Reported)
    apply_ops(made, outcome)
    return made


def wait_event(name: str = "a", **opts: Any) -> dict[str, Any]:
    return op("WaitForEvent", name, opts={"event": "shop/shipped", "timeout": "1h"} | opts)


def wait_signal(name: str = "a", **opts: Any) -> dict[str, Any]:
    return op("WaitForSignal", name, opts={"signal": "go", "timeout": "1h"} | opts)


def invoke(name: str = "a", **opts: Any) -> dict[str, Any]:
    given = {"function_id": "shop-child", "payload": {"data": {"n": 1}}} | opts
    return op("InvokeFunction", name, opts=given)


@pytest.mark.parametrize(
    ("reported", "match"),
    [
        (wait_event(), Match(MatchKind.EVENT, "shop/shipped")),
        (
            {"op": "WaitForEvent", "id": A, "name": "shop/other", "opts": {"timeout": "1h"}},
            Match(MatchKind.EVENT, "shop/other"),
        ),
        (
            wait_event(**{"if": "event.data.id == async.data.id"}),
            Match(
                MatchKind.EVENT,
                "shop/shipped",
                "event.data.id == async.data.id",
                '{"data":{"id":7}}',
            ),
        ),
        (wait_signal(), Match(MatchKind.SIGNAL, "go")),
        (invoke(timeout="1h"), Match(MatchKind.INVOKE, f"R.{A}")),
    ],
    ids=["event", "event-in-name", "expression", "signal", "invoke"],
)
def test_what_a_step_waits_for(reported: dict[str, Any], match: Match) -> None:
    made = report(running(), reported)
    (job,) = made.added
    assert (job.id, job.kind, job.step_id) == (f"R-{A}", JobKind.WAIT, A)
    assert (job.match, job.due) == (match, NOW + 3600)


YEAR = 365 * 86_400


@pytest.mark.parametrize(
    ("reported", "seconds"),
    [
        (wait_event(timeout=""), 0),
        (wait_event(timeout="366d"), 366 * 86_400),
        (wait_event(timeout="2025-01-01T00:01:00Z"), 60),
        (wait_event(timeout="2020-01-01T00:00:00Z"), 0),
        (wait_signal(timeout=""), YEAR),
        (wait_signal(timeout=None), YEAR),
        (invoke(), YEAR),
        (invoke(timeout=None), YEAR),
        (invoke(timeout=""), YEAR),
        (invoke(timeout="90s"), 90),
    ],
)
def test_when_a_wait_times_out(reported: dict[str, Any], seconds: float) -> None:
    (job,) = report(running(), reported).added
    assert job.due == NOW + seconds


@pytest.mark.parametrize(
    "reported",
    [wait_event(timeout="367d"), wait_signal(timeout="9000h"), invoke(timeout="2030-01-01")],
    ids=["event", "signal", "invoke"],
)
def test_a_wait_of_more_than_366_days_fails_the_run(reported: dict[str, Any]) -> None:
    run = running()
    made = report(run, reported, ran("b"))
    assert run.status is RunStatus.FAILED
    assert loads(run.output or b"")["name"] == "InngestErrTimeoutTooLong"
    assert (made.added, run.jobs) == ([], {})


@pytest.mark.parametrize("late", [wait_event("b"), wait_signal("b"), invoke("b")])
def test_a_run_that_failed_waits_for_nothing(late: dict[str, Any]) -> None:
    made = report(running(), wait_event("a", timeout="367d"), late)
    assert (made.added, made.invoked, made.replaced) == ([], [], [])
    assert [kind for kind, _ in made.happened] == ["run_ended"]


def test_what_an_event_brings_counts_as_state() -> None:
    run = running()
    (job,) = report(run, wait_event()).added
    job.value = b"1" * 11
    made = Turn(run, job, NOW, 5, lambda: 0.0, max_state=10)
    made.woke()
    assert loads(run.output or b"")["name"] == "InngestErrStateOverflowed"
    assert made.added == []


def test_a_wait_with_an_expression_that_is_none_fails_the_run() -> None:
    run = running()
    report(run, wait_event(**{"if": "event.data.id =="}))
    assert run.status is RunStatus.FAILED
    assert "event.data.id ==" in loads(run.output or b"")["message"]


@pytest.mark.parametrize(
    ("reported", "says"),
    [
        (op("WaitForEvent", "a", opts={"event": 1}) | {"name": ""}, "without a name"),
        (wait_event(timeout=5), "'timeout' of step 'a' is no text"),
        (op("WaitForEvent", "a", opts={"event": "b", "if": 1}), "'if' of step 'a' is no text"),
        (wait_event(timeout="soon"), "no readable time"),
        (wait_signal(signal=""), "without a name"),
        (wait_signal(conflict="maybe"), "neither by 'fail' nor by 'replace'"),
        (wait_signal(timeout=5), "'timeout' of step 'a' is no text"),
        (wait_signal(timeout="soon"), "no readable time"),
        (invoke(function_id=""), "without an id"),
        (invoke(payload=None), "payload that is no object"),
        (invoke(payload=[1]), "payload that is no object"),
        (invoke(payload={"data": 1}), "'data' that is no object"),
        (invoke(payload={"user": 1}), "'user' that is no object"),
        (invoke(payload={"meta": 1}), "'meta' that is no object"),
        (invoke(timeout=5), "'timeout' of step 'a' is no text"),
        (invoke(timeout="soon"), "no readable time"),
    ],
)
def test_a_wait_that_makes_no_sense_is_a_failed_attempt(
    reported: dict[str, Any], says: str
) -> None:
    run = running()
    made = report(run, ran("b", 1), reported)
    assert made.retried
    assert run.memos == {}
    assert says in made.happened[-1][1]["error"]["message"]


@pytest.mark.parametrize("reported", [wait_event(), wait_signal(), invoke()])
def test_a_wait_that_is_pending_or_over_is_not_looked_at_again(reported: dict[str, Any]) -> None:
    run = running()
    (job,) = report(run, reported, planned("b")).added[:1]
    other = {**reported, "opts": {**reported["opts"], "timeout": "900d"}}
    again = report(run, other, planned("b"), holder=job)
    assert (again.added, again.invoked, again.replaced) == ([], [], [])
    run.jobs.pop(job.id)
    run.memos[A] = Memo(A, "a", "any", b"null")
    assert report(run, other, planned("b")).added == []
    assert run.status is RunStatus.RUNNING


def test_waits_for_events_are_handled_before_the_other_ops() -> None:
    made = report(running(), planned("b"), invoke("c"), wait_event("a"))
    assert [job.step_id for job in made.added] == [A, B, C]


HOLDER = Job("Q-x", "Q", JobKind.WAIT, "x", NOW + 60, match=Match(MatchKind.SIGNAL, "go"))


@pytest.mark.parametrize("conflict", ["fail", "", None], ids=["fail", "empty", "default"])
def test_a_signal_that_another_run_waits_for_fails_the_run(conflict: str | None) -> None:
    run = running()
    report(run, wait_signal(conflict=conflict), holder=HOLDER)
    assert run.status is RunStatus.FAILED
    message = "Signal conflict; signal wait already exists for another run"
    assert loads(run.output or b"")["message"] == message


def test_a_wait_for_a_signal_may_take_the_place_of_another() -> None:
    made = report(running(), wait_signal(conflict="replace"), holder=HOLDER)
    assert made.replaced == [HOLDER]
    assert [job.match for job in made.added] == [Match(MatchKind.SIGNAL, "go")]


def test_two_waits_of_one_response_are_in_conflict_too() -> None:
    run = running()
    report(run, wait_signal("a"), wait_signal("b"))
    assert run.status is RunStatus.FAILED
    run = running()
    made = report(run, wait_signal("a"), wait_signal("b", conflict="replace"))
    assert made.replaced == [made.added[0]]


@pytest.mark.parametrize(
    ("reported", "told"),
    [
        (wait_event(), {"event": "shop/shipped"}),
        (wait_event(**{"if": "true"}), {"event": "shop/shipped", "if": "true"}),
        (wait_signal(), {"signal": "go"}),
    ],
    ids=["event", "expression", "signal"],
)
def test_timelines_tell_what_a_step_waits_for(
    reported: dict[str, Any], told: dict[str, Any]
) -> None:
    ((kind, details),) = report(running(), reported).happened
    assert (kind, details["input"], details["until"]) == ("step_waiting", told, NOW + 3600)


@pytest.mark.parametrize(
    ("version", "race", "calls_between"),
    [(2, False, 0), (2, True, 1), (1, False, 1), (1, True, 1)],
    ids=["2-wait", "2-race", "1-wait", "1-race"],
)
@pytest.mark.parametrize("kind", ["WaitForEvent", "WaitForSignal", "InvokeFunction", "Sleep"])
def test_when_the_function_is_called_again(
    kind: str, version: int, *, race: bool, calls_between: int
) -> None:
    mode = {"parallelMode": "race"} if race else {}
    made = {
        "WaitForEvent": wait_event(**mode),
        "WaitForSignal": wait_signal(**mode),
        "InvokeFunction": invoke(**mode),
        "Sleep": op("Sleep", "a", opts={"duration": "1h"} | mode),
    }[kind]
    run = running()
    run.request_version = version
    (job,) = report(run, made, planned("b")).added[:1]
    assert job.step_id == A
    job.value = b'{"data":1}'
    first = Turn(run, job, NOW, 5, lambda: 0.0)
    first.woke()
    assert (run.memos[A].op, run.memos[A].value) == (kind, b'{"data":1}')
    assert len(first.added) == calls_between
    for discovery in first.added:
        del run.jobs[discovery.id]
    last = Turn(run, run.jobs[f"R-{B}-plan"], NOW, 5, lambda: 0.0)
    step = interpret(Answer(206, {"x-inngest-sdk": "fake"}, dumps([ran("b")])), NOW)
    assert isinstance(step, Reported)
    apply_ops(last, step)
    assert [job.step_id for job in last.added] == [None]
