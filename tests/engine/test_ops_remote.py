"""Ops the server carries out: their JSON byte by byte, memos rebuilt, mistakes refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from inngest_asgi.engine.ops_remote import (
    fetch_op,
    infer_op,
    invoke_op,
    send_signal_op,
    wait_for_event_op,
    wait_for_signal_op,
)
from inngest_asgi.engine.received import FetchResponse, Signal
from inngest_asgi.errors import CodecError, ConfigError, EventValidationError, StepError
from inngest_asgi.functions.event_types import EventType
from inngest_asgi.wire.codec import dumps
from inngest_asgi.wire.events import Event

if TYPE_CHECKING:
    from inngest_asgi.engine.ops import Op

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVENT = {"name": "shop/paid", "data": {"n": 1}, "user": {}, "id": "01J", "ts": 5}
TIMED_OUT = {
    "error": {
        "name": "InngestInvokeTimeoutError",
        "message": "Timed out waiting for invoked function to complete",
        "error": "InngestInvokeTimeoutError: Timed out",
    }
}


class Paid(BaseModel):
    n: int


PAID = EventType("shop/paid", Paid)


@dataclass
class Callee:
    """A function to invoke, whose output is doubled so that rebuilding shows."""

    id: str = "shop-pay"

    def rebuild(self, output: Any, *, what: str) -> Any:
        return [what, output]


class Adapter:
    """A provider that knows its model."""

    def auth_key(self) -> str:
        return "sk-1"

    def format(self) -> str:
        return "openai-chat"

    def headers(self) -> dict[str, str]:
        return {"x-a": "b"}

    def url_infer(self) -> str:
        return "https://ai.test/v1"

    def on_call(self, body: dict[str, Any]) -> None:
        body.setdefault("model", "m-1")


def invoke(function: Any = "shop-pay", **options: Any) -> Op:
    base = {"data": None, "user": None, "v": None, "timeout": None, "meta": None}
    return invoke_op("a", function, **{**base, **options})


def fetch(**options: Any) -> Op:
    base = {"url": "https://a.test/x", "method": "get", "headers": None, "body": None}
    return fetch_op("a", **{**base, **options})


@pytest.mark.parametrize(
    ("op", "code", "opts"),
    [
        pytest.param(
            wait_for_event_op("a", "shop/paid", "1d", None),
            "WaitForEvent",
            '{"event":"shop/paid","timeout":"1d"}',
            id="wait",
        ),
        pytest.param(
            wait_for_event_op("a", PAID, MOMENT, "async.data.n == 1"),
            "WaitForEvent",
            '{"event":"shop/paid","timeout":"2026-01-02T03:04:05.000Z","if":"async.data.n == 1"}',
            id="wait-for-a-type-until-a-moment-if",
        ),
        pytest.param(
            wait_for_event_op("a", "x", timedelta(days=366), None),
            "WaitForEvent",
            '{"event":"x","timeout":"52w2d"}',
            id="longest-wait",
        ),
        pytest.param(
            wait_for_signal_op("a", "ok/1", 60_000, "fail"),
            "WaitForSignal",
            '{"signal":"ok/1","timeout":"1m","conflict":"fail"}',
            id="signal",
        ),
        pytest.param(
            wait_for_signal_op("a", "ok/1", "1h", "replace"),
            "WaitForSignal",
            '{"signal":"ok/1","timeout":"1h","conflict":"replace"}',
            id="signal-replacing",
        ),
        pytest.param(
            send_signal_op("a", "ok/1", None, print),
            "StepPlanned",
            '{"type":"step.sendSignal","signal":"ok/1"}',
            id="send-signal",
        ),
        pytest.param(
            invoke(),
            "InvokeFunction",
            '{"function_id":"shop-pay","payload":{"data":{}}}',
            id="invoke",
        ),
        pytest.param(
            invoke(
                Callee(),
                data=Paid(n=1),
                user={"id": 1},
                v="2",
                timeout="1h",
                meta={"propagated_sessions": {"chat": "1"}},
            ),
            "InvokeFunction",
            '{"function_id":"shop-pay","payload":{"data":{"n":1},"user":{"id":1},"v":"2",'
            '"meta":{"propagated_sessions":{"chat":"1"}}},"timeout":"1h"}',
            id="invoke-with-everything",
        ),
        pytest.param(fetch(), "Gateway", '{"url":"https://a.test/x","method":"GET"}', id="fetch"),
        pytest.param(
            fetch(method="POST", headers={"a": "b"}, body={"k": 1}),
            "Gateway",
            '{"url":"https://a.test/x","method":"POST","headers":{"a":"b"},"body":"{\\"k\\":1}"}',
            id="fetch-json",
        ),
        pytest.param(
            fetch(method="PUT", body="plain"),
            "Gateway",
            '{"url":"https://a.test/x","method":"PUT","body":"plain"}',
            id="fetch-text",
        ),
        pytest.param(
            infer_op("a", Adapter(), {"messages": []}),
            "AIGateway",
            '{"type":"step.ai.infer","url":"https://ai.test/v1","headers":{"x-a":"b"},'
            '"auth_key":"sk-1","format":"openai-chat","body":{"messages":[],"model":"m-1"}}',
            id="infer",
        ),
    ],
)
def test_an_op_is_written_byte_by_byte(op: Op, code: str, opts: str) -> None:
    op.id = "h"
    assert dumps(op.unrun()).decode() == (
        f'{{"op":"{code}","id":"h","name":"a","displayName":"a",'
        f'"userland":{{"id":"a","index":0}},"opts":{opts}}}'
    )


@pytest.mark.parametrize(
    ("op", "memo", "expected"),
    [
        pytest.param(
            wait_for_event_op("a", "shop/paid", "1d", None), None, None, id="wait-timed-out"
        ),
        pytest.param(
            wait_for_event_op("a", "shop/paid", "1d", None),
            EVENT,
            Event(name="shop/paid", data={"n": 1}, user={}, id="01J", ts=5),
            id="wait-bare-event",
        ),
        pytest.param(
            wait_for_signal_op("a", "s", "1d", "fail"),
            {"data": {"signal": "s", "data": {"by": "ann"}}},
            Signal("s", {"by": "ann"}),
            id="signal",
        ),
        pytest.param(
            wait_for_signal_op("a", "s", "1d", "fail"),
            {"data": {"signal": "s", "data": None}},
            Signal("s", None),
            id="signal-without-data-is-no-time-out",
        ),
        pytest.param(
            wait_for_signal_op("a", "s", "1d", "fail"),
            {"data": "odd"},
            Signal("s", None),
            id="odd-signal",
        ),
        pytest.param(wait_for_signal_op("a", "s", "1d", "fail"), None, None, id="signal-timed-out"),
        pytest.param(invoke(), {"data": {"ok": 1}}, {"ok": 1}, id="invoke-by-id"),
        pytest.param(invoke(Callee()), {"data": 5}, ["Step 'a'", 5], id="invoke-rebuilds"),
        pytest.param(
            fetch(),
            {
                "data": {
                    "url": "https://a.test/y",
                    "headers": {"a": "b"},
                    "body": "[1]",
                    "status_code": 404,
                }
            },
            FetchResponse(404, {"a": "b"}, "[1]", "https://a.test/y"),
            id="fetch",
        ),
        pytest.param(
            fetch(), {"data": "odd"}, FetchResponse(0, {}, "", "https://a.test/x"), id="odd-fetch"
        ),
        pytest.param(
            infer_op("a", Adapter(), {}), {"data": {"choices": []}}, {"choices": []}, id="infer"
        ),
    ],
)
def test_a_memo_is_rebuilt(op: Op, memo: Any, expected: Any) -> None:
    assert op.rebuild(memo) == expected


def test_a_waited_for_event_has_data_of_its_type() -> None:
    event = wait_for_event_op("a", PAID, "1d", None).rebuild(EVENT)
    assert event.data == Paid(n=1)


@pytest.mark.parametrize("memo", [{"data": "done"}, "done", 5, []], ids=str)
@pytest.mark.parametrize("event", ["shop/paid", PAID], ids=["name", "type"])
def test_a_memo_that_is_no_event_fails_for_good_and_names_the_step(event: Any, memo: Any) -> None:
    with pytest.raises(EventValidationError, match="Step 'a' cannot take the event it waited for"):
        wait_for_event_op("a", event, "1d", None).rebuild(memo)


def test_a_waited_for_event_that_is_not_of_its_type_names_step_and_field() -> None:
    op = wait_for_event_op("a", PAID, "1d", None)
    with pytest.raises(EventValidationError, match=r"Step 'a' .*data\.n"):
        op.rebuild({**EVENT, "data": {"n": "many"}})


@pytest.mark.parametrize(
    ("op", "memo", "name"),
    [
        pytest.param(invoke(), TIMED_OUT, "InngestInvokeTimeoutError", id="invoke-timed-out"),
        pytest.param(
            invoke(Callee()),
            {"error": {"name": "ValueError", "message": "no"}},
            "ValueError",
            id="invoke-failed",
        ),
        pytest.param(
            fetch(),
            {"error": {"name": "GatewayError", "message": "no"}},
            "GatewayError",
            id="fetch",
        ),
        pytest.param(
            infer_op("a", Adapter(), {}),
            {"error": {"name": "AIGatewayError", "message": "no", "stack": "{}"}},
            "AIGatewayError",
            id="infer",
        ),
    ],
)
def test_a_failure_is_a_step_error(op: Op, memo: Any, name: str) -> None:
    with pytest.raises(StepError) as raised:
        op.rebuild(memo)
    assert (raised.value.name, raised.value.step_id) == (name, "a")


def test_the_body_of_a_response_is_read_as_json() -> None:
    assert FetchResponse(200, {}, "[1]", "u").json() == [1]


def test_a_body_that_is_no_json_says_so() -> None:
    with pytest.raises(CodecError):
        FetchResponse(200, {}, "<html>", "u").json()


def test_a_server_may_change_the_body_of_an_inference() -> None:
    op = infer_op("a", Adapter(), {"messages": [], "n": 1})
    op.revise([{"n": 2}])
    assert op.unrun()["opts"]["body"] == {"messages": [], "n": 2, "model": "m-1"}


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: wait_for_event_op("a", "", "1d", None), id="no-event"),
        pytest.param(lambda: wait_for_event_op("a", 7, "1d", None), id="event-is-none"),  # type: ignore[arg-type]
        pytest.param(lambda: wait_for_event_op("a", "x", "367d", None), id="too-long"),
        pytest.param(lambda: wait_for_event_op("a", "x", "soon", None), id="no-duration"),
        pytest.param(
            lambda: wait_for_event_op("a", "x", MOMENT.replace(tzinfo=None), None), id="no-zone"
        ),
        pytest.param(lambda: wait_for_signal_op("a", "", "1d", "fail"), id="no-signal"),
        pytest.param(lambda: wait_for_signal_op("a", "s", "1d", "both"), id="no-such-conflict"),
        pytest.param(lambda: send_signal_op("a", "", 1, print), id="no-signal-to-send"),
        pytest.param(lambda: invoke(data=[1]), id="data-is-no-object"),
        pytest.param(lambda: invoke(data={"k": {1}}), id="data-is-no-json"),
        pytest.param(lambda: invoke(print), id="not-a-function-of-ours"),
        pytest.param(lambda: fetch(url="/x"), id="url-is-relative"),
        pytest.param(lambda: fetch(url=None), id="url-is-no-text"),
        pytest.param(lambda: fetch(body={1, 2}), id="body-is-no-json"),
        pytest.param(lambda: infer_op("a", Adapter(), {"k": {1}}), id="inference-is-no-json"),
    ],
)
def test_a_wrong_argument_names_the_step(make: Any) -> None:
    with pytest.raises(ConfigError, match=r"step\.\S*\('a'\)"):
        make()
