"""What single ops do to a run, without a server: the rows of the op table."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.answers import Answer, Failed, Reported, Returned, interpret
from inngest_asgi.dev.ops import OPS, apply_ops
from inngest_asgi.dev.records import Job, JobKind, Memo, Run, RunStatus, StoredEvent
from inngest_asgi.dev.turn import Turn
from inngest_asgi.wire.codec import dumps, loads
from tests.dev.fakes import op, planned, ran, sha1

NOW = 1_735_689_600.0
A, B = sha1("a"), sha1("b")


def running(**state: Any) -> Run:
    event = StoredEvent("E", "E", "a", 0, NOW, b"{}")
    run = Run("R", "F", event, NOW, status=RunStatus.RUNNING, request_version=2)
    for key, value in state.items():
        setattr(run, key, value)
    return run


def turn(run: Run, *, target: str | None = None, attempt: int = 0, max_attempts: int = 5) -> Turn:
    """A turn of the job that calls the whole function, or the target."""
    name = f"R-{target}-plan" if target else "R-start"
    job = Job(name, "R", JobKind.CALL, target, NOW, attempt, leased=True)
    run.jobs[job.id] = job
    return Turn(run, job, NOW, max_attempts, lambda: 0.0)


def report(made: Turn, *ops: dict[str, Any], **headers: str) -> Turn:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    answer = Answer(206, {"x-inngest-sdk": "fake"} | named, dumps(list(ops)))
    outcome = interpret(answer, NOW)
    assert isinstance(outcome, Reported)
    apply_ops(made, outcome)
    return made


def added(made: Turn) -> list[str]:
    return [job.id for job in made.added]


@pytest.mark.parametrize("name", ["StepRun", "steprun", "STEPRUN"])
def test_ops_are_known_in_any_case(name: str) -> None:
    run = running()
    report(turn(run), {**ran("a", 1), "op": name})
    assert run.memos[A].value == b'{"data":1}'


@pytest.mark.parametrize(
    ("reported", "memo"),
    [
        (ran("a", {"x": 1}), {"data": {"x": 1}}),
        (ran("a", None), {"data": None}),
        (op("StepRun", "a"), {"data": None}),
        (op("Step", "a", data={"x": 1}), {"x": 1}),
        (
            op("StepFailed", "a", error={"name": "E", "message": "m", "noRetry": True}),
            {"error": {"name": "E", "message": "m"}},
        ),
    ],
    ids=["result", "null", "no-data", "legacy", "failed"],
)
def test_the_shape_of_memos(reported: dict[str, Any], memo: Any) -> None:
    run = running()
    made = report(turn(run), reported)
    assert loads(run.memos[A].value) == memo
    assert [memo.step_id for memo in made.memos] == [A]
    assert added(made) == ["R-discovery-1"]
    assert [job.id for job in made.gone] == ["R-start"]


@pytest.mark.parametrize(
    "repeated",
    [
        ran("a", 2),
        planned("a"),
        op("StepFailed", "a", error={"name": "E", "message": "m"}),
        op("Sleep", "a", opts={"duration": "1s"}),
    ],
    ids=lambda item: item["op"],
)
def test_a_step_that_has_a_result_keeps_it(repeated: dict[str, Any]) -> None:
    memo = Memo(A, "a", "StepRun", b'{"data":1}')
    run = running(memos={A: memo})
    made = report(turn(run), repeated)
    assert run.memos == {A: memo}
    assert made.memos == []
    assert added(made) == ["R-discovery-1"]


@pytest.mark.parametrize(
    "pending",
    [planned("b"), op("Sleep", "b", opts={"duration": "1h"})],
    ids=lambda item: item["op"],
)
def test_reporting_again_what_is_pending_changes_nothing(pending: dict[str, Any]) -> None:
    run = running()
    report(turn(run), planned("a"), pending)
    jobs = dict(run.jobs)
    made = report(turn(run), planned("a"), pending)
    assert added(made) == []
    assert made.happened == []
    assert run.jobs == jobs


def test_the_name_of_a_sleep_is_its_time_when_it_has_no_options() -> None:
    made = report(turn(running()), {"op": "Sleep", "id": A, "name": "90s", "displayName": "a"})
    (job,) = made.added
    assert (job.kind, job.due, job.name) == (JobKind.SLEEP, NOW + 90, "a")


def test_a_discovery_that_waits_is_shared() -> None:
    run = running()
    first = report(turn(run), ran("a"))
    second = report(turn(run), ran("b"))
    assert (added(first), added(second)) == (["R-discovery-1"], [])


def test_a_discovery_of_a_finished_set_ends_the_need_to_plan() -> None:
    run = running()
    report(turn(run), planned("a"), planned("b"))
    assert run.force_plan
    report(turn(run, target=A), ran("a"))
    assert run.force_plan
    report(turn(run, target=B), ran("b"))
    assert not run.force_plan


def test_sets_do_not_wait_for_each_other() -> None:
    run = running()
    race = {"parallelMode": "race"}
    report(turn(run), planned("a", opts=race), op("Sleep", "nap", opts=race | {"duration": "9d"}))
    report(turn(run, target=A), ran("a", opts=race))
    discovery = run.jobs.pop("R-discovery-1")
    report(Turn(run, discovery, NOW, 5, lambda: 0.0), planned("b"))
    made = report(turn(run, target=B), ran("b"))
    assert added(made) == ["R-discovery-2"]


def test_a_newer_call_of_the_function_overtakes_one_that_waits_for_a_retry() -> None:
    run = running()
    old = Job("R-discovery-1", "R", JobKind.CALL, None, NOW + 900, attempt=2)
    run.jobs[old.id] = old
    made = report(turn(run), ran("a"))
    assert "R-discovery-1" in [job.id for job in made.gone]
    assert "R-discovery-1" not in run.jobs
    assert old.gone


def test_a_sleep_that_is_over_leaves_null() -> None:
    run = running(pending={A: 1})
    job = Job(f"R-{A}", "R", JobKind.SLEEP, A, NOW, name="nap")
    run.jobs[job.id] = job
    made = Turn(run, job, NOW, 5, lambda: 0.0)
    made.woke()
    assert run.memos[A].value == b"null"
    assert added(made) == list(run.jobs) == ["R-discovery-1"]
    assert made.gone == [job]


def test_a_sleep_whose_step_is_done_changes_nothing() -> None:
    memo = Memo(A, "a", "StepRun", b"1")
    run = running(memos={A: memo})
    made = Turn(run, Job(f"R-{A}", "R", JobKind.SLEEP, A, NOW), NOW, 5, lambda: 0.0)
    made.woke()
    assert run.memos == {A: memo}


def test_the_first_end_of_a_run_counts() -> None:
    run = running()
    made = turn(run)
    made.returned(Returned(b"1"))
    made.failed(Failed({"name": "E"}, final=True))
    made.discover()
    assert (run.status, run.output) == (RunStatus.COMPLETED, b"1")
    assert run.jobs == {}
    assert added(made) == []


def test_a_step_error_runs_out_of_attempts() -> None:
    run = running()
    error = op("StepError", "a", error={"name": "E", "message": "m"})
    report(turn(run, attempt=4), error)
    assert loads(run.memos[A].value) == {"error": {"name": "E", "message": "m"}}


def test_a_run_may_complete_beside_its_last_steps() -> None:
    run = running()
    made = report(turn(run), ran("a", 1), op("RunComplete", "complete", data={"ok": True}))
    assert (run.status, run.output) == (RunStatus.COMPLETED, b'{"ok":true}')
    assert [memo.step_id for memo in made.memos] == [A]
    assert made.ended
    assert run.jobs == {}


def test_an_app_may_ask_to_be_called_again() -> None:
    run = running()
    made = report(turn(run), op("DiscoveryRequest", "again"))
    assert added(made) == ["R-discovery-1"]
    assert (run.memos, run.pending) == ({}, {})


def test_how_long_a_step_took_is_told() -> None:
    made = report(turn(running()), ran("a", timing={"a": 1, "b": 2_500_000_000}))
    (recorded,) = made.happened
    assert recorded[1]["duration"] == 2.5


def test_the_table_knows_the_ops_of_the_protocol_so_far() -> None:
    steps = {"step", "steprun", "steperror", "stepfailed", "stepplanned", "sleep"}
    waits = {"waitforevent", "waitforsignal", "invokefunction", "gateway", "aigateway"}
    defers = {"deferadd", "deferabort"}
    assert set(OPS) == steps | waits | defers | {"none", "runcomplete", "discoveryrequest"}


def test_a_step_that_failed_after_the_end_of_its_run_leaves_no_job() -> None:
    run = running(pending={A: 1})
    end, error = op("RunComplete", "complete", data=1), op("StepError", "a", error={"name": "E"})
    made = report(turn(run, target=A), end, error)
    assert (run.status, made.added, run.jobs) == (RunStatus.COMPLETED, [], {})


def test_a_target_that_turns_out_to_sleep_is_not_asked_for_again() -> None:
    run = running()
    report(turn(run), planned("a"), planned("b"))
    made = report(turn(run, target=A), op("Sleep", "a", opts={"duration": "1h"}))
    assert added(made) == [f"R-{A}"]
    assert sorted(run.pending) == sorted([A, B])


def test_the_result_of_a_target_that_was_recorded_meanwhile_goes_on_with_the_run() -> None:
    nap = Job("R-nap", "R", JobKind.SLEEP, "nap", NOW + 9e6)
    memo = Memo(A, "a", "StepRun", b"1")
    run = running(memos={A: memo}, pending={"nap": 1}, jobs={nap.id: nap})
    made = report(turn(run, target=A), ran("a", 2))
    assert run.memos == {A: memo}
    assert added(made) == ["R-discovery-1"]
