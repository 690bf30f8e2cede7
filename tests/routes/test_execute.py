"""POST: what is refused, probes, which function is called, and that JSON is read once."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import rfc8785
from pydantic import BaseModel, field_serializer

import inngest_asgi as inngest
from inngest_asgi.testing import ManualClock
from tests.routes.asking import (
    ORDERED,
    app_of,
    asked,
    body_of,
    call,
    called,
    cloud_client,
    dev_client,
    shows_no_key,
    signed,
)
from tests.runtime.running import COLOURS, Colour

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

BODY = body_of(call())
QUERY = "fnId=shop-pay&stepId=step"
LIMIT = 1024


def with_ctx(**ctx: Any) -> bytes:
    return body_of(call(**ctx))


def without(*fields: str, **instead: Any) -> bytes:
    document = {key: value for key, value in call().items() if key not in fields} | instead
    return body_of(document)


BAD_BODIES = {
    "empty": b"",
    "not-json": b"{",
    "two-documents": b"{}{}",
    "nan": b'{"event":NaN}',
    "not-utf-8": b"\xff\xfe{}",
    "deeply-nested": b"[" * 2000,
    "array": b"[]",
    "string": b'"x"',
    "number": b"1",
    "null": b"null",
    "no-event": b"{}",
    "event-is-text": without("event", event="x"),
    "event-is-null": without("event", "events", event=None),
    "event-has-no-name": without("event", event={"data": {}}),
    "event-name-is-a-number": without("event", event={"name": 7}),
    "events-is-an-object": without("events", events={"a": 1}),
    "events-holds-text": without("events", events=["x"]),
    "steps-is-an-array": without("steps", steps=[1]),
    "ctx-is-an-array": without("ctx", ctx=[1]),
    "ctx-is-text": without("ctx", ctx="x"),
    "run-id-is-a-number": with_ctx(run_id=7),
    "attempt-is-text": with_ctx(attempt="1"),
    "attempt-is-negative": with_ctx(attempt=-1),
    "attempt-is-a-fraction": with_ctx(attempt=0.5),
    "attempt-is-true": with_ctx(attempt=True),
    "max-attempts-is-text": with_ctx(max_attempts="4"),
    "stack-is-an-array": body_of(call() | {"ctx": {"stack": ["a"]}}),
    "stack-holds-numbers": body_of(call() | {"ctx": {"stack": {"stack": [1]}}}),
    "stack-is-text": body_of(call() | {"ctx": {"stack": {"stack": "a"}}}),
}

BAD_INPUT = {
    "function-unknown": ("fnId=shop-no", BODY, 500, "function_not_found"),
    "function-of-another-app": ("fnId=bank-pay", BODY, 500, "function_not_found"),
    "function-not-ascii": ("fnId=%F0%9F%92%A9&stepId=step", BODY, 500, "function_not_found"),
    "fn-id-missing": ("stepId=step", BODY, 400, "query_param_missing"),
    "fn-id-empty": ("fnId=&stepId=step", BODY, 400, "query_param_missing"),
    "query-missing": ("", BODY, 400, "query_param_missing"),
    "query-not-text": (b"\xff\xfe&=&&", BODY, 400, "query_param_missing"),
    "query-too-long": ("a=1&" * 101 + QUERY, BODY, 400, "query_param_missing"),
    "probe-unknown": ("probe=shake", BODY, 400, "probe_unknown"),
    "probe-long": ("probe=" + "x" * 999, BODY, 400, "probe_unknown"),
    **{f"body-{name}": (QUERY, body, 400, "body_invalid") for name, body in BAD_BODIES.items()},
}

bad_input = pytest.mark.parametrize(
    ("query", "body", "status", "code"), list(BAD_INPUT.values()), ids=list(BAD_INPUT)
)


@bad_input
def test_bad_input_is_refused_with_a_code(
    query: str | bytes, body: bytes, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = asked(app_of(dev_client()), "POST", query=query, body=body)
    assert (answer.status, answer.code) == (status, code)
    assert answer.document.keys() == {"code", "message", "name"}
    assert answer.headers["x-inngest-no-retry"] == "false"
    assert b"Traceback" not in answer.body
    assert not caplog.records


@bad_input
def test_bad_input_in_cloud_mode_is_told_to_those_who_signed(
    query: str | bytes, body: bytes, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(cloud_client())
    answer = asked(app, "POST", query=query, body=body, headers=signed(body))
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["x-inngest-no-retry"] == "false"
    assert answer.headers["x-inngest-sdk"]
    assert shows_no_key(answer, caplog)


@bad_input
def test_bad_input_in_cloud_mode_is_a_401_to_strangers_whatever_it_is(
    query: str | bytes, body: bytes, status: int, code: str
) -> None:
    answer = asked(app_of(cloud_client()), "POST", query=query, body=body)
    assert (answer.status, answer.code) == (401, "header_missing")


@pytest.mark.parametrize("client", [dev_client, cloud_client], ids=["dev", "cloud"])
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b"", {"content-length": "1025"}, id="declared"),
        pytest.param(b"", {"content-length": "9" * 5000}, id="declared-absurdly"),
        pytest.param(b"x" * 1025, {}, id="sent-at-once"),
        pytest.param([b"x" * 600] * 2, {}, id="sent-in-chunks"),
        pytest.param([b"x" * 600] * 2, {"content-length": "5"}, id="declared-falsely"),
        pytest.param([b"x" * 600] * 2, {"content-length": "five"}, id="declared-as-text"),
    ],
)
def test_a_body_over_the_limit_is_a_413(
    client: Any, body: bytes | list[bytes], headers: dict[str, str]
) -> None:
    app = app_of(client(), max_body_bytes=LIMIT)
    answer = asked(app, "POST", query=QUERY, body=body, headers=headers)
    assert (answer.status, answer.code) == (413, "body_too_large")
    assert "1024 bytes" in answer.document["message"]


def test_a_body_at_the_limit_is_read(caplog: pytest.LogCaptureFixture) -> None:
    body = BODY + b" " * (LIMIT - len(BODY))
    app = app_of(dev_client(), max_body_bytes=LIMIT)
    assert called(app, body=body, headers={"content-length": str(LIMIT)}).status == 200


@pytest.mark.parametrize("chunks", [[BODY[:9], b"", BODY[9:], b""], [BODY, b""]])
def test_a_body_may_come_in_chunks(chunks: list[bytes]) -> None:
    answer = called(app_of(dev_client()), body=chunks)
    assert answer.document == {"paid": {"order": 7}}


@pytest.mark.parametrize("fn_id", ["shop-pay", "pay"])
def test_a_function_is_found_with_and_without_the_applications_prefix(fn_id: str) -> None:
    client = dev_client()

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> str:
        return ctx.function_id

    assert called(app_of(client), fn_id=fn_id).document == "shop-pay"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("fnId=caf%C3%A9", id="percent-encoded"),
        pytest.param("fnId=café".encode(), id="bare-utf-8"),
    ],
)
def test_a_function_id_that_is_not_ascii_is_read(query: str | bytes) -> None:
    client = dev_client()

    @client.create_function(fn_id="café", trigger=ORDERED)
    async def cafe(ctx: inngest.Context) -> str:
        return "coffee"

    assert called(app_of(client), query=query).document == "coffee"


@pytest.mark.parametrize(
    "query", ["fnId=shop-pay", "fnId=shop-pay&stepId=&x=y", "stepId=step&fnId=pay"]
)
def test_no_step_is_targeted_unless_the_query_says_so(query: str) -> None:
    assert called(app_of(dev_client()), query=query).status == 200


def test_the_trust_probe_is_answered_and_signed() -> None:
    answer = asked(app_of(cloud_client()), "POST", query="probe=trust", headers=signed())
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["x-inngest-signature"] == signed()["x-inngest-signature"]


def test_the_trust_probe_trusts_no_stranger() -> None:
    assert asked(app_of(cloud_client()), "POST", query="probe=trust").status == 401


def test_the_trust_probe_is_answered_in_dev_mode() -> None:
    assert asked(app_of(dev_client()), "POST", query="probe=trust").status == 200


TRACE = {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "inngest@app=1,inngest@fn=2",
}


def test_the_trace_of_a_call_is_echoed() -> None:
    answer = called(app_of(dev_client()), headers=TRACE | {"x-request-id": "1"})
    assert answer.headers.items() >= TRACE.items()
    assert "x-request-id" not in answer.headers


def test_no_trace_is_made_up() -> None:
    assert not called(app_of(dev_client())).headers.keys() & TRACE.keys()


def test_strangers_get_no_trace_and_no_timing() -> None:
    answer = called(app_of(cloud_client()), headers=TRACE)
    assert answer.status == 401
    assert not answer.headers.keys() & {*TRACE, "server-timing"}


def test_a_call_says_how_long_it_took() -> None:
    clock, client = ManualClock(), dev_client()

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> None:
        clock.advance(1.5)

    answer = called(app_of(client, clock=clock))
    assert answer.headers["server-timing"] == "call;dur=1500.000"


# One pass of JSON (architecture, rule of construction 3).

READERS = {orjson.loads: "read", json.loads: "read", rfc8785.dumps: "canonicalised"}
WRITERS = {orjson.dumps: "written", json.dumps: "written"}


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the passes of JSON in all threads, with no hand on the code that makes them."""
    passes: Counter[str] = Counter()
    watched = READERS | WRITERS
    codes = {one.__code__: what for one, what in watched.items() if hasattr(one, "__code__")}

    def note(frame: FrameType, event: str, arg: Any) -> None:
        if event == "c_call" and arg in (orjson.loads, orjson.dumps):
            passes[watched[arg]] += 1
        elif event == "call" and frame.f_code in codes:
            passes[codes[frame.f_code]] += 1

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield passes
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@pytest.mark.parametrize("kind", ["function", "step"])
@pytest.mark.parametrize("colour", COLOURS, ids=lambda one: one.name)
def test_json_is_read_once_and_written_once_in_a_call(colour: Colour, kind: str) -> None:
    result = {"rows": [1, 2, 3]}
    client = cloud_client()
    if kind == "function":
        colour.declare(lambda _: result, client)
    else:
        colour.declare_step(lambda: result, client)
    app, body = app_of(client), body_of(call({"f" * 40: {"data": list(range(99))}}))
    with counted() as passes:
        answer = asked(app, "POST", query="fnId=pay", body=body, headers=signed(body))
    assert answer.status == (200 if kind == "function" else 206)
    # Written twice: the result, and what it is embedded into as it is.
    assert passes == {"read": 1, "written": 2}


