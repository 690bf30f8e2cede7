"""The memo table of steps.md 6: what a server remembers of a step, and what user code gets."""

from __future__ import annotations

import json
from typing import Any

import pytest

import inngest_asgi as inngest
from tests.conformance.exchanges import Serve, answered

EVENT = {"name": "shop/paid", "data": {"n": 1}, "user": {}, "id": "01J", "ts": 5, "v": "2"}
TIMED_OUT = {
    "name": "InngestInvokeTimeoutError",
    "message": "Timed out waiting for invoked function to complete",
    "error": "InngestInvokeTimeoutError: Timed out waiting for invoked function to complete",
}
GATEWAY = {"url": "https://x/", "headers": {"k": "v"}, "body": '{"n":1}', "status_code": 404}
FAILED: dict[str, Any] = {
    "name": "ValueError",
    "message": "no",
    "stack": "Traceback ...",
    "cause": {"name": "KeyError", "message": "'k'"},
}

SHOWN = ["ValueError", "no", "Traceback ...", "KeyError"]


async def run(ctx: Any) -> Any:
    return await ctx.step.run("a", lambda: "ran here")


async def sleep(ctx: Any) -> Any:
    return await ctx.step.sleep("a", "1h")


async def wait(ctx: Any) -> Any:
    event = await ctx.step.wait_for_event("a", event="shop/paid", timeout="1h")
    return event and [event.name, event.data, event.id, event.ts, event.v]


async def signal(ctx: Any) -> Any:
    found = await ctx.step.wait_for_signal("a", signal="ok/1", timeout="1h")
    return found and [found.name, found.data]


async def invoke(ctx: Any) -> Any:
    return await ctx.step.invoke_by_id("a", function_id="f")


async def fetch(ctx: Any) -> Any:
    response = await ctx.step.fetch("a", "https://x/")
    return [response.status_code, response.headers, response.json(), response.url]


class Model:
    """An AI model whose requests do not matter here."""

    def url_infer(self) -> str:
        return "https://model.example/"

    def headers(self) -> dict[str, str]:
        return {}

    def auth_key(self) -> str:
        return ""

    def format(self) -> str:
        return "openai-chat"

    def on_call(self, body: dict[str, Any]) -> None: ...


async def infer(ctx: Any) -> Any:
    return await ctx.step.ai.infer("a", adapter=Model(), body={})


GIVEN = [
    pytest.param(run, {"data": {"x": 1}}, {"x": 1}, id="StepRun"),
    pytest.param(run, {"data": None}, None, id="StepRun null"),
    pytest.param(run, {"data": {"data": 1}}, {"data": 1}, id="StepRun that looks wrapped"),
    pytest.param(run, {"data": {"error": 1}}, {"error": 1}, id="StepRun that looks failed"),
    pytest.param(run, {"type": "x", "data": 1}, 1, id="with a type"),
    pytest.param(run, "raw", "raw", id="Step, legacy"),
    pytest.param(run, {"x": 1}, {"x": 1}, id="Step, legacy, object"),
    pytest.param(run, {"data": 1, "x": 2}, {"data": 1, "x": 2}, id="Step, legacy, more keys"),
    pytest.param(sleep, None, None, id="Sleep"),
    pytest.param(wait, EVENT, ["shop/paid", {"n": 1}, "01J", 5, "2"], id="WaitForEvent matched"),
    pytest.param(wait, None, None, id="WaitForEvent timeout"),
    pytest.param(
        signal,
        {"data": {"signal": "ok/1", "data": {"n": 1}}},
        ["ok/1", {"n": 1}],
        id="WaitForSignal",
    ),
    pytest.param(signal, {"data": {"signal": "ok/1"}}, ["ok/1", None], id="WaitForSignal empty"),
    pytest.param(signal, None, None, id="WaitForSignal timeout"),
    pytest.param(invoke, {"data": [1]}, [1], id="Invoke ok"),
    pytest.param(invoke, {"data": None}, None, id="Invoke null"),
    pytest.param(fetch, {"data": GATEWAY}, [404, {"k": "v"}, {"n": 1}, "https://x/"], id="Gateway"),
    pytest.param(infer, {"data": {"id": "m", "data": 1}}, {"id": "m", "data": 1}, id="AIGateway"),
]


@pytest.mark.parametrize(("use", "memo", "expected"), GIVEN)
def test_user_code_gets_what_the_memo_means(
    serve: Serve,
    use: Any,
    memo: Any,
    expected: Any,
) -> None:
    answer = answered(serve(use), {"a": memo})
    assert (answer.status, json.loads(answer.body)) == (200, expected)


RAISED = [
    pytest.param(run, FAILED, SHOWN, id="StepFailed"),
    pytest.param(run, {"message": "no"}, ["StepError", "no", None, None], id="without a name"),
    pytest.param(
        invoke, FAILED, ["ValueError", "no", "Traceback ...", "KeyError"], id="Invoke failed"
    ),
    pytest.param(
        invoke,
        TIMED_OUT,
        [TIMED_OUT["name"], TIMED_OUT["message"], None, None],
        id="Invoke timeout",
    ),
    pytest.param(
        fetch,
        {"name": "GatewayError", "message": "unreachable"},
        ["GatewayError", "unreachable", None, None],
        id="Gateway",
    ),
    pytest.param(
        infer,
        {"name": "AIGatewayError", "message": "429", "data": {"e": 1}, "stack": "{}"},
        ["AIGatewayError", "429", "{}", None],
        id="AIGateway",
    ),
]


@pytest.mark.parametrize(("use", "error", "expected"), RAISED)
def test_user_code_gets_the_error_the_memo_holds(
    serve: Serve,
    use: Any,
    error: Any,
    expected: Any,
) -> None:
    async def pay(ctx: Any) -> Any:
        try:
            await use(ctx)
        except inngest.StepError as caught:
            cause = caught.cause.name if caught.cause else None
            assert caught.step_id == "a"
            return [caught.name, caught.message, caught.stack, cause]

    answer = answered(serve(pay), {"a": {"error": error}})
    assert (answer.status, json.loads(answer.body)) == (200, expected)


def test_an_input_override_runs_the_step_with_it(serve: Serve) -> None:
    async def pay(ctx: Any) -> Any:
        return await ctx.step.run("a", lambda x: [x], 1)

    answer = answered(serve(pay), {"a": {"input": [2]}}, target="a")
    (report,) = json.loads(answer.body)
    assert (report["op"], report["data"]) == ("StepRun", [2])


def test_an_input_override_is_merged_over_the_body_of_a_model(serve: Serve) -> None:
    async def pay(ctx: Any) -> Any:
        return await ctx.step.ai.infer("a", adapter=Model(), body={"model": "m", "n": 1})

    answer = answered(serve(pay), {"a": {"input": [{"n": 2}]}})
    (report,) = json.loads(answer.body)
    assert report["opts"]["body"] == {"model": "m", "n": 2}
