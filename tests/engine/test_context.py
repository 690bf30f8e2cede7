"""What `ctx` shows of a call."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from inngest_asgi.engine.context import CallContext, Context, ContextSync
from inngest_asgi.wire.events import Event
from tests.engine.calls import Request

LOGGER = logging.getLogger("test")
FAILED = "inngest/function.failed"


def context(**changes: Any) -> CallContext:
    return CallContext(replace(Request().call(), **changes), "app", LOGGER, None, None)


def test_a_context_shows_the_call() -> None:
    ctx = context(attempt=2, max_attempts=None, request_id="r")
    assert (ctx.run_id, ctx.attempt, ctx.max_attempts) == ("01JTESTRUN", 2, None)
    assert (ctx.function_id, ctx.app_id, ctx.request_id) == ("app-fn", "app", "r")
    assert ctx.logger is LOGGER


def test_events_are_read_when_asked_for() -> None:
    ctx = context(events=[{"name": "a", "data": {"n": n}} for n in range(2)])
    assert ctx.event.name == "test/started"
    assert [one.data for one in ctx.events] == [{"n": 0}, {"n": 1}]


def test_events_that_were_rebuilt_to_their_types_are_kept() -> None:
    events: list[Event[Any]] = [Event(name="a", data={"n": n}) for n in range(2)]
    ctx: CallContext[Any] = CallContext(
        Request().call(), "app", LOGGER, None, None, (events[0], events)
    )
    assert ctx.event is events[0]
    assert ctx.events is events


def test_a_failure_handler_gets_the_error_rebuilt() -> None:
    error = {"name": "ValueError", "message": "no", "stack": "at x"}
    found = context(event={"name": FAILED, "data": {"error": error}}).error
    assert found is not None
    assert (found.name, found.message, found.stack) == ("ValueError", "no", "at x")


@pytest.mark.parametrize("data", [None, {}, {"error": None}])
def test_a_failure_event_without_error_gives_an_error_that_says_little(data: Any) -> None:
    found = context(event={"name": FAILED, "data": data}).error
    assert found is not None
    assert found.name == "StepError"


def test_other_functions_have_no_error() -> None:
    assert context().error is None


@pytest.mark.parametrize("kind", [Context, ContextSync])
def test_both_colours_hold_their_tools(kind: Any) -> None:
    step, group = object(), object()
    ctx = kind(Request().call(), app_id="app", logger=LOGGER, step=step, group=group)
    assert (ctx.step, ctx.group) == (step, group)
