"""One call from its bytes to its reply: results, steps, errors, retries."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, field_validator

import inngest_asgi as inngest
from inngest_asgi.errors import RequestError
from tests.routes.asking import (
    ORDERED,
    RUN_ID,
    app_of,
    call,
    called,
    dev_client,
)
from tests.runtime.running import COLOURS, FIRST, RUN_OP, Colour, document_of, ran, runtime

if TYPE_CHECKING:
    from collections.abc import Callable


class Receipt(BaseModel):
    total: int
    at: datetime


# What the function returned.


@pytest.mark.parametrize(
    ("value", "body"),
    [
        (None, b"null"),
        ({"ok": True}, b'{"ok":true}'),
        ([1, "\u00e4"], '[1,"ä"]'.encode()),
        ("", b'""'),
        (datetime(2025, 1, 1, tzinfo=UTC), b'"2025-01-01T00:00:00+00:00"'),
    ],
    ids=["none", "object", "array", "text", "datetime"],
)
def test_what_a_function_returns_is_a_200(colour: Colour, value: Any, body: bytes) -> None:
    reply = ran(colour.declare(lambda _: value))
    assert (reply.status, reply.body) == (200, body)
    assert reply.headers == {"x-inngest-no-retry": "false"}


def test_what_a_function_returns_is_written_as_annotated() -> None:
    client = dev_client()

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> Receipt:
        return Receipt(total=7, at=datetime(2025, 1, 1, tzinfo=UTC))

    assert ran(client).body == b'{"total":7,"at":"2025-01-01T00:00:00Z"}'


@pytest.mark.parametrize(
    "value",
    [float("nan"), {"x": float("inf")}, {1, 2}, object(), "\ud800"],
    ids=["nan", "infinity", "set", "object", "surrogate"],
)
def test_output_that_cannot_be_json_is_not_tried_again(colour: Colour, value: Any) -> None:
    reply = ran(colour.declare(lambda _: value))
    document = document_of(reply)
    assert reply.status == 400
    assert reply.headers == {"x-inngest-no-retry": "true"}
    assert document["code"] == "output_unserializable"
    assert "'shop-pay'" in document["message"]


class Odd(BaseModel):
    """A type whose validator has a bug: pydantic lets what is no ValueError through."""

    total: int = 0

    @field_validator("total")
    @classmethod
    def _broken(cls, total: int) -> int:
        raise KeyError(total)


def test_a_validator_that_fails_oddly_is_an_error_of_the_function_not_of_the_app() -> None:
    client = dev_client()

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> Odd:
        return Odd.model_construct(total=7)

    reply = ran(client)
    assert reply.status == 500
    assert document_of(reply)["name"] == "KeyError"


def test_an_event_whose_validator_fails_oddly_is_an_error_of_the_function() -> None:
    client = dev_client()

    @client.create_function(fn_id="pay", trigger=inngest.EventType("shop/ordered", Odd))
    async def pay(ctx: inngest.Context[Odd]) -> None: ...

    document = call()
    document["event"]["data"] = {"total": 7}
    reply = ran(client, document)
    assert reply.status == 500
    assert document_of(reply)["name"] == "KeyError"


# What the function knows of its call.


def test_the_context_is_that_of_the_call(colour: Colour) -> None:
    def tell(ctx: Any) -> dict[str, Any]:
        return {
            "event": ctx.event.data,
            "events": len(ctx.events),
            "run": ctx.run_id,
            "attempts": [ctx.attempt, ctx.max_attempts],
            "ids": [ctx.app_id, ctx.function_id, ctx.request_id],
            "error": ctx.error,
        }

    reply = ran(colour.declare(tell), call(attempt=2, request_id="01K"))
    assert document_of(reply) == {
        "event": {"order": 7},
        "events": 1,
        "run": RUN_ID,
        "attempts": [2, 4],
        "ids": ["shop", "shop-pay", "01K"],
        "error": None,
    }


# What went wrong.


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail


def test_a_function_that_raises_is_a_500_to_be_tried_again(colour: Colour) -> None:
    reply = ran(colour.declare(failing(ValueError("no stock"))))
    document = document_of(reply)
    assert reply.status == 500
    assert reply.headers == {"x-inngest-no-retry": "false"}
    assert list(document) == ["code", "message", "name", "stack"]
    assert (document["name"], document["message"]) == ("ValueError", "no stock")
    assert document["code"] == "unknown"
    assert "in fail" in document["stack"]
    assert "inngest_asgi/" not in document["stack"]


def test_the_cause_is_told(colour: Colour) -> None:
    def fail(_: Any) -> None:
        try:
            raise KeyError("sku")
        except KeyError as error:
            raise ValueError("no stock") from error

    cause = document_of(ran(colour.declare(fail)))["cause"]
    assert (cause["name"], cause["message"]) == ("KeyError", "'sku'")


@pytest.mark.parametrize(
    ("error", "status", "headers", "code"),
    [
        pytest.param(
            inngest.NonRetriableError("gone"),
            400,
            {"x-inngest-no-retry": "true"},
            "non_retriable_error",
            id="non-retriable",
        ),
        pytest.param(
            inngest.RetryAfterError("busy", timedelta(seconds=1.5)),
            500,
            {"x-inngest-no-retry": "false", "retry-after": "2"},
            "retry_after_error",
            id="retry-after-a-delay",
        ),
        pytest.param(
            inngest.RetryAfterError("busy", datetime(2025, 1, 1, 12, tzinfo=UTC)),
            500,
            {"x-inngest-no-retry": "false", "retry-after": "2025-01-01T12:00:00.000Z"},
            "retry_after_error",
            id="retry-after-a-moment",
        ),
        pytest.param(
            SystemExit(1), 500, {"x-inngest-no-retry": "false"}, "unknown", id="system-exit"
        ),
        pytest.param(
            KeyboardInterrupt(), 500, {"x-inngest-no-retry": "false"}, "unknown", id="interrupt"
        ),
    ],
)
def test_an_error_says_whether_and_when_to_try_again(
    colour: Colour, error: BaseException, status: int, headers: dict[str, str], code: str
) -> None:
    reply = ran(colour.declare(failing(error)))
    assert (reply.status, reply.headers) == (status, headers)
    assert document_of(reply)["code"] == code


def test_errors_are_logged_with_their_run(colour: Colour, caplog: pytest.LogCaptureFixture) -> None:
    ran(colour.declare(failing(ValueError("no stock"))), call(attempt=1))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert f"'shop-pay' failed in run {RUN_ID}, attempt 2" in record.message
    assert "ValueError: no stock" in record.message


@pytest.mark.parametrize(
    "error",
    [
        inngest.NonRetriableError("gone", quiet=True),
        inngest.RetryAfterError("busy", 1000, quiet=True),
    ],
    ids=["non-retriable", "retry-after"],
)
def test_a_quiet_error_is_not_logged(
    colour: Colour, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    ran(colour.declare(failing(error)))
    ran(colour.declare_step(failing(error)))
    assert not caplog.records


# Steps.


def test_a_step_is_run_and_reported(colour: Colour) -> None:
    reply = ran(colour.declare_step(lambda: "one"))
    assert (reply.status, document_of(reply)) == (206, [RUN_OP])
    assert reply.headers == {"x-inngest-no-retry": "false"}


def test_a_step_is_only_planned_when_the_server_wants_it_so(colour: Colour) -> None:
    document = call(disable_immediate_execution=True)
    (op,) = document_of(ran(colour.declare_step(lambda: "one"), document))
    assert op["op"] == "StepPlanned"
    assert "data" not in op


def test_a_targeted_step_is_run(colour: Colour) -> None:
    document = call(disable_immediate_execution=True)
    assert document_of(ran(colour.declare_step(lambda: "one"), document, FIRST)) == [RUN_OP]


def test_a_recorded_step_is_not_run_again(colour: Colour) -> None:
    client = colour.declare_step(failing(AssertionError("it ran")))
    reply = ran(client, call({FIRST: {"data": "one"}}, stack=[FIRST]))
    assert (reply.status, reply.body) == (200, b'"one"')


@pytest.mark.parametrize(
    ("error", "attempt", "op", "headers"),
    [
        pytest.param(
            ValueError("x"), 0, "StepError", {"x-inngest-no-retry": "false"}, id="first-attempt"
        ),
        pytest.param(
            ValueError("x"), 3, "StepFailed", {"x-inngest-no-retry": "true"}, id="last-attempt"
        ),
        pytest.param(
            inngest.NonRetriableError("x"),
            0,
            "StepFailed",
            {"x-inngest-no-retry": "true"},
            id="non-retriable",
        ),
        pytest.param(
            inngest.RetryAfterError("x", 60_000),
            0,
            "StepError",
            {"x-inngest-no-retry": "false", "retry-after": "60"},
            id="retry-after",
        ),
        pytest.param(
            inngest.RetryAfterError("x", 60_000),
            3,
            "StepFailed",
            {"x-inngest-no-retry": "true"},
            id="retry-after-the-last-attempt",
        ),
    ],
)
def test_a_step_that_raises_is_a_206_that_says_whether_to_try_again(
    colour: Colour, error: Exception, attempt: int, op: str, headers: dict[str, str]
) -> None:
    reply = ran(colour.declare_step(failing(error)), call(attempt=attempt))
    (shape,) = document_of(reply)
    assert (reply.status, reply.headers, shape["op"]) == (206, headers, op)
    assert shape["error"]["name"] == type(error).__name__
    assert shape["error"]["message"] == "x"


def test_a_step_that_raises_is_logged(colour: Colour, caplog: pytest.LogCaptureFixture) -> None:
    ran(colour.declare_step(failing(ValueError("no stock"))))
    (record,) = caplog.records
    assert f"A step of function 'shop-pay' failed in run {RUN_ID}, attempt 1" in record.message


def test_a_result_that_cannot_be_json_fails_the_step_for_good(colour: Colour) -> None:
    reply = ran(colour.declare_step(lambda: float("nan")))
    (op,) = document_of(reply)
    assert (reply.status, op["op"]) == (206, "StepFailed")
    assert reply.headers == {"x-inngest-no-retry": "true"}
    assert "'first step'" in op["error"]["message"]


def test_a_failed_step_that_nobody_catches_fails_the_run(colour: Colour) -> None:
    memo = {"error": {"name": "CardDeclined", "message": "no", "stack": "at the bank"}}
    reply = ran(colour.declare_step(lambda: None), call({FIRST: memo}, stack=[FIRST]))
    assert reply.status == 400
    assert reply.headers == {"x-inngest-no-retry": "true"}
    assert document_of(reply) == {
        "code": "step_errored",
        "message": "no",
        "name": "CardDeclined",
        "stack": "at the bank",
    }


def test_a_target_that_is_not_met_is_a_500_to_be_tried_again(colour: Colour) -> None:
    reply = ran(colour.declare(lambda _: "done"), call(), "f" * 40)
    document = document_of(reply)
    assert reply.status == 500
    assert reply.headers == {"x-inngest-no-retry": "false"}
    assert document["code"] == "step_unexpected"
    assert "f" * 40 in document["message"]
    assert "none" in document["message"]


def test_a_target_that_is_not_met_is_told_with_those_that_were() -> None:
    client = Colour("blocking").declare_step(lambda: 1)
    assert FIRST in document_of(ran(client, call(), "f" * 40))["message"]


# Failure handlers.


@pytest.mark.parametrize("handler", COLOURS, ids=lambda one: one.name)
def test_a_failure_handler_of_either_colour_gets_the_error_rebuilt(
    colour: Colour, handler: Colour
) -> None:
    def tell(ctx: Any) -> list[Any]:
        error = ctx.error
        assert isinstance(error, inngest.StepError)
        return [ctx.function_id, error.name, error.message, error.stack, str(error.cause)]

    client = colour.declare(lambda _: None, on_failure=handler.handler(tell))
    error = {"name": "CardDeclined", "message": "no", "stack": "at x", "cause": {"message": "why"}}
    data = {"function_id": "shop-pay", "run_id": RUN_ID, "error": error}
    document = call() | {"event": {"name": "inngest/function.failed", "data": data}}
    reply = called(app_of(client), document, fn_id="shop-pay-failure")
    assert reply.document == ["shop-pay-failure", "CardDeclined", "no", "at x", "why"]


# What is refused. The whole list is in tests/routes/test_execute.py.


@pytest.mark.parametrize(
    ("body", "fn_id", "status"), [(b"{}", "shop-no", 500), (b"{", "shop-pay", 400)]
)
def test_a_call_that_is_none_is_refused(body: bytes, fn_id: str, status: int) -> None:
    client = Colour("async").declare(lambda _: None)
    with pytest.raises(RequestError) as refused:
        asyncio.run(runtime(client).execute(body, fn_id, None))
    assert refused.value.status == status
