"""Events in REST v2."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dev.fakes import FakeApp, World, output
from tests.dev.web.asking import asked, within


def test_an_event_is_taken_and_named() -> None:
    async def ask(here: World) -> None:
        event = {"name": "shop/paid", "data": {"n": 1}, "id": "mine", "user": None}
        answer = await here.http.post("/v2/events", json=event)
        event_id = answer.json()["data"]["eventId"]
        (run,) = await here.finish(event_id)
        assert run.output == b'"ok"'
        stored = await here.server.store.event(event_id)
        assert stored is not None
        assert stored.id == "mine"

    within(FakeApp().add("one", lambda call: output("ok")), ask)


@pytest.mark.parametrize(
    ("event", "status", "code"),
    [
        ({}, 400, "missing_field"),
        ({"name": ""}, 400, "missing_field"),
        ({"name": 7}, 400, "invalid_field_format"),
        ({"name": "x" * 513}, 400, "invalid_field_format"),
        ({"name": "inngest/mine"}, 400, "validation_error"),
        ({"name": "a", "data": []}, 400, "validation_error"),
        ({"name": "a", "color": "red"}, 400, "invalid_request"),
        ([{"name": "a"}], 400, "invalid_request"),
        ({"name": "a", "data": {"x": "y" * 3 * 1024 * 1024}}, 413, "validation_error"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_event_is_refused(event: Any, status: int, code: str) -> None:
    answered, body = asked("POST", "/v2/events", json=event)
    assert (answered, body["errors"][0]["code"]) == (status, code)
