"""What the server tells everybody, and the step that waits, when a run has ended."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.endings import (
    correlation_id,
    ending_events,
    refused_event,
    result_memo,
)
from inngest_asgi.dev.records import Run, RunStatus, StoredEvent
from inngest_asgi.wire.codec import dumps, loads

NOW = 1_735_689_600.0
ERROR = {"name": "Error", "message": "no"}


def event(name: str = "shop/paid", **data: Any) -> StoredEvent:
    body = dumps({"name": name, "data": data, "id": "E", "ts": 1})
    return StoredEvent("E", "E", name, 1, NOW, body)


def ended(status: RunStatus, output: Any, trigger: StoredEvent | None = None) -> Run:
    run = Run("R", "F", trigger or event(), NOW, status=status)
    run.output = None if output is None else dumps(output)
    return run


def told(run: Run) -> list[dict[str, Any]]:
    return [loads(one.body) for one in ending_events(run, "shop-pay", "I1", "I2", NOW)]


def test_a_completed_run_is_told_of_once() -> None:
    assert told(ended(RunStatus.COMPLETED, {"ok": True})) == [
        {
            "name": "inngest/function.finished",
            "data": {
                "function_id": "shop-pay",
                "run_id": "R",
                "event": loads(event().body),
                "events": [loads(event().body)],
                "result": {"ok": True},
                "_inngest": {"status": "Completed"},
            },
            "user": {},
            "id": "I1",
            "ts": int(NOW * 1000),
        }
    ]


@pytest.mark.parametrize(
    ("status", "name", "event_id"),
    [
        (RunStatus.FAILED, "inngest/function.failed", "R"),
        (RunStatus.CANCELLED, "inngest/function.cancelled", "I2"),
    ],
)
def test_a_run_without_a_result_is_told_of_twice(
    status: RunStatus, name: str, event_id: str
) -> None:
    finished, other = told(ended(status, ERROR))
    assert (finished["id"], other["name"], other["id"]) == ("I1", name, event_id)
    assert finished["data"] == other["data"]
    assert finished["data"]["error"] == ERROR
    assert "result" not in finished["data"]


def test_a_run_without_output_returned_null() -> None:
    assert told(ended(RunStatus.COMPLETED, None))[0]["data"]["result"] is None


@pytest.mark.parametrize(
    ("trigger", "known"),
    [
        (event(), None),
        (event("inngest/function.invoked", _inngest={"fn_id": "x"}), None),
        (event("inngest/function.invoked", _inngest={"correlation_id": "R.s"}), "R.s"),
        (event("shop/paid", _inngest={"correlation_id": "R.s"}), None),
    ],
    ids=["event", "by-the-api", "by-a-step", "by-a-stranger"],
)
def test_which_step_invoked_a_run(trigger: StoredEvent, known: str | None) -> None:
    assert correlation_id(trigger) == known
    (finished,) = told(ended(RunStatus.COMPLETED, 1, trigger))
    assert finished["data"].get("correlation_id") == known


@pytest.mark.parametrize(
    ("status", "output", "memo"),
    [
        (RunStatus.COMPLETED, 1, {"data": 1}),
        (RunStatus.COMPLETED, None, {"data": None}),
        (RunStatus.FAILED, ERROR, {"error": ERROR}),
        (RunStatus.CANCELLED, ERROR, {"error": ERROR}),
    ],
)
def test_what_a_run_leaves_in_the_step_that_invoked_it(
    status: RunStatus, output: Any, memo: Any
) -> None:
    assert loads(result_memo(ended(status, output))) == memo


def test_a_run_that_never_was_is_told_of_as_failed() -> None:
    asked = event("inngest/function.invoked", _inngest={"correlation_id": "R.s"})
    finished = refused_event(asked, "shop-gone", ERROR, "I", NOW)
    data = loads(finished.body)["data"]
    assert (finished.name, finished.internal_id) == ("inngest/function.finished", "I")
    assert (data["function_id"], data["run_id"], data["error"]) == ("shop-gone", "", ERROR)
    assert (data["correlation_id"], data["_inngest"]) == ("R.s", {"status": "Failed"})
