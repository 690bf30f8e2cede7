"""A call's body, read once; whatever is not a call is a 400 that names the field."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.errors import RequestError
from inngest_asgi.wire.calls import Call, finished_order, parse_call

EVENT = {"name": "demo/hello", "data": {}, "ts": 1735689600000}
STEP = "98bf98df193bcce7c33e6bc50927cf2ac21206cb"


def parsed(step_id: str | None = "step", **fields: Any) -> Call:
    return parse_call({"event": EVENT} | fields, "shop-pay", step_id)


def test_a_whole_call_is_read() -> None:
    body = {
        "event": EVENT,
        "events": [EVENT, EVENT],
        "steps": {STEP: {"data": "ok"}},
        "ctx": {
            "run_id": "01J",
            "attempt": 1,
            "max_attempts": 5,
            "stack": {"stack": [STEP], "current": 1},
            "request_id": "req",
            "disable_immediate_execution": True,
            "use_api": False,
        },
        "version": 2,
        "use_api": False,
    }
    assert parse_call(body, "shop-pay", "abc") == Call(
        function_id="shop-pay",
        run_id="01J",
        attempt=1,
        max_attempts=5,
        event=EVENT,
        events=[EVENT, EVENT],
        steps={STEP: {"data": "ok"}},
        order=[STEP],
        target="abc",
        plan_only=True,
        use_api=False,
        request_id="req",
    )


def test_an_event_is_enough() -> None:
    assert parsed() == Call(
        function_id="shop-pay",
        run_id="",
        attempt=0,
        max_attempts=None,
        event=EVENT,
        events=[EVENT],
        steps={},
        order=[],
        target=None,
        plan_only=False,
        use_api=False,
        request_id=None,
    )


def test_a_batch_needs_no_single_event() -> None:
    call = parse_call({"events": [EVENT, {"name": "b"}]}, "f", None)
    assert call.event == EVENT
    assert len(call.events) == 2


@pytest.mark.parametrize("key", ["data", "id", "ts", "v", "user", "meta"])
def test_what_an_event_may_leave_out_may_be_null(key: str) -> None:
    assert parsed(event=EVENT | {key: None}).event == EVENT | {key: None}


@pytest.mark.parametrize("events", [None, []], ids=["null", "empty"])
def test_without_a_batch_the_event_stands_alone(events: Any) -> None:
    assert parsed(events=events).events == [EVENT]


@pytest.mark.parametrize("step_id", [None, "", "step"], ids=repr)
def test_the_function_as_a_whole_is_no_target(step_id: str | None) -> None:
    assert parsed(step_id).target is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"use_api": True}, True, id="body"),
        pytest.param({"ctx": {"use_api": True}}, True, id="ctx"),
        pytest.param({"use_api": 1}, False, id="not a bool"),
    ],
)
def test_use_api_stands_in_either_place(fields: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    assert parsed(**fields).use_api is expected


@pytest.mark.parametrize("request_id", [None, 5, []], ids=repr)
def test_an_odd_request_id_is_ignored(request_id: Any) -> None:
    assert parsed(ctx={"request_id": request_id}).request_id is None


@pytest.mark.parametrize(
    ("attempt", "most", "last"),
    [
        pytest.param(0, 1, True, id="only"),
        pytest.param(0, 2, False, id="first of two"),
        pytest.param(1, 2, True, id="second of two"),
        pytest.param(9, 2, True, id="beyond"),
        pytest.param(0, 0, True, id="none allowed"),
        pytest.param(99, None, False, id="no limit"),
    ],
)
def test_the_last_attempt(attempt: int, most: int | None, last: bool) -> None:  # noqa: FBT001
    assert parsed(ctx={"attempt": attempt, "max_attempts": most}).last_attempt is last


@pytest.mark.parametrize(
    ("stack", "steps", "order"),
    [
        pytest.param(["b", "a"], {"a": 1, "b": 2}, ["b", "a"], id="all listed"),
        pytest.param([], {"a": 1, "b": 2}, ["a", "b"], id="none listed"),
        pytest.param(["b"], {"a": 1, "b": 2, "c": 3}, ["b", "a", "c"], id="some listed"),
        pytest.param(["x"], {"a": 1}, ["x", "a"], id="another listed"),
        pytest.param(["x", "x"], {"x": 1, "a": 2}, ["x", "a"], id="one listed twice"),
        pytest.param(["a"], {}, ["a"], id="no memos"),
    ],
)
def test_memos_come_in_the_order_they_were_done(
    stack: list[str], steps: dict[str, Any], order: list[str]
) -> None:
    assert finished_order(stack, steps) == order
    assert parsed(ctx={"stack": {"stack": stack}}, steps=steps).order == order


@pytest.mark.parametrize("stack", [None, {}, {"stack": None}], ids=repr)
def test_without_a_stack_memos_keep_their_order(stack: Any) -> None:
    assert parsed(ctx={"stack": stack}, steps={"b": 1, "a": 2}).order == ["b", "a"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(None, "the body", id="null"),
        pytest.param([], "the body", id="list"),
        pytest.param("x", "the body", id="text"),
        pytest.param(5, "the body", id="number"),
        pytest.param(True, "the body", id="bool"),
        pytest.param({}, "`event` must be an object", id="empty"),
        pytest.param({"event": None}, "`event` must be an object", id="null event"),
        pytest.param({"event": [EVENT]}, "`event` must be an object", id="event as list"),
        pytest.param({"event": {}}, "`event.name`", id="no name"),
        pytest.param({"event": {"name": 5}}, "`event.name`", id="name as number"),
        pytest.param({"event": EVENT, "events": {}}, "`events`", id="events as object"),
        pytest.param({"event": EVENT, "events": 0}, "`events`", id="events as number"),
        pytest.param({"event": EVENT, "events": ""}, "`events`", id="events as text"),
        pytest.param({"event": EVENT, "events": [1]}, "`events[]`", id="events of numbers"),
        pytest.param({"event": EVENT, "events": [{}]}, "`events[].name`", id="nameless in a batch"),
        pytest.param({"event": {"name": "a", "data": 5}}, "`event.data`", id="data as number"),
        pytest.param({"event": {"name": "a", "id": 5}}, "`event.id`", id="event id as number"),
        pytest.param({"event": {"name": "a", "ts": "5"}}, "`event.ts`", id="ts as text"),
        pytest.param({"event": {"name": "a", "ts": True}}, "`event.ts`", id="ts as bool"),
        pytest.param({"event": {"name": "a", "v": 1}}, "`event.v`", id="version as number"),
        pytest.param({"event": {"name": "a", "user": []}}, "`event.user`", id="user as list"),
        pytest.param({"event": {"name": "a", "meta": "x"}}, "`event.meta`", id="meta as text"),
        pytest.param({"event": EVENT, "steps": []}, "`steps`", id="steps as list"),
        pytest.param({"event": EVENT, "ctx": []}, "`ctx`", id="ctx as list"),
        pytest.param({"event": EVENT, "ctx": "x"}, "`ctx`", id="ctx as text"),
        pytest.param({"event": EVENT, "ctx": {"stack": []}}, "`stack`", id="stack as list"),
        pytest.param({"event": EVENT, "ctx": {"stack": 5}}, "`stack`", id="stack as number"),
        pytest.param({"event": EVENT, "ctx": {"run_id": 5}}, "`ctx.run_id`", id="run as number"),
        pytest.param({"event": EVENT, "ctx": {"run_id": None}}, "`ctx.run_id`", id="null run"),
        pytest.param({"event": EVENT, "ctx": {"attempt": -1}}, "`ctx.attempt`", id="negative"),
        pytest.param({"event": EVENT, "ctx": {"attempt": 1.5}}, "`ctx.attempt`", id="fraction"),
        pytest.param(
            {"event": EVENT, "ctx": {"attempt": True}}, "`ctx.attempt`", id="bool attempt"
        ),
        pytest.param({"event": EVENT, "ctx": {"attempt": "1"}}, "`ctx.attempt`", id="text attempt"),
        pytest.param(
            {"event": EVENT, "ctx": {"max_attempts": []}},
            "`ctx.max_attempts`",
            id="attempts as list",
        ),
        pytest.param(
            {"event": EVENT, "ctx": {"stack": {"stack": "ab"}}},
            "`ctx.stack.stack`",
            id="stack as text",
        ),
        pytest.param(
            {"event": EVENT, "ctx": {"stack": {"stack": [1]}}},
            "`ctx.stack.stack`",
            id="stack of ints",
        ),
    ],
)
def test_what_is_no_call_is_a_400_that_names_the_field(body: Any, field: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_call(body, "f", None)
    assert (caught.value.status, caught.value.code) == (400, "body_invalid")
    assert f": {field}" in str(caught.value)
