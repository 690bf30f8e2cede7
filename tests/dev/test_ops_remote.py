"""Steps that have the server ask somebody else: what is sent, what comes back, what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import (
    Asked,
    Call,
    FakeApp,
    Reply,
    World,
    op,
    ops,
    output,
    ran,
    sha1,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

A = sha1("a")
AI = "https://ai.test/v1/chat"
SECRET = "sk-0123456789"
MB = 1024 * 1024


def fetch(**opts: Any) -> dict[str, Any]:
    return op("Gateway", "a", opts={"url": "http://api.test/items", **opts})


def infer(**opts: Any) -> dict[str, Any]:
    given = {"url": AI, "auth_key": SECRET, "format": "openai-chat", "body": {"model": "m"}}
    return op("AIGateway", "a", opts=given | opts)


def asking(*items: dict[str, Any], retries: int = 0) -> FakeApp:
    """An app whose function has the server do `items`, then returns the first one's memo."""
    return FakeApp().add("one", lambda call: next_reply(call, items), retries=retries)


def next_reply(call: Call, items: tuple[dict[str, Any], ...]) -> Reply:
    left = [item for item in items if item["id"] not in call.steps]
    return ops(*left) if left else output(call.steps[items[0]["id"]])


def memo(app: FakeApp, answer: Callable[[Asked], Any]) -> Any:
    """See a run through whose steps are answered so; return what its function was given."""

    async def main() -> Any:
        app.others = answer
        async with world(app) as here:
            run = await here.run_one()
            assert run.status is RunStatus.COMPLETED
            return loads(run.output or b"")

    return asyncio.run(main())


def sent(item: dict[str, Any]) -> Asked:
    app = asking(item)
    memo(app, lambda asked: Reply(200, {}, sdk=False))
    (asked,) = app.asked
    return asked


def error_of(item: dict[str, Any], answer: Callable[[Asked], Any], **more: Any) -> dict[str, Any]:
    error: dict[str, Any] = memo(asking(item, **more), answer)["error"]
    return error


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


@pytest.mark.parametrize("name", ["AiGateway", "aigateway", "AIGATEWAY"])
def test_opcodes_count_in_any_case(name: str) -> None:
    answer = Reply(200, 1, sdk=False)
    assert memo(asking(infer() | {"op": name}), lambda asked: answer) == {"data": 1}


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


def test_a_failing_request_is_made_again_with_backoff_until_it_goes_well() -> None:
    async def main() -> None:
        times: list[float] = []

        def answer(asked: Asked) -> Reply:
            times.append(here.clock.time())
            return Reply(200 if len(times) == 3 else 503, {"n": len(times)}, sdk=False)

        app = asking(infer(), retries=4)
        app.others = answer
        async with world(app, retry_interval=60) as here:
            run = await here.run_one()
            assert loads(run.output or b"") == {"data": {"n": 3}}
            assert [time - times[0] for time in times] == [0, 60, 120]
            history = await here.server.history(run.id)
        told = [
            (one.details["attempt"], one.details["retry_at"] - times[0])
            for one in history
            if one.kind == "step_failed"
        ]
        assert told == [(0, 60), (1, 120)]
        assert len(app.calls) == 2

    asyncio.run(main())


def test_a_request_that_never_goes_well_fails_its_step_not_its_run() -> None:
    app = asking(infer(), retries=2)
    error = memo(app, lambda asked: Reply(500, {}, sdk=False))["error"]
    assert error["name"] == "AIGatewayError"
    assert len(app.asked) == 3


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


@pytest.mark.parametrize("item", [fetch(body="x" * 4 * MB), infer(body="x" * 4 * MB)])
def test_a_request_that_is_too_large_is_a_failed_attempt(item: dict[str, Any]) -> None:
    async def main() -> dict[str, Any]:
        async with world(asking(item)) as here:
            run = await here.run_one()
            assert run.status is RunStatus.FAILED
            error: dict[str, Any] = loads(run.output or b"")
            return error

    error = asyncio.run(main())
    assert error["code"] == "output_too_large"
    assert "step 'a' is larger than 4 MB" in error["message"]


def test_requests_of_a_run_are_made_at_the_same_time_and_hold_up_no_calls() -> None:
    async def main() -> None:
        async def slowly(asked: Asked) -> Reply:
            await here.clock.sleep(60)
            return Reply(200, {}, sdk=False)

        items = [op("Gateway", name, opts={"url": f"http://api.test/{name}"}) for name in "abc"]
        app = asking(*items).add("other", lambda call: output("ok"), event="shop/other")
        app.others = slowly
        async with world(app, max_calls=1) as here:
            event_id = await here.send()
            await here.server.settle()
            (other,) = await here.finish(await here.send("shop/other"))
            assert other.ended_at == other.queued_at
            (run,) = await here.finish(event_id)
            assert run.ended_at == run.queued_at + 180
        assert len(app.calls) == 3

    asyncio.run(main())


def test_a_request_beside_other_steps_is_waited_for_with_them() -> None:
    item = op("StepPlanned", "b")

    def handler(call: Call) -> Reply:
        if call.target == sha1("b"):
            return ops(ran("b", 1))
        return output(call.steps) if call.steps else ops(fetch(), item)

    app = FakeApp().add("one", handler)
    assert set(memo(app, lambda asked: Reply(200, {}, sdk=False))) == {A, sha1("b")}


