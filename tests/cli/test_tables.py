"""Runs and events as people see them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from inngest_asgi.cli.outcome import LONGEST
from inngest_asgi.cli.tables import events_table, run_tree, runs_table

if TYPE_CHECKING:
    from rich.console import RenderableType

RUN = "01M7WVMGEVAD35KTA2RJZBFCJE"


def lines(drawn: RenderableType, width: int = 120) -> list[str]:
    output = io.StringIO()
    Console(file=output, width=width).print(drawn)
    return [line.rstrip() for line in output.getvalue().splitlines()]


def run(**more: Any) -> dict[str, Any]:
    about = {
        "id": RUN,
        "app": {"id": "shop"},
        "function": {"id": "pay"},
        "status": "COMPLETED",
        "queuedAt": "2026-08-01T10:00:00Z",
        "durationMs": "1500",
        "trigger": {"eventName": "paid"},
    }
    return about | more


def span(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "status": "COMPLETED", "durationMs": "12"} | more


def step(name: str, **more: Any) -> dict[str, Any]:
    return span(name, stepOp="RUN", **more)


def test_runs_are_rows() -> None:
    head, row, cron = lines(runs_table([run(), run(trigger={"cronSchedule": "0 9 * * *"})]))
    assert head.split() == ["RUN", "FUNCTION", "STATUS", "QUEUED", "TOOK", "EVENT"]
    assert row.startswith(f"{RUN}  shop-pay  Completed  2026-08-01 ")
    assert row.endswith("1.5 s  paid")
    assert cron.endswith("0 9 * * *")


def test_what_is_not_known_yet_is_left_out() -> None:
    _, row = lines(runs_table([{"id": RUN, "status": "QUEUED"}]))
    assert row.split() == [RUN, "Queued"]


def test_data_are_cut() -> None:
    data = {"text": "x" * 200}
    about = {"internal_id": RUN, "name": "paid", "data": data, "received_at": None}
    _, row = lines(events_table([about]), width=200)
    assert row.startswith(f"{RUN}  paid")
    assert row.endswith("xxx…")


@pytest.mark.parametrize(("drawn", "noun"), [(runs_table, "runs"), (events_table, "events")])
def test_nothing_is_said_in_words(drawn: Any, noun: str) -> None:
    assert lines(drawn([])) == [f"There are no such {noun}."]


def test_a_run_is_a_tree_of_its_steps_with_what_came_of_it() -> None:
    error = {"name": "ValueError", "message": "no"}
    tried = [span("charge", status="FAILED", output={"error": error}), span("charge", attempt=1)]
    children = [
        step("charge", children=tried),
        step("child", childRunId="01CHILD"),
        span("Pay", status="FAILED"),
        span("Pay", attempt=1),
    ]
    drawn = run_tree(run(trace={"name": "Pay", "children": children}, output={"a": 1}))
    assert lines(drawn) == [
        f"shop-pay  {RUN}  Completed  1.5 s",
        "├── charge  Completed  12 ms",
        "│   ├── attempt 1  Failed  12 ms  ValueError: no",
        "│   └── attempt 2  Completed  12 ms",
        "├── child  Completed  12 ms  run 01CHILD",
        "├── attempt 1  Failed  12 ms",
        "└── attempt 2  Completed  12 ms",
        '{"a":1}',
    ]


def test_the_only_attempt_at_a_step_is_not_told_twice() -> None:
    query = span("SELECT 1")
    children = [
        step("charge", children=[span("charge")]),
        step("save", children=[span("save", children=[query])]),
    ]
    assert lines(run_tree(run(trace={"name": "Pay", "children": children})))[1:] == [
        "├── charge  Completed  12 ms",
        "└── save  Completed  12 ms",
        "    └── attempt 1  Completed  12 ms",
        "        └── SELECT 1  Completed  12 ms",
    ]


@pytest.mark.parametrize(
    ("output", "last"),
    [
        ({"name": "E", "message": "no", "stack": "Traceback\nE: no"}, "E: no"),
        ({"name": "E", "message": "no"}, "E: no"),
        ("text", '"text"'),
    ],
    ids=["stack", "message", "no-object"],
)
def test_why_a_run_failed(output: Any, last: str) -> None:
    failed = run(status="FAILED", trace={}, output=output)
    assert lines(run_tree(failed))[-1] == last


def test_a_run_under_way_has_no_output() -> None:
    assert len(lines(run_tree(run(status="RUNNING", trace={})))) == 1


def test_a_long_output_is_cut() -> None:
    drawn = lines(run_tree(run(trace={}, output="x" * (LONGEST + 10))), width=LONGEST * 2)
    assert len(drawn[-1]) == LONGEST + 3
