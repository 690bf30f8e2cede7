"""Requests of steps: where keys go, what is sent, and what the answers come to."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.dev.fakes import Asked, Reply, op
from tests.dev.remote import AI, MB, SECRET, asking, error_of, fetch, infer, memo, sent


def test_a_fetch_brings_back_the_response_whatever_its_status() -> None:
    app = asking(fetch(url="http://api.test/items?page=2", method="get"))
    answer = Reply(
        404, b"n\xc3\xb6", {"content-type": "text/plain", "x-rate-limit": "5"}, sdk=False
    )
    assert memo(app, lambda asked: answer) == {
        "data": {
            "url": "http://api.test/items?page=2",
            "headers": {"Content-Type": "text/plain", "X-Rate-Limit": "5"},
            "body": "nö",
            "status_code": 404,
        }
    }
    (asked,) = app.asked
    assert (asked.method, asked.url, asked.body) == ("GET", "http://api.test/items?page=2", b"")


@pytest.mark.parametrize(
    ("opts", "method", "body"),
    [
        ({}, "POST", b""),
        ({"method": ""}, "POST", b""),
        ({"method": "patch", "body": '{"a": 1}'}, "PATCH", b'{"a": 1}'),
        ({"body": "plain"}, "POST", b'"plain"'),
        ({"body": "7"}, "POST", b"7"),
        ({"body": ""}, "POST", b""),
        ({"body": None}, "POST", b""),
    ],
    ids=["default", "empty-method", "json", "quoted", "number", "empty", "null"],
)
def test_what_a_fetch_sends(opts: dict[str, Any], method: str, body: bytes) -> None:
    asked = sent(fetch(**opts))
    assert (asked.method, asked.body) == (method, body)


def test_headers_of_a_fetch_are_sent_and_the_server_names_itself() -> None:
    asked = sent(fetch(headers={"X-One": " 1 ", "authorization": "Bearer t"}))
    assert (asked.header("x-one"), asked.header("authorization")) == (["1"], ["Bearer t"])
    assert asked.header("user-agent")[0].startswith("inngest-asgi-dev/")
    assert sent(fetch(headers={"User-Agent": "me"})).header("user-agent") == ["me"]


@pytest.mark.parametrize(
    ("kind", "header", "value"),
    [
        ("openai-chat", "authorization", f"Bearer {SECRET}"),
        ("openai-responses", "authorization", f"Bearer {SECRET}"),
        ("azure-openai", "authorization", f"Bearer {SECRET}"),
        ("grok", "authorization", f"Bearer {SECRET}"),
        ("something-new", "authorization", f"Bearer {SECRET}"),
        (None, "authorization", f"Bearer {SECRET}"),
        ("anthropic", "x-api-key", SECRET),
        ("bedrock", "authorization", SECRET),
    ],
)
def test_where_each_provider_finds_the_key(kind: str | None, header: str, value: str) -> None:
    asked = sent(infer(format=kind))
    assert asked.header(header) == [value]
    assert asked.url == AI


@pytest.mark.parametrize(
    ("url", "asked"),
    [(AI, f"{AI}?key={SECRET}"), (f"{AI}?key=x", f"{AI}?key=x&key={SECRET}")],
    ids=["alone", "twice"],
)
def test_gemini_finds_the_key_in_the_query(url: str, asked: str) -> None:
    request = sent(infer(format="gemini", url=url))
    assert request.url == asked
    assert request.header("authorization") == []


def test_a_model_call_is_a_post_of_json_with_headers_appended() -> None:
    asked = sent(infer(headers={"Content-Type": "application/x", "anthropic-version": "1"}))
    assert (asked.method, asked.body) == ("POST", b'{"model":"m"}')
    assert asked.header("content-type") == ["application/json", "application/x"]
    assert asked.header("anthropic-version") == ["1"]


def test_a_model_call_without_a_key_sends_none() -> None:
    assert sent(infer(auth_key="")).header("authorization") == []


def test_a_model_call_returns_what_the_provider_answered() -> None:
    answer = Reply(200, {"choices": [1]}, sdk=False)
    assert memo(asking(infer()), lambda asked: answer) == {"data": {"choices": [1]}}


def test_a_provider_that_refuses_fails_the_step_with_what_it_said() -> None:
    body = {"error": {"message": "quota"}}
    error = error_of(infer(), lambda asked: Reply(429, body, sdk=False))
    assert error["name"] == "AIGatewayError"
    assert error["message"] == f"{AI} answered with HTTP status 429."
    assert (error["data"], error["stack"]) == (body, '{"error": {"message": "quota"}}')


@pytest.mark.parametrize("status", [200, 500])
def test_a_provider_that_answers_a_web_page_fails_the_step(status: int) -> None:
    error = error_of(infer(), lambda asked: Reply(status, b"<html>", sdk=False))
    reason = "did not answer in JSON" if status == 200 else "answered with HTTP status 500"
    assert error["message"] == f"{AI} {reason}."
    assert (error["stack"], "data" in error) == ("<html>", False)


def test_a_fetch_that_reaches_nobody_fails_with_a_sentence() -> None:
    def down(asked: Asked) -> Reply:
        raise httpx.ConnectError("Connection refused")

    error = error_of(fetch(url="http://ann:pw@api.test/items?token=t"), down)
    assert (error["name"], error["code"]) == ("GatewayError", "http_unreachable")
    expected = "http://api.test/items cannot be reached (Connection refused). Is it running?"
    assert error["message"] == expected


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (op("Gateway", "a"), "must start with http"),
        (fetch(url="ftp://api.test/"), "must start with http"),
        (fetch(url="http://[::1/"), "must start with http"),
        (fetch(url="http:///path"), "name a host"),
        (fetch(method="GE T"), "its method"),
        (fetch(method=7), "its method"),
        (fetch(headers=["a"]), "its headers must be an object"),
        (fetch(headers={"a b": "c"}), "'a b' is not the name of a header"),
        (fetch(headers={"x-token": SECRET + "\nx: y"}), "its header 'x-token' must be a line"),
        (fetch(headers={"x-count": 7}), "its header 'x-count' must be a line"),
        (fetch(body={"a": 1}), "its body must be a string"),
        (infer(auth_key=SECRET + "\r\nx: y"), "its auth_key must be a line"),
        (infer(auth_key=7), "its auth_key must be a line"),
    ],
    ids=[
        *("no-url", "scheme", "malformed", "no-host", "method", "method-number", "headers"),
        *("header-name", "header-break", "header-number", "body", "key-break", "key-number"),
    ],
)
def test_a_request_that_cannot_be_made_fails_its_step_at_once(
    item: dict[str, Any], says: str
) -> None:
    app = asking(item, retries=4)
    error = memo(app, lambda asked: Reply(200, {}, sdk=False))["error"]
    assert error["name"] == ("AIGatewayError" if item["op"] == "AIGateway" else "GatewayError")
    assert says in error["message"]
    assert SECRET not in error["message"]
    assert (app.asked, len(app.calls)) == ([], 2)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Reply(200, b"x" * (4 * MB + 1), sdk=False), "more than 4 MB."),
        (Reply(200, b"\n" * (3 * MB), sdk=False), "more than 4 MB, as JSON."),
    ],
    ids=["while-reading", "as-json"],
)
def test_a_response_that_is_too_large_is_refused(answer: Reply, says: str) -> None:
    error = error_of(fetch(), lambda asked: answer)
    assert error["code"] == "output_too_large"
    assert error["message"] == f"http://api.test/items answered with {says}"


@pytest.mark.parametrize(
    ("login", "basic"),
    [("ann:p%40w", "Basic YW5uOnBAdw=="), ("ann", "Basic YW5uOg==")],
    ids=["both", "name-only"],
)
def test_a_login_in_a_url_is_sent_as_a_header_and_shown_nowhere(login: str, basic: str) -> None:
    app = asking(fetch(url=f"http://{login}@api.test/items"))
    answer = memo(app, lambda asked: Reply(200, {}, sdk=False))
    (asked,) = app.asked
    assert (asked.url, asked.header("authorization")) == ("http://api.test/items", [basic])
    assert answer["data"]["url"] == "http://api.test/items"
