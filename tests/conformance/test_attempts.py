"""Attempts and retries (steps.md 7, http.md 12): which op, which status, may it be tried again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from tests.conformance.exchanges import Serve, answered

if TYPE_CHECKING:
    from tests.routes.asking import Answer

LATER = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Named(inngest.NonRetriableError):
    """A user's own kind of it."""


def failing_step(error: BaseException) -> Any:
    async def pay(ctx: Any) -> Any:
        def body() -> None:
            raise error

        return await ctx.step.run("a", body)

    return pay


def failing_function(error: BaseException) -> Any:
    async def pay(_: Any) -> None:
        raise error

    return pay


def control(answer: Answer) -> tuple[str, str | None]:
    """Return what an answer says of trying again."""
    return answer.headers["x-inngest-no-retry"], answer.headers.get("retry-after")


STEPS = [
    pytest.param(ValueError("no"), 0, "StepError", ("false", None), id="error, first of four"),
    pytest.param(ValueError("no"), 2, "StepError", ("false", None), id="error, third of four"),
    pytest.param(ValueError("no"), 3, "StepFailed", ("true", None), id="error, last"),
    pytest.param(
        inngest.NonRetriableError("no"), 0, "StepFailed", ("true", None), id="non-retriable"
    ),
    pytest.param(Named("no"), 0, "StepFailed", ("true", None), id="non-retriable subclass"),
    pytest.param(
        inngest.RetryAfterError("no", timedelta(seconds=90)),
        0,
        "StepError",
        ("false", "90"),
        id="retry after a delay",
    ),
    pytest.param(
        inngest.RetryAfterError("no", 1500), 0, "StepError", ("false", "2"), id="rounded up"
    ),
    pytest.param(
        inngest.RetryAfterError("no", LATER),
        0,
        "StepError",
        ("false", "2026-01-02T03:04:05.000Z"),
        id="retry at a moment",
    ),
    pytest.param(
        inngest.RetryAfterError("no", 1000), 3, "StepFailed", ("true", None), id="retry after, last"
    ),
    pytest.param(inngest.StepError("no"), 0, "StepError", ("false", None), id="a StepError raised"),
]


@pytest.mark.parametrize(("error", "attempt", "code", "expected"), STEPS)
def test_the_op_of_a_step_that_raised(
    serve: Serve, error: BaseException, attempt: int, code: str, expected: Any
) -> None:
    answer = answered(serve(failing_step(error)), attempt=attempt)
    (report,) = json.loads(answer.body)
    assert (answer.status, report["op"], report["error"]["message"]) == (206, code, "no")
    assert control(answer) == expected


def test_without_a_limit_a_step_is_never_failed_for_its_attempts(serve: Serve) -> None:
    app = serve(failing_step(ValueError("no")))
    (report,) = json.loads(answered(app, attempt=99, max_attempts=None).body)
    assert report["op"] == "StepError"


def test_one_attempt_alone_fails_at_once(serve: Serve) -> None:
    app = serve(failing_step(ValueError("no")))
    (report,) = json.loads(answered(app, attempt=0, max_attempts=1).body)
    assert report["op"] == "StepFailed"


FUNCTIONS = [
    pytest.param(ValueError("no"), 500, "unknown", ("false", None), id="error"),
    pytest.param(
        inngest.NonRetriableError("no"),
        400,
        "non_retriable_error",
        ("true", None),
        id="non-retriable",
    ),
    pytest.param(
        inngest.RetryAfterError("no", timedelta(minutes=2)),
        500,
        "retry_after_error",
        ("false", "120"),
        id="retry after",
    ),
    pytest.param(
        inngest.RetryAfterError("no", LATER),
        500,
        "retry_after_error",
        ("false", "2026-01-02T03:04:05.000Z"),
        id="retry at",
    ),
    pytest.param(
        inngest.StepError("no", "KeyError"), 400, "step_errored", ("true", None), id="StepError"
    ),
    pytest.param(
        ExceptionGroup("g", [inngest.NonRetriableError("no")]),
        400,
        "non_retriable_error",
        ("true", None),
        id="a group of one",
    ),
]


@pytest.mark.parametrize(("error", "status", "code", "expected"), FUNCTIONS)
@pytest.mark.parametrize("attempt", [0, 3], ids=["first", "last"])
def test_the_answer_for_a_function_that_raised(
    serve: Serve, error: BaseException, attempt: int, status: int, code: str, expected: Any
) -> None:
    answer = answered(serve(failing_function(error)), attempt=attempt)
    assert (answer.status, answer.code, answer.document["message"]) == (status, code, "no")
    assert control(answer) == expected


async def compensating(ctx: Any) -> Any:
    try:
        await ctx.step.run("charge", lambda: None)
    except inngest.StepError:
        return await ctx.step.run("refund", lambda: "refunded")


FAILED = {"error": {"name": "ValueError", "message": "no"}}


def test_after_a_failed_step_user_code_may_go_on(serve: Serve) -> None:
    app = serve(compensating)
    (report,) = json.loads(answered(app, {"charge": FAILED}).body)
    assert (report["name"], report["data"]) == ("refund", "refunded")


async def uncaught(ctx: Any) -> Any:
    await ctx.step.run("charge", lambda: None)


async def wrapped(ctx: Any) -> Any:
    try:
        await ctx.step.run("charge", lambda: None)
    except inngest.StepError as error:
        raise RuntimeError("again") from error


@pytest.mark.parametrize(
    ("pay", "status", "name", "no_retry"),
    [
        pytest.param(uncaught, 400, "ValueError", "true", id="uncaught"),
        pytest.param(wrapped, 500, "RuntimeError", "false", id="caught and wrapped"),
    ],
)
def test_an_uncaught_step_error_fails_the_run_for_good(
    serve: Serve, pay: Any, status: int, name: str, no_retry: str
) -> None:
    answer = answered(serve(pay), {"charge": FAILED})
    assert (answer.status, answer.document["name"]) == (status, name)
    assert answer.headers["x-inngest-no-retry"] == no_retry
