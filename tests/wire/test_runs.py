"""Runs as the API shows them: the worked sample, and what is odd about other answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inngest_asgi.wire.runs import Run, RunStatus, read_run

SAMPLE = {
    "run_id": "01JX1",
    "run_started_at": "2026-08-01T10:00:00Z",
    "function_id": "6f1c",
    "function_version": 1,
    "environment_id": "00000000-0000-4000-b000-000000000000",
    "event_id": "01JX0",
    "status": "Completed",
    "ended_at": "2026-08-01T10:00:01.123456789Z",
    "output": {"ok": True},
}


def test_the_sample_of_the_protocol_is_read() -> None:
    assert read_run(SAMPLE) == Run(
        id="01JX1",
        status=RunStatus.COMPLETED,
        function_id="6f1c",
        event_id="01JX0",
        started_at=datetime(2026, 8, 1, 10, tzinfo=UTC),
        ended_at=datetime(2026, 8, 1, 10, 0, 1, 123456, tzinfo=UTC),
        output={"ok": True},
    )


def test_what_started_a_run_is_read() -> None:
    run = read_run(SAMPLE | {"batch_id": "b", "cron": "0 9 * * *", "original_run_id": "01JX"})
    assert (run.batch_id, run.cron, run.original_run_id) == ("b", "0 9 * * *", "01JX")


def test_an_id_is_enough() -> None:
    assert read_run({"run_id": "01JX1"}) == Run(id="01JX1", status=RunStatus.UNKNOWN)


@pytest.mark.parametrize(
    "moment",
    [None, "", "0001-01-01T00:00:00Z", "soon", 5],
    ids=["null", "empty", "go", "word", "int"],
)
def test_a_moment_that_is_none(moment: Any) -> None:
    assert read_run(SAMPLE | {"ended_at": moment}).ended_at is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *((status.value, status) for status in RunStatus),
        ("COMPLETED", RunStatus.COMPLETED),
        ("Paused", RunStatus.UNKNOWN),
        (None, RunStatus.UNKNOWN),
        (1, RunStatus.UNKNOWN),
    ],
    ids=str,
)
def test_the_words_for_a_status(word: Any, status: RunStatus) -> None:
    assert read_run({"run_id": "01JX1", "status": word}).status is status


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        (RunStatus.SCHEDULED, False),
        (RunStatus.RUNNING, False),
        (RunStatus.UNKNOWN, False),
        (RunStatus.COMPLETED, True),
        (RunStatus.FAILED, True),
        (RunStatus.CANCELLED, True),
        (RunStatus.SKIPPED, True),
        (RunStatus.OVERFLOWED, True),
    ],
    ids=str,
)
def test_a_run_has_ended_by_its_status(status: RunStatus, ended: object) -> None:
    assert Run(id="01JX1", status=status).has_ended is ended


def test_a_run_with_an_end_has_ended_whatever_its_status() -> None:
    at = datetime(2026, 8, 1, tzinfo=UTC)
    assert Run(id="01JX1", status=RunStatus.UNKNOWN, ended_at=at).has_ended


@pytest.mark.parametrize(
    "record", [None, [], "01JX1", {}, {"run_id": 5}], ids=["null", "list", "text", "empty", "int"]
)
def test_what_is_no_run(record: Any) -> None:
    with pytest.raises(ValueError, match="run_id"):
        read_run(record)
