"""The exception tree: what inherits from what, and what each error carries."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from inngest_asgi import errors
from inngest_asgi.errors import (
    ApiError,
    ConfigError,
    InngestError,
    NonRetriableError,
    RequestError,
    RetryAfterError,
    SendEventsError,
    SignatureError,
    StepError,
)

TREE = [
    one
    for _, one in inspect.getmembers(errors, inspect.isclass)
    if one.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_is_one_of_ours(kind: type) -> None:
    assert issubclass(kind, InngestError)


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_stands_in_the_drawn_tree(kind: type) -> None:
    lines = (errors.__doc__ or "").splitlines()
    assert any(kind.__name__ in line.split() for line in lines)


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        pytest.param(ConfigError, ValueError, id="ConfigError"),
        pytest.param(errors.CodecError, ValueError, id="CodecError"),
        pytest.param(SignatureError, RequestError, id="SignatureError"),
        pytest.param(errors.OutputError, NonRetriableError, id="OutputError"),
        pytest.param(errors.EventValidationError, NonRetriableError, id="EventValidationError"),
    ],
)
def test_narrower_errors_can_be_caught_as_wider_ones(kind: type, base: type) -> None:
    assert issubclass(kind, base)


def test_send_errors_keep_their_own_list_of_ids() -> None:
    ids = ["a"]
    error = SendEventsError("no", ids, 400)
    ids.append("b")
    assert (str(error), error.ids, error.status) == ("no", ["a"], 400)


def test_send_errors_need_only_a_message() -> None:
    error = SendEventsError("no")
    assert (error.ids, error.status) == ([], None)


def test_api_errors_have_the_status() -> None:
    assert ApiError("no").status is None
    assert ApiError("no", 500).status == 500


def test_event_errors_have_fields() -> None:
    fields = ["data.n"]
    error = errors.EventValidationError("no", fields)
    fields.append("data.m")
    assert (str(error), error.fields, error.quiet) == ("no", ["data.n"], False)


def test_failed_runs_tell_their_error() -> None:
    error = errors.RunFailedError("01JX1", "Failed", "declined", "CardError", "Traceback")
    assert str(error) == "Run '01JX1' ended as Failed: CardError: declined"
    assert (error.run_id, error.status) == ("01JX1", "Failed")
    assert (error.message, error.name, error.stack) == ("declined", "CardError", "Traceback")


def test_request_errors_have_code_and_status() -> None:
    error = RequestError("no", code="body_invalid", status=400)
    assert (str(error), error.code, error.status) == ("no", "body_invalid", 400)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(SignatureError("no"), "sig_verification_failed", id="default"),
        pytest.param(SignatureError("no", code="header_missing"), "header_missing", id="told"),
    ],
)
def test_signature_errors_are_401(error: SignatureError, code: str) -> None:
    assert (error.status, error.code) == (401, code)


@pytest.mark.parametrize(
    ("error", "message", "quiet"),
    [
        pytest.param(NonRetriableError(), "", False, id="nothing"),
        pytest.param(NonRetriableError("no", True), "no", True, id="positional"),  # noqa: FBT003
        pytest.param(NonRetriableError(message="no", quiet=True), "no", True, id="keywords"),
    ],
)
def test_non_retriable_errors_may_be_quiet(
    error: NonRetriableError,
    message: str,
    quiet: bool,  # noqa: FBT001
) -> None:
    assert (str(error), error.quiet) == (message, quiet)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param(1500, timedelta(seconds=1.5), id="milliseconds"),
        pytest.param(0, timedelta(0), id="at once"),
        pytest.param(timedelta(hours=1), timedelta(hours=1), id="timedelta"),
        pytest.param(
            datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), id="moment"
        ),
        pytest.param(
            datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            datetime(2025, 12, 31, 22, tzinfo=UTC),
            id="moment elsewhere",
        ),
    ],
)
def test_retry_after_is_a_delay_or_a_moment(given: Any, kept: Any) -> None:
    error = RetryAfterError("later", given, quiet=True)
    assert (str(error), error.retry_after, error.quiet) == ("later", kept, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(-1, "negative", id="negative number"),
        pytest.param(timedelta(-1), "negative", id="negative timedelta"),
        pytest.param(datetime(2026, 1, 1), "time zone", id="no time zone"),  # noqa: DTZ001
        pytest.param(None, "None", id="nothing"),
        pytest.param("1h", "'1h'", id="text"),
        pytest.param(True, "True", id="a bool"),
        pytest.param(1.5, "1.5", id="a float"),
        pytest.param(10**30, "servers wait a day", id="too long"),
        pytest.param(
            datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))), "a day", id="too late"
        ),
    ],
)
def test_a_bad_retry_after_is_a_sentence(given: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RetryAfterError("later", given)


def test_a_step_error_carries_what_was_recorded() -> None:
    cause = StepError("inner")
    error = StepError("outer", "KeyError", "stack", "pay", cause)
    assert (error.message, error.name, error.stack) == ("outer", "KeyError", "stack")
    assert (error.step_id, error.cause) == ("pay", cause)
    assert error.__cause__ is cause
    assert str(error) == "outer"


def test_a_step_error_needs_only_a_message() -> None:
    error = StepError("no")
    assert (error.name, error.stack, error.step_id, error.cause) == ("StepError", None, None, None)
