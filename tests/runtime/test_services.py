"""What steps reach through the runtime: signals, messages, invocations, the serializer."""

from __future__ import annotations

import json
from typing import Any

import pytest

import inngest_asgi as inngest
from tests.routes.asking import RUN_ID, Api, app_of, call, called, dev_client

IN_CHAT = {"name": "a/b", "data": {}, "meta": {"sessions": {"chat": "42"}}}
SIGNALLED = {"/v1/signals": (200, {"data": {"run_id": "01JRUN"}})}
COLOURS = pytest.mark.parametrize("blocking", [False, True], ids=["async", "blocking"])


def ops_of(use: str, api: Api, *, blocking: bool, event: dict[str, Any] | None = None) -> Any:
    """Call a function of either colour whose only step is `use`; return what it reports."""
    client = dev_client(api)
    create = client.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="a/b"))
    if blocking:

        @create
        def f_sync(ctx: inngest.ContextSync) -> Any:
            return USES[use](ctx.step)
    else:

        @create
        async def f(ctx: inngest.Context) -> Any:
            return await USES[use](ctx.step)

    body = call() | ({"event": event, "events": [event]} if event else {})
    return json.loads(called(app_of(client), body).body)


def ambient(step: Any) -> Any:
    return inngest.step if isinstance(step, inngest.Step) else inngest.step_sync


USES: dict[str, Any] = {
    "signal": lambda step: step.send_signal("s", signal="ok/1", data={"by": "ann"}),
    "message": lambda step: step.realtime.publish("m", "told", {"by": "ann"}, channel="user:1"),
    "ambient": lambda step: ambient(step).realtime.publish("m", "told", 1, channel="user:1"),
    "set": lambda step: step.realtime.publish("m", "told", {1}, channel="user:1"),
    "own": lambda step: step.invoke_by_id("i", function_id="pay"),
    "other": lambda step: step.invoke_by_id("i", function_id="pay", app_id="bank"),
}


@COLOURS
def test_a_signal_is_sent_in_a_step(blocking: bool) -> None:  # noqa: FBT001
    api = Api(SIGNALLED)
    [op] = ops_of("signal", api, blocking=blocking)
    assert (op["op"], op["data"]) == ("StepRun", "01JRUN")
    assert json.loads(api.request.content) == {"signal": "ok/1", "data": {"by": "ann"}}


@COLOURS
@pytest.mark.parametrize(
    ("use", "data"), [("message", {"by": "ann"}), ("ambient", 1)], ids=["ctx", "ambient"]
)
def test_a_message_is_published_in_a_step(use: str, data: Any, blocking: bool) -> None:  # noqa: FBT001
    api = Api({"/v1/realtime/publish": (200, b"")})
    [op] = ops_of(use, api, blocking=blocking)
    assert (op["op"], op["data"]) == ("StepRun", data)
    assert json.loads(api.request.content) == data
    assert api.request.url.query == f"channel=user%3A1&topic=told&run_id={RUN_ID}".encode()


@COLOURS
def test_a_message_that_is_not_published_has_the_step_tried_again(blocking: bool) -> None:  # noqa: FBT001
    [op] = ops_of("message", Api({"/v1/realtime/publish": (404, b"")}), blocking=blocking)
    assert (op["op"], op["error"]["name"]) == ("StepError", "ApiError")


@COLOURS
def test_a_message_that_cannot_be_json_fails_the_step_for_good(blocking: bool) -> None:  # noqa: FBT001
    [op] = ops_of("set", Api(), blocking=blocking)
    assert (op["op"], op["error"]["name"]) == ("StepFailed", "OutputError")
    assert "topic 'told'" in op["error"]["message"]


@COLOURS
@pytest.mark.parametrize(("use", "expected"), [("own", "shop-pay"), ("other", "bank-pay")])
def test_a_function_is_invoked_in_its_application(use: str, expected: str, blocking: bool) -> None:  # noqa: FBT001
    [op] = ops_of(use, Api({}), blocking=blocking)
    assert op["opts"] == {"function_id": expected, "payload": {"data": {}}}


@COLOURS
def test_an_invoked_function_gets_the_sessions_of_the_run(blocking: bool) -> None:  # noqa: FBT001
    [op] = ops_of("own", Api({}), blocking=blocking, event=IN_CHAT)
    assert op["opts"]["payload"]["meta"] == {"propagated_sessions": {"chat": "42"}}


# Serializers, from the client to what goes out and comes back.


class Money:
    """What pydantic does not know."""

    def __init__(self, cents: int) -> None:
        self.cents = cents


class InCents:
    def serialize(self, obj: Any, typ: Any) -> Any:
        assert typ is Money
        return f"{obj.cents} ct"

    def deserialize(self, obj: Any, typ: Any) -> Any:
        assert typ is Money
        return Money(int(obj.removesuffix(" ct")))


def paying(*, blocking: bool, hooked: bool) -> inngest.InngestApp:
    """Serve a function that returns twice what its only step gives."""
    middleware = [Passing] if hooked else []
    client = dev_client(Api(), serializer=InCents(), middleware=middleware)
    trigger = inngest.TriggerEvent(event="a/b")
    create = client.create_function(fn_id="pay", trigger=trigger, output_type=Money)
    if blocking:

        @create
        def pay_sync(ctx: inngest.ContextSync) -> Any:
            return Money(2 * ctx.step.run("m", Money, 5, output_type=Money).cents)
    else:

        @create
        async def pay(ctx: inngest.Context) -> Any:
            return Money(2 * (await ctx.step.run("m", Money, 5, output_type=Money)).cents)

    return app_of(client)


class Passing(inngest.Middleware):
    async def wrap_step(self, call: Any, call_next: Any) -> Any:
        return await call_next(call)


@COLOURS
@pytest.mark.parametrize("hooked", [False, True], ids=["plain", "hooked"])
def test_a_clients_serializer_writes_and_rebuilds_results(
    blocking: bool,  # noqa: FBT001
    hooked: bool,  # noqa: FBT001
) -> None:
    app = paying(blocking=blocking, hooked=hooked)
    [op] = json.loads(called(app, call()).body)
    assert (op["op"], op["data"]) == ("StepRun", "5 ct")
    memos = {op["id"]: {"data": op["data"]}}
    answer = called(app, call(memos, stack=list(memos)))
    assert (answer.status, answer.document) == (200, "10 ct")


@COLOURS
def test_a_clients_serializer_rebuilds_what_an_invoked_function_returned(blocking: bool) -> None:  # noqa: FBT001
    paid = paying(blocking=blocking, hooked=False).client.functions[0].rebuild("7 ct", what="x")
    assert paid.cents == 7


@COLOURS
def test_a_memo_the_serializer_cannot_read_fails_the_run_and_names_the_step(blocking: bool) -> None:  # noqa: FBT001
    app = paying(blocking=blocking, hooked=False)
    [op] = json.loads(called(app, call()).body)
    memos = {op["id"]: {"data": "much"}}
    answer = called(app, call(memos, stack=list(memos)))
    assert (answer.status, answer.code) == (400, "output_unserializable")
    assert answer.document["message"].startswith("Step 'm' was recorded with a result")


def test_what_is_no_serializer_is_refused_by_the_client() -> None:
    with pytest.raises(inngest.ConfigError, match=r"^Inngest: serializer is 'json'; pass an obj"):
        inngest.Inngest("shop", serializer="json")  # type: ignore[arg-type]
