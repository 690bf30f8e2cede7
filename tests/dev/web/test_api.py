"""The HTTP face: routes, envelopes, errors, and the header every response has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.dev.fakes import SERVER, FakeApp, world

if TYPE_CHECKING:
    import sqlite3

ULID = "01JGFJJZ00000G40R40M30E20A"


def get(path: str, method: str = "GET", **more: Any) -> tuple[int, Any]:
    async def main() -> tuple[int, Any]:
        async with world(FakeApp(), sync=False) as here:
            answer = await here.http.request(method, path, **more)
            assert answer.headers["x-inngest-server-kind"] == "dev"
            return answer.status_code, answer.json() if answer.content else None

    return asyncio.run(main())


def test_health() -> None:
    assert get("/health") == (200, {"status": 200, "message": "OK"})


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/v1/runs/nope", 400, "Invalid run ID: nope"),
        ("GET", f"/v1/runs/{ULID}", 500, "Unable to load run"),
        ("GET", "/v1/events/nope", 400, "Invalid event ID: nope"),
        ("GET", f"/v1/events/{ULID}", 404, "Event not found"),
        ("GET", "/v1/events/nope/runs", 400, "Invalid event ID: nope"),
        ("GET", "/v0/runs/nope/actions", 400, "Invalid run ID: nope"),
        ("GET", f"/v0/runs/{ULID}/actions", 410, "no longer exists"),
        ("GET", f"/v0/runs/{ULID}/batch", 410, "no longer exists"),
        ("GET", "/nothing/here", 404, "There is nothing at /nothing/here"),
        ("POST", f"/v1/checkpoint/{ULID}/steps", 404, "There is nothing"),
        ("GET", f"/v1/checkpoint/{ULID}/async", 405, "does not take GET"),
        ("GET", "/health/", 404, "There is nothing at /health/"),
        ("POST", "/health", 405, "/health does not take POST"),
        ("OPTIONS", "/fn/register", 405, "/fn/register does not take OPTIONS"),
        ("GET", "/e/key", 405, "/e/key does not take GET"),
        ("DELETE", "/fn/remove?url=http://nobody.test/", 404, "There is no app"),
        ("DELETE", "/fn/remove", 400, "not a URL"),
        ("POST", "/fn/register", 400, "not valid JSON"),
    ],
)
def test_errors_have_one_shape(method: str, path: str, status: int, says: str) -> None:
    answered, body = get(path, method)
    assert answered == status
    assert says in body["error"]
    assert (body["status"], body["data"]) == (status, None)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/cancellations", "GET, HEAD, POST"),
        (f"/v1/runs/{ULID}", "DELETE, GET, HEAD"),
        ("/ui/events", "GET, HEAD, POST"),
        ("/e/key", "POST"),
        ("/v2/runs", "GET, HEAD"),
        (f"/api/v2/runs/{ULID}/cancel", "POST"),
    ],
)
def test_a_wrong_method_is_told_those_of_all_routes_at_the_path(path: str, methods: str) -> None:
    async def main() -> None:
        async with world(FakeApp(), sync=False) as here:
            answer = await here.http.put(path)
            assert (answer.status_code, answer.headers["allow"]) == (405, methods)

    asyncio.run(main())


def test_an_event_key_is_needed() -> None:
    expected = {"status": 401, "message": "", "error": "Event key not found"}
    assert get("/e/", "POST", json={"name": "a"}) == (401, expected)


def test_a_bug_is_answered_in_json_too() -> None:
    async def main() -> None:
        async with world(FakeApp(), sync=False) as here:
            event_id = await here.send("a")
            await here.server.store._thread.submit(spoil_events)
            transport = httpx.ASGITransport(here.server.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=SERVER) as http:
                answer = await http.get(f"/v1/events/{event_id}")
            assert answer.status_code == answer.json()["status"] == 500
            assert "A bug in the dev server" in answer.json()["error"]

    asyncio.run(main())


def spoil_events(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE events SET body = 'spoilt'")
