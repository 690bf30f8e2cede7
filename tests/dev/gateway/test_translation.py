"""Registrations, requests and replies of connect as the rest of the server knows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inngest_asgi.connect.messages import (
    AppConfiguration,
    AuthData,
    Response,
    ResponseStatus,
    WorkerConnect,
)
from inngest_asgi.dev.answers import Failed, Reported, Returned, interpret
from inngest_asgi.dev.apps.registration import parse_registration
from inngest_asgi.dev.calls import Request
from inngest_asgi.dev.gateway.translation import (
    answer_of,
    executor_request,
    registration,
    slugs_of,
)
from inngest_asgi.dev.records import Function, Job, JobKind
from inngest_asgi.errors import RequestError
from tests.dev.fakes import FakeApp, output
from tests.dev.gateway.fakes import configuration

APP = configuration(FakeApp().add("pay", lambda call: output(None)), "v7")
WORKER = WorkerConnect(
    "id",
    "worker-1",
    AuthData(),
    (APP,),
    capabilities=b'{"connect":"v1"}',
    sdk_language="go",
    sdk_version="0.9",
    framework="connect",
)
HEADERS = {"traceparent": "00-a-b-01", "tracestate": "x=y"}


def test_an_app_registers_as_it_would_over_http() -> None:
    document = registration(WORKER, APP)
    parsed = parse_registration(document)
    assert (parsed.app_name, parsed.app_version) == ("shop", "v7")
    assert parsed.url == "ws://connect?app_name=shop"
    assert (parsed.sdk, parsed.framework) == ("go:v0.9", "connect")
    assert (document["deployType"], document["capabilities"]) == ("connect", {"connect": "v1"})
    assert slugs_of(document) == {"shop-pay"}


def test_a_worker_that_tells_no_capabilities_has_none() -> None:
    assert registration(replace(WORKER, capabilities=b""), APP)["capabilities"] == {}


@pytest.mark.parametrize(
    ("worker", "app"),
    [(WORKER, AppConfiguration("shop", b"[")), (replace(WORKER, capabilities=b"?"), APP)],
    ids=["functions", "capabilities"],
)
def test_what_is_no_json_is_refused(worker: WorkerConnect, app: AppConfiguration) -> None:
    with pytest.raises(RequestError, match="app 'shop' are no JSON") as refusal:
        registration(worker, app)
    assert refusal.value.code == "connect_invalid_function_config"


@pytest.mark.parametrize(
    ("url", "called"),
    [("wss://connect/?fnId=my-fn&stepId=step", "my-fn"), ("ws://connect", "shop-pay")],
    ids=["named-in-the-url", "not-named"],
)
def test_a_function_is_called_what_its_worker_calls_it(url: str, called: str) -> None:
    function = Function("fn", "app", "shop-pay", "Pay", url, 4, [], {})
    job = Job("job", "run", JobKind.CALL, None, 0.0)
    sent = executor_request(Request("POST", url, HEADERS, b"{}"), "request", job, function)
    assert (sent.function_slug, sent.step_id, sent.request_payload) == (called, "step", b"{}")
    assert sent.system_trace_ctx == b'{"traceparent":"00-a-b-01","tracestate":"x=y"}'


DONE, MORE, ERROR = ResponseStatus.DONE, ResponseStatus.NOT_COMPLETED, ResponseStatus.ERROR
CRASH = b'{"name":"Boom","message":"no"}'


@pytest.mark.parametrize(
    ("reply", "kind", "about"),
    [
        ({"status": DONE, "body": b'"a"'}, Returned, {"output": b'"a"'}),
        ({"status": MORE, "body": b"[]"}, Reported, {"ops": (), "version": 2}),
        ({"status": MORE, "body": b"[]", "no_retry": True}, Reported, {"no_retry": True}),
        ({"status": ERROR, "body": CRASH}, Failed, {"final": False, "retry_after": None}),
        ({"status": ERROR, "body": CRASH, "no_retry": True}, Failed, {"final": True}),
        ({"status": ERROR, "body": CRASH, "retry_after": "30"}, Failed, {"retry_after": 30.0}),
        ({"status": DONE, "body": CRASH, "no_retry": True}, Failed, {"final": True}),
        ({"status": ERROR, "body": b"error calling function: no"}, Failed, {"final": False}),
    ],
    ids=[
        *("returned", "steps", "steps-no-retry", "error", "final-error", "retry-after"),
        *("final-error-as-done", "plain-text"),
    ],
)
def test_a_reply_means_what_the_same_http_answer_does(
    reply: dict[str, Any], kind: type, about: dict[str, Any]
) -> None:
    outcome = interpret(answer_of(Response("request", request_version=2, **reply)), 0.0)
    assert isinstance(outcome, kind)
    assert {name: getattr(outcome, name) for name in about} == about


def test_a_final_error_keeps_its_message() -> None:
    reply = Response("request", status=DONE, body=CRASH, no_retry=True)
    outcome = interpret(answer_of(reply), 0.0)
    assert isinstance(outcome, Failed)
    assert (outcome.error["name"], outcome.error["message"]) == ("Boom", "no")


@pytest.mark.parametrize(("sdk", "header"), [("go:v1", "go:v1"), ("", "connect")])
def test_a_reply_comes_from_an_sdk_whether_it_says_so_or_not(sdk: str, header: str) -> None:
    assert answer_of(Response("request", sdk_version=sdk)).headers["x-inngest-sdk"] == header
