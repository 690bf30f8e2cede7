"""The tools: what they announce, what they give back, what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.engine.outcomes import Raised
from inngest_asgi.engine.received import FetchResponse, Signal
from inngest_asgi.errors import ConfigError, OutputError
from inngest_asgi.wire.events import Event
from tests.engine.calls import Request, Shell, Tools, data, shown, wire_ops
from tests.engine.result_types import ORDER, Order

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
RECORDED = ORDER.model_dump(mode="json")


class Unknown:
    """A class that pydantic can make nothing of."""


def order() -> Order:
    return ORDER


def plain_order() -> Any:
    return ORDER


@pytest.mark.parametrize(
    ("use", "opts"),
    [
        pytest.param(lambda step: step.sleep("a", "90s"), {"duration": "1m30s"}, id="text"),
        pytest.param(
            lambda step: step.sleep("a", timedelta(days=8)), {"duration": "1w1d"}, id="timedelta"
        ),
        pytest.param(lambda step: step.sleep("a", 2500), {"duration": "2s500ms"}, id="number"),
        pytest.param(
            lambda step: step.sleep_until("a", MOMENT),
            {"duration": "2026-01-02T03:04:05.678Z"},
            id="until",
        ),
    ],
)
def test_a_sleep_says_how_long(
    shell: Shell, tools: Tools, use: Callable[[Any], Any], opts: dict[str, Any]
) -> None:
    async def program(tools: Tools) -> Any:
        await use(tools.step)

    ops = wire_ops(shell(program, Request(), tools))
    assert [(one["op"], one["name"], one["opts"]) for one in ops] == [("Sleep", "a", opts)]


def test_sending_says_what_kind_of_step_it_is(shell: Shell, tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        await tools.step.send_event("a", Event(name="e"))

    ops = wire_ops(shell(program, Request(), tools))
    assert ops[0]["opts"] == {"type": "step.sendEvent"}


@pytest.mark.parametrize(
    ("body", "options"),
    [
        pytest.param(order, {}, id="annotation"),
        pytest.param(plain_order, {"output_type": Order}, id="output-type"),
    ],
)
@pytest.mark.parametrize(
    "memos", [data(a=RECORDED), {"b": None, **data(a=RECORDED)}], ids=["next", "out-of-order"]
)
def test_a_result_is_rebuilt_to_its_type(
    shell: Shell, tools: Tools, body: Any, options: Any, memos: dict[str, Any]
) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.step.run("a", body, **options)

    assert shown(shell(program, Request(memos), tools)) == {"returned": ORDER}


def test_a_result_of_another_type_than_the_explicit_one_fails_the_step(
    shell: Shell, tools: Tools
) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.step.run("a", tools.body("a"), output_type=Order)

    assert shown(shell(program, Request(), tools)) == ["StepFailed a ! OutputError"]


def test_a_memo_of_another_type_than_the_explicit_one_is_an_error(
    shell: Shell, tools: Tools
) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.step.run("a", tools.body("a"), output_type=Order)

    outcome = shell(program, Request(data(a=5)), tools)
    assert isinstance(outcome, Raised)
    assert isinstance(outcome.error, OutputError)


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda step: step.run("", len), id="empty-id"),
        pytest.param(lambda step: step.run(7, len), id="number-for-id"),
        pytest.param(lambda step: step.run("\ud83d", len), id="half-a-surrogate-pair"),
        pytest.param(lambda step: step.run("a", "b"), id="no-function"),
        pytest.param(lambda step: step.run("a", len, output_type=Unknown), id="output-type"),
        pytest.param(lambda step: step.sleep("a", "soon"), id="duration"),
        pytest.param(lambda step: step.sleep_until("a", "2026-01-01"), id="moment"),
        pytest.param(lambda step: step.send_event(None, []), id="send-without-id"),
    ],
)
def test_a_wrong_use_is_refused_at_the_step(
    shell: Shell, tools: Tools, use: Callable[[Any], Any]
) -> None:
    async def program(tools: Tools) -> Any:
        await use(tools.step)

    outcome = shell(program, Request(), tools)
    assert isinstance(outcome, Raised)
    assert isinstance(outcome.error, ConfigError)


class Adapter:
    """An AI provider."""

    def auth_key(self) -> str:
        return "sk-1"

    def format(self) -> str:
        return "openai-chat"

    def headers(self) -> dict[str, str]:
        return {}

    def url_infer(self) -> str:
        return "https://ai.test/v1"

    def on_call(self, body: dict[str, Any]) -> None:
        body["model"] = "m"


class Callee:
    """A function to invoke."""

    id = "shop-pay"

    def rebuild(self, output: Any, *, what: str) -> Any:
        return [what, output]


REMOTE: dict[str, tuple[Callable[[Any], Any], str, Any, Any]] = {
    "wait": (
        lambda step: step.wait_for_event("a", event="shop/paid", timeout="1d"),
        "WaitForEvent",
        {"name": "shop/paid", "data": {"n": 1}, "id": "01J", "ts": 5},
        Event(name="shop/paid", data={"n": 1}, id="01J", ts=5),
    ),
    "wait-timed-out": (
        lambda step: step.wait_for_event("a", event="shop/paid", timeout="1d", if_exp="true"),
        "WaitForEvent",
        None,
        None,
    ),
    "signal": (
        lambda step: step.wait_for_signal("a", signal="s", timeout="1d"),
        "WaitForSignal",
        {"data": {"signal": "s", "data": 1}},
        Signal("s", 1),
    ),
    "invoke": (
        lambda step: step.invoke("a", function=Callee(), data={"k": 1}),
        "InvokeFunction",
        {"data": 5},
        ["Step 'a'", 5],
    ),
    "invoke-by-id": (
        lambda step: step.invoke_by_id("a", function_id="pay"),
        "InvokeFunction",
        {"data": 5},
        5,
    ),
    "fetch": (
        lambda step: step.fetch("a", "https://a.test"),
        "Gateway",
        {"data": {"status_code": 200, "headers": {}, "body": "x", "url": "https://a.test"}},
        FetchResponse(200, {}, "x", "https://a.test"),
    ),
    "infer": (
        lambda step: step.ai.infer("a", adapter=Adapter(), body={}),
        "AIGateway",
        {"data": {"choices": []}},
        {"choices": []},
    ),
}


@pytest.mark.parametrize("name", REMOTE)
def test_what_the_server_carries_out_is_reported_once_and_given_on_replay(
    shell: Shell, tools: Tools, name: str
) -> None:
    use, op, memo, expected = REMOTE[name]

    async def program(tools: Tools) -> Any:
        tools.sent.append(await use(tools.step))

    assert [one["op"] for one in wire_ops(shell(program, Request(), tools))] == [op]
    shell(program, Request(memos={"a": memo}), tools)
    assert tools.sent == [expected]


def test_a_provider_is_wrapped_as_any_function(shell: Shell, tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.step.ai.wrap("a", tools.body("asked", 42), "hello")

    [op] = wire_ops(shell(program, Request(), tools))
    assert (op["op"], op["data"]) == ("StepRun", {"args": ["hello"]})
    assert op["opts"] == {"type": "step.ai.wrap", "input": ["hello"]}


def test_the_server_may_ask_a_provider_something_else(shell: Shell, tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.step.ai.infer("a", adapter=Adapter(), body={"n": 1})

    [op] = wire_ops(shell(program, Request(memos={"a": {"input": [{"n": 2}]}}, order=[]), tools))
    assert op["opts"]["body"] == {"n": 2, "model": "m"}


def test_a_signal_is_sent_once(shell: Shell, tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.step.send_signal("a", signal="s", data=1)

    assert shown(shell(program, Request(), tools)) == ['StepRun a = "01JWAITING"']
    replayed = Request(memos={"a": {"data": "01J"}})
    assert shown(shell(program, replayed, tools)) == {"returned": "01J"}
    assert tools.sent == [("s", 1)]
