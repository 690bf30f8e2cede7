"""What middleware sees of a request that came over a connection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inngest_asgi.connect import ConnectRequest
from inngest_asgi.connect.messages import ExecutorRequest

SENT = ExecutorRequest(
    request_id="request-1",
    account_id="account",
    env_id="env",
    app_name="shop",
    function_slug="shop-pay",
    step_id="step",
    request_payload=b"{}",
    system_trace_ctx=b'{"traceparent":"system","tracestate":"a=b","baggage":1}',
    user_trace_ctx=b'{"Traceparent":"user"}',
    run_id="run-1",
    job_id="job-1",
)


def test_it_has_what_the_gateway_sent() -> None:
    request = ConnectRequest.of(SENT)
    assert (request.app_name, request.function_slug) == ("shop", "shop-pay")
    assert (request.request_id, request.run_id, request.job_id) == ("request-1", "run-1", "job-1")
    assert (request.account_id, request.env_id) == ("account", "env")
    assert (request.step_id, request.body) == ("step", b"{}")


def test_it_has_the_headers_an_http_call_would_have() -> None:
    assert dict(ConnectRequest.of(SENT).headers) == {
        "x-request-id": "request-1",
        "x-run-id": "run-1",
        "x-inngest-job-id": "job-1",
        "x-inngest-step-id": "step",
        "account-id": "account",
        "traceparent": "user",
        "tracestate": "a=b",
    }


def test_what_is_not_known_is_no_header() -> None:
    request = ConnectRequest.of(ExecutorRequest("request-1"))
    assert dict(request.headers) == {"x-request-id": "request-1"}


@pytest.mark.parametrize("context", [b"", b"{", b"[]", b"null", b"\xff"])
def test_a_broken_trace_context_says_nothing(context: bytes) -> None:
    sent = replace(SENT, system_trace_ctx=context, user_trace_ctx=context)
    assert "traceparent" not in ConnectRequest.of(sent).headers


def test_its_repr_shows_no_data() -> None:
    sent = replace(SENT, request_payload=b'{"secret":1}')
    assert "secret" not in repr(ConnectRequest.of(sent))
