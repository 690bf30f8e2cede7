"""Streams: begun at once, kept alive by the clock, ended by an envelope; and callers who leave."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from tests.routes.asking import (
    RUN_ID,
    Answer,
    Api,
    app_of,
    asked,
    call,
    called,
    cloud_client,
    dev_client,
    shows_no_key,
    signed,
)
from tests.routes.lines import BODY, QUERY, gated, line, patient
from tests.runtime.running import COLOURS, Colour

if TYPE_CHECKING:
    from starlette.types import Message

SPACE = {"type": "http.response.body", "body": b" ", "more_body": True}

each_colour = pytest.mark.parametrize("colour", COLOURS, ids=lambda one: one.name)


def envelope_of(answer: Answer) -> dict[str, Any]:
    """Take the envelope off a streamed answer, as servers do."""
    assert answer.status == 201
    document = json.loads(answer.body.strip())
    assert isinstance(document, dict)
    return document


def streamed(client: inngest.Inngest, document: Any = None, **more: Any) -> dict[str, Any]:
    return envelope_of(called(app_of(client, streaming=True), document, **more))


def raising(error: Exception) -> Any:
    def raise_it(ctx: Any) -> None:
        raise error

    return raise_it


# The stream.


@each_colour
def test_it_begins_at_once_and_is_kept_alive_every_three_seconds(colour: Colour) -> None:
    async def run() -> None:
        gate = gated(colour)
        async with line(gate.client) as (opened, task):
            start, *rest = await opened.after()
            assert (start["type"], start["status"]) == ("http.response.start", 201)
            assert rest == [SPACE]
            assert await opened.after(2.99) == []
            assert await opened.after(0.02) == [SPACE]
            assert await opened.after(3) == [SPACE]
            gate.open()
            async with asyncio.timeout(5):
                await task
            (last,) = opened.sent
            assert json.loads(last["body"])["body"] == '"through"'
            assert last.get("more_body", False) is False

    asyncio.run(run())


@each_colour
def test_the_envelope_byte_for_byte(colour: Colour) -> None:
    client = colour.declare(lambda _: {"total": 7, "a": "ä\n"})
    answer = called(app_of(client, streaming=True))
    version = answer.headers["x-inngest-sdk"]
    assert answer.body.decode() == (
        ' {"status":200,"headers":{"x-inngest-sdk-handled":"true",'
        f'"x-inngest-sdk":"{version}","x-inngest-framework":"asgi","x-inngest-req-version":"2",'
        '"x-inngest-no-retry":"false","server-timing":"call;dur=0.000"},'
        '"body":"{\\"total\\":7,\\"a\\":\\"ä\\\\n\\"}"}'
    )


def test_the_response_itself_says_who_we_are_and_nothing_of_the_outcome() -> None:
    answer = called(app_of(dev_client(), streaming=True))
    assert answer.headers.keys() == {
        "content-type",
        "x-inngest-sdk-handled",
        "x-inngest-sdk",
        "x-inngest-framework",
        "x-inngest-req-version",
    }
    assert answer.headers["content-type"] == "application/json"


@each_colour
@pytest.mark.parametrize(
    "output", [None, "[1]", '{"status":400}', "", 0, [], {"body": "x"}], ids=repr
)
def test_whatever_a_function_returns_the_body_is_its_json_as_text(
    colour: Colour, output: Any
) -> None:
    body = streamed(colour.declare(lambda _: output))["body"]
    assert isinstance(body, str)
    assert json.loads(body) == output


@each_colour
def test_steps_are_reported_in_the_envelope(colour: Colour) -> None:
    envelope = streamed(colour.declare_step(lambda: "one"))
    assert envelope["status"] == 206
    (op,) = json.loads(envelope["body"])
    assert (op["op"], op["data"]) == ("StepRun", "one")


@each_colour
@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        pytest.param(ValueError("no"), 500, {"x-inngest-no-retry": "false"}, id="retriable"),
        pytest.param(
            inngest.NonRetriableError("no"), 400, {"x-inngest-no-retry": "true"}, id="final"
        ),
        pytest.param(
            inngest.RetryAfterError("no", 5000),
            500,
            {"x-inngest-no-retry": "false", "retry-after": "5"},
            id="later",
        ),
    ],
)
def test_errors_of_a_function_are_in_the_envelope(
    colour: Colour, error: Exception, status: int, headers: dict[str, str]
) -> None:
    envelope = streamed(colour.declare(raising(error)))
    assert envelope["status"] == status
    assert envelope["headers"].items() >= headers.items()
    assert json.loads(envelope["body"])["message"] == "no"


def test_errors_of_our_own_are_in_the_envelope_once_the_call_has_begun(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = Api({f"/v0/runs/{RUN_ID}/actions": (404, b"gone")})
    envelope = streamed(dev_client(api), call(use_api=True))
    assert envelope["status"] == 500
    assert json.loads(envelope["body"])["code"] == "internal_server_error"
    assert envelope["headers"]["x-inngest-no-retry"] == "false"
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("query", "body", "headers", "status"),
    [
        pytest.param(QUERY, BODY, {}, 401, id="unsigned"),
        pytest.param(QUERY, BODY, signed(b"x"), 401, id="signed-wrongly"),
        pytest.param("", BODY, signed(BODY), 400, id="no-function"),
        pytest.param("fnId=shop-no", BODY, signed(BODY), 500, id="unknown-function"),
        pytest.param(QUERY, b"[]", signed(b"[]"), 400, id="body"),
        pytest.param(QUERY, b" " * 99_999, {}, 413, id="large-body"),
        pytest.param("probe=trust", BODY, signed(BODY), 200, id="probe"),
    ],
)
def test_what_is_refused_before_a_call_is_refused_plainly(
    query: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    app = app_of(cloud_client(), streaming=True, max_body_bytes=9_999)
    answer = asked(app, "POST", query=query, body=body, headers=headers)
    assert answer.status == status
    assert answer.headers["content-length"] == str(len(answer.body))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_calls_are_streamed(method: str) -> None:
    assert asked(app_of(dev_client(Api()), streaming=True), method).status in (200, 405)


def test_the_envelope_is_signed_inside_and_the_stream_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = app_of(cloud_client(), streaming=True)
    answer = called(app, body=BODY, headers=signed(BODY))
    envelope = envelope_of(answer)
    assert "x-inngest-signature" not in answer.headers
    inner = envelope["body"].encode()
    assert envelope["headers"]["x-inngest-signature"] == signed(inner)["x-inngest-signature"]
    assert shows_no_key(answer, caplog)


def test_the_trace_is_echoed_in_the_envelope() -> None:
    trace = {"traceparent": "00-abc-def-01", "tracestate": "inngest@app=1"}
    headers = streamed(dev_client(), headers=trace)["headers"]
    assert headers.items() >= trace.items()


# Whether there is one.


@pytest.mark.parametrize(
    ("argument", "variable", "status"),
    [
        (None, None, 200),
        (True, None, 201),
        (False, "true", 200),
        (True, "disable", 201),
        (inngest.Streaming.FORCE, "0", 201),
        (inngest.Streaming.DISABLE, "force", 200),
        (None, "force", 201),
        (None, "disable", 200),
    ],
)
def test_the_argument_decides_then_the_environment(
    argument: Any, variable: str | None, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable is not None:
        monkeypatch.setenv("INNGEST_STREAMING", variable)
    answer = called(app_of(dev_client(), streaming=argument))
    assert answer.status == status
    assert ("content-length" in answer.headers) is (status == 200)


def test_a_variable_that_says_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_STREAMING", "maybe")
    app = app_of(dev_client())
    answer = called(app)
    assert answer.status == 500
    assert "INNGEST_STREAMING" in answer.document["message"]
    (problem,) = asked(app, "GET", "/health/ready").document["problems"]
    assert "INNGEST_STREAMING" in problem


# Callers who leave.


@each_colour
def test_without_its_caller_a_function_ends_all_the_same(colour: Colour) -> None:
    async def run() -> list[Message]:
        gate = gated(colour)
        async with line(gate.client) as (opened, task):
            await opened.after()
            opened.left.set()
            opened.broken = True
            assert await opened.after(3) == []
            assert not task.done()
            gate.open()
            async with asyncio.timeout(5):
                await task
        return opened.sent

    assert asyncio.run(run()) == []


def test_a_caller_who_is_gone_before_the_stream_begins_is_no_error() -> None:
    async def run() -> None:
        gate = gated(COLOURS[0])
        gate.open()
        async with line(gate.client) as (opened, task):
            opened.broken = True
            await task

    asyncio.run(run())


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "plain"])
def test_without_its_caller_a_function_is_cancelled_if_that_is_wanted(streaming: bool) -> None:  # noqa: FBT001
    async def run() -> list[str]:
        diary = patient()
        options = {"streaming": streaming, "cancel_on_disconnect": True}
        async with line(diary.client, **options) as (opened, task):
            await opened.after()
            assert diary.said == ["began"]
            opened.left.set()
            async with asyncio.timeout(5):
                await task
        return diary.said

    assert asyncio.run(run()) == ["began", "cleaned up"]


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "plain"])
@each_colour
def test_with_its_caller_there_a_function_is_not_cancelled(
    colour: Colour,
    streaming: bool,  # noqa: FBT001
) -> None:
    async def run() -> bytes:
        gate = gated(colour)
        options = {"streaming": streaming, "cancel_on_disconnect": True}
        async with line(gate.client, **options) as (opened, task):
            await opened.after()
            gate.open()
            async with asyncio.timeout(5):
                await task
            body = opened.sent[-1]["body"]
            assert isinstance(body, bytes)
            return body

    assert b"through" in asyncio.run(run())


def test_a_blocking_function_without_its_caller_is_let_go() -> None:
    async def run() -> None:
        gate = gated(COLOURS[1])
        options = {"streaming": False, "cancel_on_disconnect": True}
        async with line(gate.client, **options) as (opened, task):
            await opened.after()
            opened.left.set()
            async with asyncio.timeout(5):
                await task
            start, _ = opened.sent
            assert start["status"] == 499
            gate.open()

    asyncio.run(run())


@pytest.mark.parametrize("options", [{}, {"cancel_on_disconnect": True}], ids=["ends", "cancels"])
def test_a_host_that_cancels_a_request_cancels_its_function(options: dict[str, bool]) -> None:
    async def run() -> list[str]:
        diary = patient()
        async with line(diary.client, **options) as (opened, task):
            await opened.after()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return list(diary.said)

    assert asyncio.run(run()) == ["began", "cleaned up"]


def test_nothing_is_left_behind_by_a_stream() -> None:
    async def run() -> set[asyncio.Task[Any]]:
        gate = gated(COLOURS[0])
        async with line(gate.client, cancel_on_disconnect=True) as (opened, task):
            await opened.after(3)
            gate.open()
            await task
        assert opened.clock.sleepers == 0
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(run()) == set()
