"""What is told of an exception: its record, whether to try again, and when."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.engine.outcomes import (
    FUNCTION_FINAL,
    STEP_FINAL,
    describe,
    error_record,
    user_stack,
)
from inngest_asgi.errors import NonRetriableError, OutputError, RetryAfterError, StepError
from inngest_asgi.wire.codec import dumps, loads
from inngest_asgi.wire.names import ErrorCode

if TYPE_CHECKING:
    from inngest_asgi.wire.replies import ErrorRecord

PACKAGE = Path(__file__).parents[2] / "inngest_asgi"


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


class Fatal(NonRetriableError):
    pass


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - any kind is told of
        return caught


def chained(*errors: Exception) -> Exception:
    """Return the first error, each caused by the next."""
    for error, cause in itertools.pairwise(errors):
        error.__cause__ = cause
    return errors[0]


def names(record: ErrorRecord | None) -> list[str]:
    found = []
    while record is not None:
        found.append(record.name)
        record = record.cause
    return found


@pytest.mark.parametrize(
    ("error", "step", "function"),
    [
        pytest.param(ValueError("x"), True, True, id="any-error"),
        pytest.param(NonRetriableError("x"), False, False, id="non-retriable"),
        pytest.param(Fatal("x"), False, False, id="its-subclass"),
        pytest.param(OutputError("x"), False, False, id="unserializable"),
        pytest.param(StepError("x"), True, False, id="step-error"),
        pytest.param(RetryAfterError("x", 5000), True, True, id="retry-after"),
        pytest.param(KeyboardInterrupt(), True, True, id="keyboard-interrupt"),
        pytest.param(
            ExceptionGroup("g", [NonRetriableError("x"), StepError("y")]),
            True,
            False,
            id="group-of-final-errors",
        ),
        pytest.param(
            ExceptionGroup("g", [NonRetriableError("x"), ValueError("y")]),
            True,
            True,
            id="group-with-one-to-retry",
        ),
        pytest.param(
            ExceptionGroup("g", [ExceptionGroup("h", [NonRetriableError("x")])]),
            False,
            False,
            id="nested-groups",
        ),
    ],
)
def test_an_error_is_tried_again_unless_it_is_final(
    error: BaseException, *, step: bool, function: bool
) -> None:
    assert describe(error, STEP_FINAL).retriable is step
    assert describe(error, FUNCTION_FINAL).retriable is function


@pytest.mark.parametrize(
    ("error", "value"),
    [
        pytest.param(ValueError("x"), None, id="none"),
        pytest.param(RetryAfterError("x", 1500), "2", id="milliseconds"),
        pytest.param(RetryAfterError("x", timedelta(minutes=1)), "60", id="timedelta"),
        pytest.param(
            RetryAfterError("x", datetime(2026, 1, 2, tzinfo=UTC)),
            "2026-01-02T00:00:00.000Z",
            id="moment",
        ),
        pytest.param(
            ExceptionGroup("g", [ValueError("x"), RetryAfterError("y", 1000)]), "1", id="in-a-group"
        ),
    ],
)
def test_a_delay_is_passed_on(error: Exception, value: str | None) -> None:
    assert describe(error, STEP_FINAL).retry_after == value


def test_a_group_of_one_is_shown_as_that_one() -> None:
    group = ExceptionGroup("g", [ExceptionGroup("h", [ValueError("inside")])])
    assert describe(group, STEP_FINAL).record.message == "inside"


def test_a_group_of_several_is_shown_as_a_group() -> None:
    group = ExceptionGroup("two went wrong", [ValueError("a"), ValueError("b")])
    record = describe(group, STEP_FINAL).record
    assert (record.name, record.message) == ("ExceptionGroup", "two went wrong (2 sub-exceptions)")


@pytest.mark.parametrize(
    ("error", "name", "message"),
    [
        pytest.param(ValueError("no"), "ValueError", "no", id="plain"),
        pytest.param(ValueError(), "ValueError", "ValueError", id="no-message"),
        pytest.param(KeyError("k"), "KeyError", "'k'", id="key-error"),
        pytest.param(
            Unspeakable(), "Unspeakable", "<exception str() failed>", id="str-that-raises"
        ),
        pytest.param(ValueError("\ud83d!"), "ValueError", "\\ud83d!", id="half-a-surrogate-pair"),
        pytest.param(StepError("m", "Original"), "Original", "m", id="step-error"),
        pytest.param(SystemExit(3), "SystemExit", "3", id="system-exit"),
    ],
)
def test_any_error_has_a_name_and_a_message(error: BaseException, name: str, message: str) -> None:
    shown = loads(dumps(error_record(raised(error)).to_op()))
    assert (shown["name"], shown["message"]) == (name, message)


def test_a_surrogate_in_a_traceback_can_be_reported() -> None:
    shown = loads(dumps(error_record(raised(ValueError("\udcff"))).to_op()))
    assert shown["stack"].endswith("ValueError: \\udcff")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("x"), ErrorCode.UNKNOWN),
        (NonRetriableError("x"), ErrorCode.NON_RETRIABLE_ERROR),
        (Fatal("x"), ErrorCode.NON_RETRIABLE_ERROR),
        (OutputError("x"), ErrorCode.OUTPUT_UNSERIALIZABLE),
        (RetryAfterError("x", 1), ErrorCode.RETRY_AFTER_ERROR),
        (StepError("x", "ValueError"), ErrorCode.STEP_ERRORED),
        (StepError("x", "NonRetriableError"), ErrorCode.NON_RETRIABLE_ERROR),
        (StepError("x", "RetryAfterError"), ErrorCode.RETRY_AFTER_ERROR),
        (StepError("x", "OutputError"), ErrorCode.OUTPUT_UNSERIALIZABLE),
        (StepError("x", "NestedStepError"), ErrorCode.STEP_NESTED),
    ],
    ids=lambda value: repr(value) if isinstance(value, Exception) else value,
)
def test_a_code_says_why_and_a_step_error_keeps_the_original_one(
    error: Exception, code: ErrorCode
) -> None:
    assert error_record(error).code == code


def test_causes_are_told_five_deep() -> None:
    error = chained(*(ValueError(str(n)) for n in range(8)))
    shown: Any = error_record(error).to_op()
    messages = []
    while shown is not None:
        messages.append(shown["message"])
        shown = shown.get("cause")
    assert messages == ["0", "1", "2", "3", "4", "5"]


def test_causes_in_a_ring_end() -> None:
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one
    assert names(error_record(one)) == ["ValueError", "KeyError"] * 3


def test_a_context_is_a_cause_unless_it_is_suppressed() -> None:
    loud, quiet = ValueError("loud"), ValueError("quiet")
    loud.__context__ = quiet.__context__ = KeyError("k")
    quiet.__suppress_context__ = True
    assert names(error_record(loud)) == ["ValueError", "KeyError"]
    assert names(error_record(quiet)) == ["ValueError"]


def test_a_step_error_keeps_the_recorded_stack() -> None:
    assert error_record(raised(StepError("m", stack="at x"))).stack == "at x"


def test_an_error_that_was_never_raised_has_no_frames() -> None:
    assert user_stack(ValueError("no")) == "ValueError: no"


def located(path: Path) -> BaseException:
    """Raise from code that seems to stand in a file."""
    space: dict[str, Any] = {}
    exec(compile("def go():\n    raise ValueError('no')", str(path), "exec"), space)  # noqa: S102
    try:
        space["go"]()
    except ValueError as error:
        return error
    raise AssertionError


def test_frames_of_the_package_are_left_out() -> None:
    stack = user_stack(located(PACKAGE / "engine" / "drive.py"))
    assert "drive.py" not in stack
    assert "test_outcomes.py" in stack


def test_frames_of_a_neighbour_with_a_similar_name_stay() -> None:
    path = PACKAGE.with_name("inngest_asgi_orders") / "steps.py"
    assert str(path) in user_stack(located(path))


def test_notes_are_part_of_the_stack() -> None:
    error = ValueError("no")
    error.add_note("order 17")
    assert user_stack(error) == "ValueError: no\norder 17"
