"""Answers to calls: status, headers, body, and what is told of an error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from inngest_asgi.wire.codec import embed, loads
from inngest_asgi.wire.names import ErrorCode
from inngest_asgi.wire.replies import (
    ErrorRecord,
    Reply,
    error_reply,
    ops_reply,
    output_reply,
    retry_after_value,
    retry_headers,
)

RETRY = {"x-inngest-no-retry": "false"}
NO_RETRY = {"x-inngest-no-retry": "true"}


def test_ops_are_a_206() -> None:
    ops = [{"op": "Sleep", "id": "a"}]
    assert ops_reply(iter(ops)) == Reply(206, b'[{"op":"Sleep","id":"a"}]', RETRY)


def test_nothing_to_report_is_an_empty_list() -> None:
    assert ops_reply([]).body == b"[]"


def test_ops_may_say_not_to_retry_or_when() -> None:
    reply = ops_reply([], no_retry=True, retry_after="5")
    assert reply.headers == NO_RETRY | {"retry-after": "5"}


@pytest.mark.parametrize(
    ("output", "body"),
    [(None, b"null"), ({"a": [None]}, b'{"a":[null]}'), ("x", b'"x"')],
    ids=["null", "object", "text"],
)
def test_an_output_is_a_200_that_never_stops_retries(output: object, body: bytes) -> None:
    # A 200 with No-Retry true makes servers fail the run (http.md 11.3).
    assert output_reply(embed(output)) == Reply(200, body, RETRY)


def test_an_error_has_its_status_code_and_shape() -> None:
    error = ErrorRecord("KeyError", "no", "stack", ErrorCode.STEP_ERRORED)
    reply = error_reply(500, error, no_retry=False, retry_after="2026-01-02T00:00:00.000Z")
    assert reply.status == 500
    assert loads(reply.body) == {
        "code": "step_errored",
        "message": "no",
        "name": "KeyError",
        "stack": "stack",
    }
    assert reply.headers == RETRY | {"retry-after": "2026-01-02T00:00:00.000Z"}


def test_an_error_s_code_is_unknown_by_default() -> None:
    assert ErrorRecord("E", "m").to_body() == {"code": "unknown", "message": "m", "name": "E"}


def test_an_op_s_error_has_no_code() -> None:
    assert ErrorRecord("E", "m", stack="").to_op() == {"message": "m", "name": "E"}


def test_a_cause_is_told_inside_its_error() -> None:
    error = ErrorRecord("Outer", "o", cause=ErrorRecord("Inner", "i", "stack"))
    assert error.to_op()["cause"] == {"message": "i", "name": "Inner", "stack": "stack"}


def test_a_lone_surrogate_does_not_lose_the_error() -> None:
    error = ErrorRecord("E\ud800", "file \udcff", "at \udfff", cause=ErrorRecord("C", "\ud83d"))
    body = loads(error_reply(500, error, no_retry=False).body)
    assert body["message"] == "file \\udcff"
    assert (body["name"], body["stack"]) == ("E\\ud800", "at \\udfff")
    assert body["cause"]["message"] == "\\ud83d"


@pytest.mark.parametrize(("no_retry", "headers"), [(True, NO_RETRY), (False, RETRY)], ids=str)
def test_whether_to_retry_is_always_said(no_retry: bool, headers: dict[str, str]) -> None:  # noqa: FBT001
    assert retry_headers(no_retry=no_retry) == headers


@pytest.mark.parametrize(
    ("when", "value"),
    [
        pytest.param(timedelta(seconds=5), "5", id="seconds"),
        pytest.param(timedelta(seconds=1.001), "2", id="rounded up"),
        pytest.param(timedelta(0), "1", id="at least one"),
        pytest.param(timedelta(days=30), "2592000", id="a month"),
        pytest.param(datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00.000Z", id="moment"),
        pytest.param(
            datetime(2026, 1, 2, 0, 0, 0, 500, tzinfo=timezone(timedelta(hours=1))),
            "2026-01-01T23:00:00.000Z",
            id="moment elsewhere",
        ),
    ],
)
def test_retry_after_is_seconds_or_a_moment(when: timedelta | datetime, value: str) -> None:
    assert retry_after_value(when) == value