def test_a_request_that_races_has_the_function_called_at_once() -> None:
    async def main() -> None:
        async def slowly(asked: Asked) -> Reply:
            await here.clock.sleep(60 if "slow" in asked.url else 1)
            return Reply(200, {}, sdk=False)

        def item(name: str) -> dict[str, Any]:
            return op(
                "Gateway", name, opts={"url": f"http://x.test/{name}", "parallelMode": "race"}
            )

        app = FakeApp()
        app.add("one", lambda call: output(1) if call.steps else ops(item("fast"), item("slow")))
        app.others = slowly
        async with world(app) as here:
            run = await here.run_one()
            assert run.ended_at == run.queued_at + 1
            await here.pass_time(120)
            assert here.server.runs._held == {}

    asyncio.run(main())


def test_a_request_that_is_reported_again_is_made_once() -> None:
    async def main() -> None:
        async def slowly(asked: Asked) -> Reply:
            await here.clock.sleep(60)
            return Reply(200, {}, sdk=False)

        def handler(call: Call) -> Reply:
            if A in call.steps:
                return output(1)
            bad = op("Gateway", "bad", opts={"parallelMode": "race"})
            return ops(fetch(), bad, bad)

        app = FakeApp().add("one", handler)
        app.others = slowly
        async with world(app) as here:
            run = await here.run_one()
            assert run.ended_at == run.queued_at + 60
        assert (len(app.asked), len(app.calls)) == (1, 3)

    asyncio.run(main())


def test_a_request_in_progress_is_made_again_by_the_next_server(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = asking(infer(headers={"x-extra": "1"}))

        async def answer(asked: Asked) -> Reply:
            if len(app.asked) == 1:
                await clock.sleep(3600)
            return Reply(200, {"n": len(app.asked)}, sdk=False)

        app.others = answer
        async with world(app, db=db, clock=clock) as here:
            event_id = await here.send()
            await here.server.settle()
        async with world(app, db=db, clock=clock, sync=False) as here:
            (run,) = await here.finish(event_id)
        assert loads(run.output or b"") == {"data": {"n": 2}}
        assert app.asked[0] == app.asked[1]

    asyncio.run(main())


def test_too_much_state_fails_the_run_when_a_request_brings_it() -> None:
    async def main() -> None:
        large = Reply(200, "x" * (4 * MB - 100), sdk=False)
        items = [op("AIGateway", str(n), opts={"url": f"http://x.test/{n}"}) for n in range(9)]
        app = asking(*items)
        app.others = lambda asked: large
        async with world(app) as here:
            run = await here.run_one()
            assert run.status is RunStatus.FAILED
            assert loads(run.output or b"")["name"] == "InngestErrStateOverflowed"

    asyncio.run(main())


def test_secrets_are_told_to_nobody_else(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    token, header = "tok-987654321", "hdr-abcdefgh"
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        def echo(asked: Asked) -> Reply:
            return Reply(401, {"said": [asked.url, dict(asked.headers)]}, sdk=False)

        item = infer(url=f"{AI}?token={token}", headers={"x-key": header})
        app = asking(item, retries=1)
        app.others = echo
        async with world(app, db=str(tmp_path / "dev.db")) as here:
            run = await here.run_one()
            told = repr([run.output, await here.server.history(run.id)])
            told += await everything(here, run.id)
        assert "[hidden]" in told
        for secret in (SECRET, token, header):
            assert secret not in told
            assert secret not in caplog.text

    asyncio.run(main())
    kept = (tmp_path / "dev.db").read_bytes()
    assert b"AIGatewayError" in kept


async def everything(here: World, run_id: str) -> str:
    """Return all that the API tells of a run."""
    paths = (f"/v1/runs/{run_id}", f"/v1/runs/{run_id}/jobs", f"/v2/runs/{run_id}/trace", "/dev")
    texts = []
    for path in paths:
        with contextlib.suppress(ValueError):
            texts.append((await here.http.get(path)).text)
    return "".join(texts)


def test_another_host_to_which_a_request_is_redirected_sees_no_keys() -> None:
    def answer(asked: Asked) -> Reply:
        if "other.test" in asked.url:
            return Reply(200, {}, sdk=False)
        if asked.url.endswith("/again"):
            return Reply(307, {}, {"location": "https://other.test/x"}, sdk=False)
        return Reply(307, {}, {"location": "/again"}, sdk=False)

    app = asking(infer(headers={"x-key": "k", "anthropic-version": "1"}))
    assert memo(app, answer) == {"data": {}}
    first, again, other = app.asked
    assert again.header("authorization") == first.header("authorization") == [f"Bearer {SECRET}"]
    assert (other.header("authorization"), other.header("x-key")) == ([], [])
    assert (other.header("anthropic-version"), other.body) == (["1"], first.body)


def test_another_host_sees_no_key_of_a_query_either() -> None:
    def answer(asked: Asked) -> Reply:
        elsewhere = Reply(307, {}, {"location": "https://other.test/x"}, sdk=False)
        return Reply(200, {}, sdk=False) if "other.test" in asked.url else elsewhere

    app = asking(infer(format="gemini"))
    memo(app, answer)
    assert [asked.url for asked in app.asked] == [f"{AI}?key={SECRET}", "https://other.test/x"]
