"""Cancellations of many runs over HTTP."""

from __future__ import annotations

from tests.dev.fakes import FakeApp, World, op, ops
from tests.dev.web.asking import ULID, asked, within

ABOUT = {"app_id": "shop", "function_id": "one", "started_before": "2025-01-01T00:00:05Z"}


def test_a_cancellation_is_made_listed_and_deleted() -> None:
    async def ask(here: World) -> None:
        made = (await here.http.post("/v1/cancellations", json=ABOUT)).json()["data"]
        listed = (await here.http.get("/v1/cancellations")).json()["data"]
        assert listed == [made]
        for status in (200, 404):
            answer = await here.http.delete(f"/v1/cancellations/{made['id']}")
            assert answer.status_code == status
            assert answer.json()["data"] == ({"ok": True} if status == 200 else None)
        assert (await here.http.get("/v1/cancellations")).json()["data"] == []

    app = FakeApp().add("one", lambda call: ops(op("Sleep", "nap", opts={"duration": "1h"})))
    within(app, ask)


def test_a_cancellation_that_is_not_there() -> None:
    status, body = asked("DELETE", f"/v1/cancellations/{ULID}")
    assert (status, body["error"]) == (404, "Cancellation not found")


def test_a_cancellation_that_makes_no_sense() -> None:
    status, body = asked("POST", "/v1/cancellations", json={})
    assert (status, body["error"]) == (400, "app_id is required")
