"""Lines for records made by hand."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len

from inngest_asgi.cli.timeline import PLAIN_MARKS, Timeline, moment, seconds, summary
from inngest_asgi.dev import Happening
from tests.cli.records import (
    NOW,
    OTHER,
    RUN,
    asleep,
    ended,
    planned,
    queued,
    record,
    recorded,
    started,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inngest_asgi.dev import Record

ERROR = {"name": "ValueError", "message": "no\n  such card"}


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    del os.environ["TZ"]
    time.tzset()


def told(*records: Record, marks: Any = None) -> list[str]:
    timeline = Timeline(marks) if marks else Timeline()
    return [line.plain for record in records for line in timeline.lines(record)]


def row(mark_and_name: str, duration: str, text: str) -> str:
    return f"{mark_and_name:<30}{duration:>9}  {text}".rstrip()


def clock(at: float) -> str:
    return datetime.fromtimestamp(NOW + at, UTC).strftime("%H:%M:%S")


def test_a_run_from_its_start_to_its_end() -> None:
    assert told(
        queued(),
        started(0.004),
        recorded("read", 0.01, duration=0.0012),
        asleep("rest", 0.02, until=2.02),
        recorded("rest", 2.1),
        ended(3.3),
    ) == [
        f"▶ shop-pay                               run {RUN}",
        "  · waited in the queue            4 ms",
        "  ✓ read                           1 ms",
        f"  ◷ rest                          2.0 s  sleeps until {clock(2.02)}",
        "  ✓ rest                          2.1 s",
        "■ shop-pay                        3.3 s  Completed",
    ]


def test_a_failed_attempt_says_when_the_next_one_is_and_why() -> None:
    failed = record(
        Happening.STEP_FAILED,
        id="1",
        name="charge",
        op="StepError",
        attempt=0,
        error=ERROR,
        retry_at=NOW + 15,
        duration=0.25,
    )
    assert told(started(), failed)[2:] == [
        "  ✗ charge                       250 ms  attempt 1 failed, next in 15.0 s",
        "      ValueError: no such card",
    ]


def test_the_last_failed_attempt() -> None:
    failed = record(
        Happening.STEP_FAILED, id="1", name="charge", attempt=4, error=ERROR, retry_at=None
    )
    assert told(started(), failed)[2] == row("  ✗ charge", "", "attempt 5 failed for good")


def test_a_step_that_needed_more_than_one_attempt() -> None:
    line = told(started(), recorded("charge", attempt=1, duration=0.5))[2]
    assert line == "  ✓ charge                       500 ms  attempt 2"


@pytest.mark.parametrize(
    ("step_id", "name"),
    [(None, "the function"), ("hash of total", "total"), ("unheard of", "the function")],
    ids=["the function as a whole", "a planned step", "an unknown step"],
)
def test_a_failed_call_names_what_was_called(step_id: str | None, name: str) -> None:
    failed = record(
        Happening.ATTEMPT_FAILED, step_id=step_id, attempt=0, error=ERROR, retry_at=NOW + 1
    )
    assert told(started(), planned("total"), failed)[2].split("  ")[1] == f"✗ {name}"


@pytest.mark.parametrize(
    "kind",
    [Happening.CALL_STARTED, Happening.CALL_ENDED],
    ids=["start of a call", "end of a call"],
)
def test_calls_are_not_told(kind: Happening) -> None:
    assert told(record(kind, step_id=None, attempt=0)) == []


def test_a_run_that_is_due_later_is_told_when_it_is_queued() -> None:
    assert told(queued(due=3600)) == [
        f"◷ shop-pay                               starts at {clock(3600)}"
    ]


def test_several_runs_are_told_apart_by_the_ends_of_their_ids() -> None:
    lines = told(
        queued(), queued(run_id=OTHER), recorded("a"), recorded("b", run_id=OTHER), ended()
    )
    assert lines == [
        row("  ✓ a", "", "..FCJE"),
        row("  ✓ b", "", "..AAAA"),
        row("■ shop-pay", "<1 ms", "..FCJE Completed"),
    ]


def test_when_one_run_is_left_it_needs_no_tag() -> None:
    timeline = Timeline()
    for one in (queued(), queued(run_id=OTHER), ended(run_id=OTHER)):
        timeline.lines(one)
    assert ".." not in timeline.lines(recorded("a"))[0].plain


def test_ended_runs_are_forgotten() -> None:
    timeline = Timeline()
    for one in (queued(), ended()):
        timeline.lines(one)
    assert timeline.open == {}


def test_a_run_that_goes_on_shows_how_far_it_came_and_what_it_waits_for() -> None:
    history = [queued(), started(), recorded("a"), recorded("b"), asleep("rest", until=60)]
    assert [line.plain for line in Timeline().resumed(RUN, history)] == [
        row("▶ shop-pay", "", f"run {RUN}"),
        row("  · goes on", "", "2 steps recorded before"),
        row("  ◷ rest", "1 min 0 s", f"sleeps until {clock(60)}"),
    ]


def test_a_step_that_was_recorded_does_not_sleep_any_more() -> None:
    history = [queued(), started(), asleep("rest", until=1), recorded("rest", 1.0)]
    assert len(Timeline().resumed(RUN, history)) == 2


def test_one_step_is_not_steps() -> None:
    lines = Timeline().resumed(RUN, [queued(), started(), recorded("a")])
    assert lines[1].plain.endswith("1 step recorded before")


def test_a_run_that_has_not_started_says_when_it_will() -> None:
    (line,) = Timeline().resumed(RUN, [queued(due=7200)])
    assert line.plain.endswith(f"starts at {clock(7200)}")


def test_the_end_of_a_run_whose_beginning_is_unknown() -> None:
    assert told(ended(status="Failed")) == [f"■ run {RUN}           Failed"]


def test_names_that_are_wide_or_broken_keep_the_columns() -> None:
    lines = Timeline().lines(recorded("日本\n語", duration=1.0))
    assert cell_len(lines[0].plain) == 39


def test_a_line_about_a_failure_fits_into_eighty_columns() -> None:
    timeline = Timeline()
    timeline.lines(queued(run_id=OTHER))
    failed = record(
        Happening.STEP_FAILED, id="1", name="charge", attempt=0, error=ERROR, retry_at=NOW + 15
    )
    assert max(cell_len(line.plain) for line in timeline.lines(failed)) <= 80


def test_plain_marks_are_ascii() -> None:
    assert told(started(), recorded("a"), marks=PLAIN_MARKS)[2].isascii()


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (-1.0, "<1 ms"),
        (0.0, "<1 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.0 s"),
        (3.44, "3.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3600, "1 h 0 min"),
        (100_000, "1 d 3 h"),
    ],
)
def test_durations(duration: float, text: str) -> None:
    assert seconds(duration) == text


def test_a_moment_of_another_day_has_its_date() -> None:
    assert moment(86_400.0, 0.0) == "1970-01-02 00:00"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ({"name": "E", "message": "m"}, "E: m"),
        ({"name": "", "message": "m"}, "Error: m"),
        ({}, "Error:"),
        ({"name": "E", "message": "m" * 300}, f"E: {'m' * 197}..."),
    ],
    ids=["plain", "nameless", "empty", "long"],
)
def test_errors_in_one_line(error: dict[str, Any], text: str) -> None:
    assert summary(error) == text


def test_briefly_failures_name_the_function_and_the_end_of_the_run() -> None:
    failed = record(Happening.ATTEMPT_FAILED, error=ERROR, attempt=0, retry_at=NOW + 5)
    timeline = Timeline(brief=True)
    lines = [line.plain for one in (queued(), failed) for line in timeline.lines(one)]
    assert lines[0].endswith(f"shop-pay ..{RUN[-4:]} attempt 1 failed, next in 5.0 s")


def of_event(kind: Happening, **details: Any) -> Record:
    return replace(record(kind, function="shop-pay", **details), run_id="")


@pytest.mark.parametrize(
    ("kind", "details", "text"),
    [
        (Happening.NOT_STARTED, {"reason": "rate_limit"}, "not started: it is rate limited"),
        (
            Happening.NOT_STARTED,
            {"reason": "singleton", "run": RUN},
            "not started: a run of it has not ended (singleton)",
        ),
        (Happening.NOT_STARTED, {"reason": "moon"}, "not started: moon"),
        (
            Happening.EVENT_WAITING,
            {"reason": "batch", "window": "w", "until": NOW + 60},
            f"waits for more events until {clock(60)} (batch)",
        ),
    ],
    ids=["dropped", "singleton", "unknown", "waiting"],
)
def test_an_event_that_starts_nothing_says_why(
    kind: Happening, details: dict[str, Any], text: str
) -> None:
    (line,) = told(of_event(kind, **details))
    assert "shop-pay" in line
    assert line.endswith(text)


def test_briefly_it_is_told_of_what_is_dropped_and_not_of_what_waits() -> None:
    timeline = Timeline(brief=True)
    about = {"reason": "batch", "window": "w", "until": NOW + 60}
    assert timeline.lines(of_event(Happening.EVENT_WAITING, **about)) == []
    assert len(timeline.lines(of_event(Happening.NOT_STARTED, reason="older"))) == 1
    assert timeline.open == {}
