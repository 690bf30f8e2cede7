"""The events servers send by themselves, read as server-api.md 6 and 14 show them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.errors import EventValidationError
from inngest_asgi.functions import internal_events
from inngest_asgi.wire.events import Event

if TYPE_CHECKING:
    from inngest_asgi.functions.event_types import EventType

PAID = {"name": "shop/paid", "data": {"n": 1}, "id": "01JX0", "ts": 1785578399000}
END = {"function_id": "shop-charge", "run_id": "01JX1", "event": PAID, "events": [PAID]}
ERROR = {"error": "Error: card declined", "name": "Error", "message": "declined", "stack": "..."}
ALL = [
    internal_events.function_cancelled,
    internal_events.function_failed,
    internal_events.function_finished,
    internal_events.function_invoked,
    internal_events.scheduled_timer,
]


def read(kind: EventType[Any], data: dict[str, Any]) -> Any:
    return kind.read({"name": kind.name, "data": data}, "It is refused").data


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_the_name_is_a_server_s_own(kind: EventType[Any]) -> None:
    assert kind.name.startswith("inngest/")


@pytest.mark.parametrize(
    "kind",
    [internal_events.function_failed, internal_events.function_cancelled],
    ids=["failed", "cancelled"],
)
def test_a_run_that_did_not_succeed(kind: EventType[Any]) -> None:
    data = read(kind, END | {"error": ERROR, "_inngest": {"status": "Failed"}})
    assert (data.function_id, data.run_id, data.status) == ("shop-charge", "01JX1", "Failed")
    assert (data.event, data.events) == (Event.from_raw(PAID), [Event.from_raw(PAID)])
    error = data.error
    assert (error.name, error.message, error.stack) == ("Error", "declined", "...")
    assert (error.summary, error.cause) == ("Error: card declined", None)


@pytest.mark.parametrize(
    ("fields", "result", "error"),
    [
        pytest.param({"result": {"ok": True}}, {"ok": True}, None, id="result"),
        pytest.param({}, None, None, id="nothing"),
        pytest.param({"error": ERROR}, None, "declined", id="error"),
    ],
)
def test_a_run_that_ended(fields: dict[str, Any], result: Any, error: str | None) -> None:
    data = read(internal_events.function_finished, END | fields)
    assert (data.result, data.error and data.error.message) == (result, error)


def test_a_run_without_a_batch() -> None:
    data = read(internal_events.function_finished, END | {"events": None})
    assert (data.events, data.status, data.correlation_id) == ([], None, None)


def test_a_run_that_was_invoked() -> None:
    data = read(internal_events.function_finished, END | {"correlation_id": "01JX2.98bf"})
    assert data.correlation_id == "01JX2.98bf"


def test_an_event_in_an_event_is_taken_as_it_comes() -> None:
    meta = {"sessions": {str(n): n for n in range(6)}}
    data = read(internal_events.function_finished, END | {"event": PAID | {"meta": meta}})
    assert data.event.meta == meta


def test_a_failure_of_no_run_is_refused() -> None:
    with pytest.raises(EventValidationError) as raised:
        read(internal_events.function_failed, {"event": 5})
    fields = ["data.function_id", "data.run_id", "data.event", "data.error"]
    assert raised.value.fields == fields


def test_an_invocation_has_the_caller_s_data() -> None:
    data = {"n": 1, "_inngest": {"fn_id": "shop-pay"}}
    assert read(internal_events.function_invoked, data) == data


def test_a_schedule_that_came_due() -> None:
    at = "2026-01-02T09:00:00Z"
    data = read(
        internal_events.scheduled_timer, {"cron": "0 9 * * *", "scheduledAt": at, "fireAt": at}
    )
    nine = datetime(2026, 1, 2, 9, tzinfo=UTC)
    assert (data.cron, data.scheduled_at, data.fire_at) == ("0 9 * * *", nine, nine)


def test_what_a_server_adds_is_kept() -> None:
    data = read(internal_events.scheduled_timer, {"cron": "0 9 * * *", "new": 1})
    assert data.model_extra == {"new": 1}