def test_the_counter_of_passes_counts() -> None:
    with counted() as passes:
        orjson.loads(b"1")
        json.loads("1")
        json.dumps(1)
        rfc8785.dumps(1)
    assert passes == {"read": 2, "written": 1, "canonicalised": 1}


def test_a_model_is_written_once() -> None:
    written: list[int] = []

    class Line(BaseModel):
        total: int

        @field_serializer("total")
        def _write(self, total: int) -> int:
            written.append(total)
            return total

    async def price() -> Line:
        return Line(total=7)

    client = COLOURS[0].declare_step(price)
    assert called(app_of(client)).document[0]["data"] == {"total": 7}
    assert written == [7]


# Middleware.


def test_middleware_gets_the_hosts_request_and_can_read_its_body_again() -> None:
    seen: list[Any] = []

    class Reading(inngest.Middleware):
        async def wrap_request(self, call: Any, call_next: Any) -> Any:
            request: Any = self.raw_request
            seen.append((request.method, request.headers["host"], await request.json()))
            assert call.raw_request is request
            return await call_next(call)

    document = call()
    answer = called(app_of(dev_client(middleware=[Reading])), document)
    assert answer.status == 200
    assert seen == [("POST", "app.example", document)]


def test_middleware_that_cannot_be_made_is_a_500_that_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(inngest.Middleware):
        def __init__(self, client: inngest.Inngest, raw_request: object) -> None:
            raise KeyError("DATABASE_URL")

    answer = called(app_of(dev_client(middleware=[Broken])))
    assert (answer.status, answer.headers["x-inngest-no-retry"]) == (500, "false")
    assert "Broken could not be made: KeyError: 'DATABASE_URL'" in answer.document["message"]
    assert caplog.messages == [answer.document["message"]]


def test_what_makes_no_middleware_is_a_500_that_says_so() -> None:
    client = dev_client(middleware=[lambda client, raw_request: "middleware"])
    answer = called(app_of(client))
    assert answer.status == 500
    assert "made 'middleware'; pass a class derived from Middleware" in answer.document["message"]
