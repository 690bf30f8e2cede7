"""What user code does wrong, or does to unwinding: what the server is told, what the log says."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from tests.conformance.exchanges import Serve, answered, planned, ran
from tests.routes.asking import ORDERED, app_of, call, called, dev_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.routes.asking import Answer


def reported(answer: Answer) -> dict[str, Any]:
    (report,) = json.loads(answer.body)
    assert isinstance(report, dict)
    return report


def chained(depth: int) -> ValueError:
    """Return an error with a chain of causes."""
    error = ValueError(f"depth {depth}")
    error.__cause__ = chained(depth - 1) if depth else None
    return error


def depth_of(error: dict[str, Any]) -> int:
    return 1 + depth_of(error["cause"]) if "cause" in error else 0


def step_that(body: Callable[[], Any]) -> Any:
    async def pay(ctx: Any) -> Any:
        return await ctx.step.run("a", body)

    return pay


def raiser(error: BaseException) -> Callable[[], Any]:
    def body() -> Any:
        raise error

    return body


@pytest.mark.parametrize(("depth", "shown"), [(0, 0), (1, 1), (5, 5), (6, 5), (40, 5)])
def test_causes_are_told_five_deep(serve: Serve, depth: int, shown: int) -> None:
    report = reported(answered(serve(step_that(raiser(chained(depth))))))
    assert depth_of(report["error"]) == shown


@pytest.mark.parametrize(("depth", "shown"), [(1, 1), (6, 5)])
def test_causes_of_a_functions_error_are_told_five_deep(
    serve: Serve, depth: int, shown: int
) -> None:
    async def pay(_: Any) -> None:
        raise chained(depth)

    assert depth_of(answered(serve(pay)).document) == shown


def test_an_error_that_causes_itself_is_told_five_deep(serve: Serve) -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    report = reported(answered(serve(step_that(raiser(one)))))
    assert depth_of(report["error"]) == 5


def test_user_code_sees_every_field_of_a_step_error(serve: Serve) -> None:
    async def pay(ctx: Any) -> Any:
        try:
            await ctx.step.run("a", lambda: None)
        except inngest.StepError as error:
            assert error.cause is error.__cause__
            cause = error.cause
            return [str(error), error.name, error.message, error.stack, error.step_id, repr(cause)]

    memo = {
        "name": "KeyError",
        "message": "'k'",
        "stack": "Traceback ...",
        "cause": {"name": "OSError", "message": "disk"},
    }
    answer = answered(serve(pay), {"a": {"error": memo}})
    shown = ["'k'", "KeyError", "'k'", "Traceback ...", "a", "StepError('disk')"]
    assert json.loads(answer.body) == shown


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def deep() -> Any:
    value: Any = None
    for _ in range(300):
        value = [value]
    return value


UNWRITABLE: dict[str, Callable[[], Any]] = {
    "NaN": lambda: float("nan"),
    "infinity, deep inside": lambda: {"a": [{"b": float("-inf")}]},
    "a set": lambda: {1, 2},
    "a cycle": endless,
    "an object": object,
    "a lone surrogate": lambda: "\ud800",
    "300 lists in each other": deep,
    "bytes": lambda: b"x",
}


@pytest.mark.parametrize("body", UNWRITABLE.values(), ids=list(UNWRITABLE))
def test_a_result_that_is_no_json_fails_its_step_for_good(
    serve: Serve, body: Callable[[], Any]
) -> None:
    answer = answered(serve(step_that(body)))
    report = reported(answer)
    assert (report["op"], report["error"]["name"]) == ("StepFailed", "OutputError")
    assert report["error"]["message"].startswith("Step 'a' returned ")
    assert answer.headers["x-inngest-no-retry"] == "true"


@pytest.mark.parametrize("make", UNWRITABLE.values(), ids=list(UNWRITABLE))
def test_an_output_that_is_no_json_fails_its_run_for_good(
    serve: Serve, make: Callable[[], Any]
) -> None:
    async def pay(_: Any) -> Any:
        return make()

    answer = answered(serve(pay))
    assert (answer.status, answer.code) == (400, "output_unserializable")
    assert answer.document["message"].startswith("Function 'shop-pay' returned ")
    assert answer.headers["x-inngest-no-retry"] == "true"


@pytest.mark.parametrize("swallowed", [False, True], ids=["as-it-is", "swallowed"])
def test_a_nested_step_fails_the_outer_one_for_good(
    serve: Serve,
    swallowed: bool,  # noqa: FBT001
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def pay(ctx: Any) -> Any:
        async def outer() -> Any:
            try:
                return await ctx.step.run("inner", lambda: 1)
            except BaseException:
                if not swallowed:
                    raise

        return await ctx.step.run("outer", outer)

    answer = answered(serve(pay))
    report = reported(answer)
    assert (report["op"], report["name"]) == ("StepFailed", "outer")
    assert report["error"]["name"] == "NestedStepError"
    assert report["error"]["message"].startswith("Nested steps are not supported")
    assert [one.count("Nested steps are not supported") for one in caplog.messages] == [1]
    assert answer.headers["x-inngest-no-retry"] == "true"


async def cleaning(ctx: Any) -> Any:
    try:
        return await ctx.step.run("work", lambda: "done")
    finally:
        await ctx.step.run("clean", lambda: "cleaned")


FAILED = {"error": {"name": "ValueError", "message": "no"}}
FINALLY = [
    pytest.param({}, 206, ran("work", '"done"'), id="unwinding-adds-nothing"),
    pytest.param({"work": {"data": "done"}}, 206, ran("clean", '"cleaned"'), id="then-the-finally"),
    pytest.param(
        {"work": {"data": "done"}, "clean": {"data": None}}, 200, b'"done"', id="then-the-end"
    ),
    pytest.param({"work": FAILED}, 206, ran("clean", '"cleaned"'), id="after-a-failure"),
]


@pytest.mark.parametrize(("memos", "status", "body"), FINALLY)
def test_a_step_in_a_finally_runs_when_it_is_its_turn(
    serve: Serve, memos: dict[str, Any], status: int, body: bytes
) -> None:
    answer = answered(serve(cleaning), memos)
    assert (answer.status, answer.body) == (status, body)


async def swallowing(ctx: Any) -> Any:
    try:
        await ctx.step.run("a", lambda: "A")
    except BaseException:  # noqa: BLE001 - that is the point
        await ctx.step.run("b", lambda: "B")
    return "end"


def test_code_that_swallows_everything_cannot_change_an_answer(serve: Serve) -> None:
    app = serve(swallowing)
    assert answered(app).body == ran("a", '"A"')
    assert answered(app, disable_immediate_execution=True).body == planned("a")
    assert answered(app, {"a": {"data": "A"}}).body == b'"end"'


@pytest.mark.parametrize("error", [KeyboardInterrupt("stop"), SystemExit(3)], ids=repr)
def test_a_step_that_would_end_the_server_only_fails(serve: Serve, error: BaseException) -> None:
    report = reported(answered(serve(step_that(raiser(error)))))
    assert (report["op"], report["error"]["name"]) == ("StepError", type(error).__name__)


@pytest.mark.parametrize("error", [KeyboardInterrupt("stop"), SystemExit(3)], ids=repr)
def test_a_function_that_would_end_the_server_only_fails(
    serve: Serve, error: BaseException
) -> None:
    async def pay(_: Any) -> None:
        raise error

    answer = answered(serve(pay))
    assert (answer.status, answer.document["name"]) == (500, type(error).__name__)
    assert answer.headers["x-inngest-no-retry"] == "false"


# Failure handlers.


def failed_call() -> dict[str, Any]:
    error = {"name": "KeyError", "message": "'k'", "stack": "Traceback ..."}
    data = {"function_id": "shop-pay", "run_id": "01J", "error": error, "event": {"name": "x"}}
    event = {"name": "inngest/function.failed", "data": data, "id": "1", "ts": 1}
    return call() | {"event": event | {"user": {}}, "events": [event]}


def with_handler(*, blocking: bool, error: BaseException | None = None) -> Answer:
    client = dev_client()

    def handle(ctx: Any) -> Any:
        if error is not None:
            raise error
        return [ctx.error.name, ctx.error.message, ctx.error.stack, ctx.error.step_id]

    async def handle_async(ctx: inngest.Context) -> Any:
        return handle(ctx)

    given: Any = handle if blocking else handle_async

    @client.create_function(fn_id="pay", trigger=ORDERED, on_failure=given)
    async def pay(ctx: inngest.Context) -> None: ...

    return called(app_of(client), failed_call(), fn_id="shop-pay-failure")


@pytest.mark.parametrize("blocking", [False, True], ids=["async", "blocking"])
def test_a_failure_handler_of_either_colour_gets_the_error(blocking: bool) -> None:  # noqa: FBT001
    answer = with_handler(blocking=blocking)
    assert (answer.status, json.loads(answer.body)) == (
        200,
        ["KeyError", "'k'", "Traceback ...", None],
    )


@pytest.mark.parametrize("blocking", [False, True], ids=["async", "blocking"])
@pytest.mark.parametrize(
    ("error", "status", "no_retry"),
    [
        pytest.param(ValueError("no"), 500, "false", id="error"),
        pytest.param(inngest.NonRetriableError("no"), 400, "true", id="non-retriable"),
    ],
)
def test_an_error_in_a_failure_handler_is_an_error_like_any_other(
    blocking: bool,  # noqa: FBT001
    error: BaseException,
    status: int,
    no_retry: str,
) -> None:
    answer = with_handler(blocking=blocking, error=error)
    assert (answer.status, answer.document["name"]) == (status, type(error).__name__)
    assert answer.headers["x-inngest-no-retry"] == no_retry


# The log.


def users_own_code() -> None:
    raise LookupError("gone")


async def failing_function(_: Any) -> None:
    users_own_code()


@pytest.mark.parametrize(
    "pay", [failing_function, step_that(users_own_code)], ids=["function", "step"]
)
def test_an_error_is_logged_once_and_with_the_users_frames_only(
    serve: Serve, pay: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = answered(serve(pay))
    (record,) = [one for one in caplog.records if "LookupError" in one.getMessage()]
    frames = [line for line in record.getMessage().splitlines() if line.startswith("  File ")]
    assert record.exc_info is None
    assert frames
    assert all("/tests/" in line for line in frames)
    assert not any("/inngest_asgi/" in line for line in frames)
    assert "/inngest_asgi/" not in answer.body.decode()


@pytest.mark.parametrize(
    "error",
    [
        inngest.NonRetriableError("no", quiet=True),
        inngest.RetryAfterError("no", 1000, quiet=True),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("where", ["function", "step"])
def test_a_quiet_error_is_not_logged(
    serve: Serve, error: BaseException, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def in_the_function(_: Any) -> None:
        raise error

    pay = in_the_function if where == "function" else step_that(raiser(error))
    with caplog.at_level(logging.DEBUG):
        assert answered(serve(pay)).status in (206, 400, 500)
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []
