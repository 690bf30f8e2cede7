"""The response table of http.md 11.3 and the calls of 11.1: status, headers and body."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.version import VERSION
from tests.conformance.exchanges import Serve, answered, hashed, planned
from tests.routes.asking import (
    app_of,
    asked,
    body_of,
    call,
    called,
    cloud_client,
    dev_client,
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

GENERAL = {
    "x-inngest-sdk": f"inngest-asgi:v{VERSION}",
    "x-inngest-framework": "asgi",
    "x-inngest-req-version": "2",
    "x-inngest-sdk-handled": "true",
    "content-type": "application/json",
}


async def steps(ctx: Any) -> Any:
    await ctx.step.sleep("nap", "1h")
    return {"b": 1, "a": [None, "\u00e9"]}


async def nothing(_: Any) -> None: ...


async def two(ctx: Any) -> Any:
    return await ctx.group.parallel(
        [lambda: ctx.step.run("a", lambda: 1), lambda: ctx.step.run("b", lambda: 2)]
    )


async def raising(_: Any) -> Any:
    raise LookupError("gone")


def general(answer: Any) -> dict[str, str]:
    return {name: answer.headers[name] for name in GENERAL}


RETURNED = [
    pytest.param(steps, '{"b":1,"a":[null,"\u00e9"]}'.encode(), id="value"),
    pytest.param(nothing, b"null", id="nothing"),
]


@pytest.mark.parametrize(("pay", "body"), RETURNED)
def test_a_function_that_returned_is_a_200(serve: Serve, pay: Any, body: bytes) -> None:
    answer = answered(serve(pay), {"nap": None})
    assert (answer.status, answer.body, general(answer)) == (200, body, GENERAL)
    assert answer.headers["x-inngest-no-retry"] == "false"


def test_more_work_is_a_206(serve: Serve) -> None:
    answer = answered(serve(two))
    assert (answer.status, answer.body) == (206, planned("a", "b"))
    assert general(answer) == GENERAL
    assert answer.headers["x-inngest-no-retry"] == "false"


def test_nothing_to_report_is_an_empty_array(serve: Serve) -> None:
    # A call for a step that another one recorded meanwhile.
    answer = answered(serve(two), {"a": {"data": 1}}, target="a")
    assert (answer.status, answer.body) == (206, b"[]")


def test_a_function_that_raised_is_a_500_with_its_error(serve: Serve) -> None:
    answer = answered(serve(raising))
    document = json.loads(answer.body)
    assert list(document) == ["code", "message", "name", "stack"]
    stack = document.pop("stack")
    assert document == {"code": "unknown", "message": "gone", "name": "LookupError"}
    assert stack.endswith("LookupError: gone")
    assert (answer.status, answer.headers["x-inngest-no-retry"]) == (500, "false")
    assert general(answer) == GENERAL


def test_a_target_that_is_missing_is_a_500_that_may_be_tried_again(serve: Serve) -> None:
    answer = answered(serve(steps), {"nap": None}, target="no such step")
    assert (answer.status, answer.code) == (500, "step_unexpected")
    assert hashed("no such step") in answer.document["message"]
    assert answer.headers["x-inngest-no-retry"] == "false"


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "unknown function": ({"query": "fnId=shop-no&stepId=step"}, 500, "function_not_found"),
    "no fnId": ({"query": "stepId=step"}, 400, "query_param_missing"),
    "unknown probe": ({"query": "fnId=shop-pay&probe=hope"}, 400, "probe_unknown"),
    "no JSON": ({"body": b"{"}, 400, "body_invalid"),
    "no object": ({"body": b"[]"}, 400, "body_invalid"),
    "no event": ({"body": b"{}"}, 400, "body_invalid"),
    "too large": ({"headers": {"content-length": "16777217"}}, 413, "body_too_large"),
}


@pytest.mark.parametrize(("request_", "status", "code"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_refused_says_why_and_may_be_tried_again(
    request_: dict[str, Any], status: int, code: str
) -> None:
    answer = called(app_of(dev_client()), **request_)
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["x-inngest-no-retry"] == "false"
    assert answer.document["name"] in ("RequestError", "SignatureError")


UNSIGNED: dict[str, tuple[Callable[[bytes], dict[str, str]], str]] = {
    "unsigned": (lambda _: {}, "header_missing"),
    "malformed": (lambda _: {"x-inngest-signature": "t=abc&s=x"}, "sig_verification_failed"),
    "of another body": (lambda _: signed(b"{}"), "sig_verification_failed"),
    "old": (lambda body: signed(body, at=1735689299), "sig_verification_failed"),
}


@pytest.mark.parametrize(("headers", "code"), UNSIGNED.values(), ids=list(UNSIGNED))
def test_strangers_are_told_nothing_but_a_401(
    headers: Callable[[bytes], dict[str, str]], code: str
) -> None:
    body = body_of(call())
    answer = called(app_of(cloud_client()), body=body, headers=headers(body))
    assert (answer.status, answer.code) == (401, code)
    assert answer.document.keys() == {"code", "message"}
    ours = {name for name in answer.headers if name.startswith("x-inngest-")}
    assert ours == {"x-inngest-sdk-handled"}


def test_the_trust_probe_is_answered_to_those_who_sign() -> None:
    app = app_of(cloud_client())
    answers = [
        asked(app, "POST", query="fnId=shop-pay&probe=trust", headers=headers)
        for headers in (signed(), {})
    ]
    assert [answer.status for answer in answers] == [200, 401]
    assert answers[0].headers["x-inngest-signature"] == signed()["x-inngest-signature"]


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_a_405(method: str) -> None:
    answer = asked(app_of(dev_client()), method)
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, PUT, POST"


def test_a_function_id_is_found_without_its_application_too() -> None:
    # http.md 11.1: servers of other SDKs match an unprefixed id.
    assert called(app_of(dev_client()), fn_id="pay").status == 200
