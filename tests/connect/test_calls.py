"""Requests on the user's loop: every way to end is an answer."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import inngest_asgi as inngest
from inngest_asgi.connect.calls import Calls
from inngest_asgi.connect.messages import ExecutorRequest
from tests.connect.test_apps import runtimes
from tests.routes.asking import ORDERED, body_of, call

if TYPE_CHECKING:
    from inngest_asgi.wire.replies import Reply

REQUEST = ExecutorRequest(
    "request-1", app_name="shop", function_slug="shop-pay", request_payload=body_of(call())
)


def client_of(**options: Any) -> inngest.Inngest:
    client = inngest.Inngest("shop", is_production=False, **options)

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> str | None:
        return ctx.request_id

    @client.create_function(fn_id="wait", trigger=ORDERED)
    async def wait(ctx: inngest.Context) -> None:
        await asyncio.Event().wait()

    return client


def answered(request: ExecutorRequest, *, cancelled: bool = False, **options: Any) -> Reply | None:
    async def run() -> Reply | None:
        known: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        calls = Calls(runtimes([client_of(**options)]), lambda _, reply: known.set_result(reply))
        assert calls.execute(request)
        if cancelled:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            calls.cancel(request, blocking_too=False)
        return await known

    return asyncio.run(run())


def document(reply: Reply | None) -> Any:
    assert reply is not None
    return json.loads(reply.body)


def test_the_function_is_answered_and_knows_the_request() -> None:
    assert document(answered(REQUEST)) == "request-1"


def test_what_the_body_says_of_the_request_wins() -> None:
    request = replace(REQUEST, request_payload=body_of(call(request_id="told")))
    assert document(answered(request)) == "told"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        pytest.param(
            replace(REQUEST, function_slug="shop-none"), "function_not_found", id="function"
        ),
        pytest.param(replace(REQUEST, request_payload=b"{"), "body_invalid", id="body"),
    ],
)
def test_what_cannot_run_is_refused(request_: ExecutorRequest, code: str) -> None:
    reply = answered(request_)
    assert reply is not None
    assert (reply.status, reply.headers["x-inngest-no-retry"]) == (500, "false")
    assert (document(reply)["code"], document(reply)["name"]) == (code, "RequestError")


def test_a_configuration_that_cannot_work_is_told(caplog: pytest.LogCaptureFixture) -> None:
    reply = answered(REQUEST, middleware=[lambda client, request: None])
    assert document(reply)["name"] == "ConfigError"
    assert document(reply)["message"] in caplog.text


def test_what_nobody_expected_is_in_the_log_only(caplog: pytest.LogCaptureFixture) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise LookupError("a mistake")

    http = httpx.AsyncClient(transport=httpx.MockTransport(fail))
    state_elsewhere = replace(REQUEST, request_payload=body_of(call() | {"use_api": True}))
    reply = answered(state_elsewhere, http_client=http)
    assert "a mistake" not in document(reply)["message"]
    assert "a mistake" in caplog.text


def test_cancelled_code_has_no_answer() -> None:
    assert answered(replace(REQUEST, function_slug="shop-wait"), cancelled=True) is None


def test_what_has_ended_cannot_be_cancelled() -> None:
    async def run() -> None:
        known = asyncio.Event()
        calls = Calls(runtimes([client_of()]), lambda _, __: known.set())
        calls.execute(REQUEST)
        await known.wait()
        calls.cancel(REQUEST, blocking_too=True)
        await asyncio.sleep(0)

    asyncio.run(run())


def test_a_closed_loop_takes_nothing() -> None:
    async def make() -> Calls:
        return Calls(runtimes([client_of()]), lambda _, __: None)

    assert asyncio.run(make()).execute(REQUEST) is False


def test_blocking_code_is_let_end_unless_all_is_dropped() -> None:
    release = threading.Event()
    client = inngest.Inngest("shop", is_production=False)

    @client.create_function(fn_id="pay", trigger=ORDERED)
    def pay(ctx: inngest.ContextSync) -> str:
        release.wait(10)
        return "paid"

    async def run() -> list[Any]:
        answers: asyncio.Queue[Reply | None] = asyncio.Queue()
        calls = Calls(runtimes([client]), lambda _, reply: answers.put_nowait(reply))
        calls.execute(REQUEST)
        await asyncio.sleep(0)
        calls.cancel(REQUEST, blocking_too=False)
        await asyncio.sleep(0)
        release.set()
        first = await answers.get()
        release.clear()
        calls.execute(REQUEST)
        await asyncio.sleep(0)
        calls.cancel(REQUEST, blocking_too=True)
        second = await answers.get()
        release.set()
        return [document(first), second]

    assert asyncio.run(run()) == ["paid", None]
