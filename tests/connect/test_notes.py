"""The log of a worker: once for people, with fields for machines."""

from __future__ import annotations

import logging

import pytest

from inngest_asgi.connect import ConnectionState
from inngest_asgi.connect.notes import Notes
from inngest_asgi.connect.session.actions import Ignored
from tests.connect.pairs import REQUEST, response


@pytest.fixture
def notes(caplog: pytest.LogCaptureFixture) -> Notes:
    caplog.set_level(logging.DEBUG)
    return Notes(logging.getLogger("inngest_asgi"))


def test_the_same_problem_is_told_once(notes: Notes, caplog: pytest.LogCaptureFixture) -> None:
    notes.problem("It is away.", 1.5)
    notes.problem("It is away.", 3.0)
    notes.problem("It is full.", None)
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "WARNING"]
    assert caplog.messages[0] == "The worker is not connected: It is away. Next attempt in 1.5 s."
    assert caplog.messages[2] == "The worker is not connected: It is full."


def test_it_is_told_again_after_a_connection(
    notes: Notes, caplog: pytest.LogCaptureFixture
) -> None:
    notes.problem("It is away.", 1.5)
    notes.state(ConnectionState.ACTIVE, "connection-1")
    notes.state(ConnectionState.RECONNECTING, None)
    notes.problem("It is away.", 1.5)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "INFO", "WARNING"]
    assert "(connection connection-1)" in caplog.messages[1]


def test_the_same_failed_flush_is_told_once(notes: Notes, caplog: pytest.LogCaptureFixture) -> None:
    for error in ("away", "away", "refused"):
        notes.not_flushed(response(), ValueError(error))
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "WARNING"]


def test_records_have_fields(notes: Notes, caplog: pytest.LogCaptureFixture) -> None:
    notes.skipped(REQUEST, Ignored.AT_CAPACITY)
    (record,) = caplog.records
    assert vars(record)["request_id"] == "request-1"
    assert vars(record)["run_id"] == "run-1"
