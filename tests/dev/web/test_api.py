"""The HTTP face: routes, envelopes, errors, and the header every response has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from inngest_asgi.dev.apps.registry import app_id
from tests.dev.fakes import SERVER, URL, FakeApp, crash, output, script, world

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


def test_an_event_key_is_needed() -> None:
    expected = {"status": 401, "message": "", "error": "Event key not found"}
    assert get("/e/", "POST", json={"name": "a"}) == (401, expected)


def test_runs_of_an_event_that_started_none() -> None:
    status, body = get(f"/v1/events/{ULID}/runs")
    assert (status, body["data"]) == (200, [])


def test_an_app_that_expects_another_kind_of_server_is_refused() -> None:
    headers = {"x-inngest-expected-server-kind": "cloud"}
    status, body = get("/fn/register", "POST", json={}, headers=headers)
    assert (status, body["code"]) == (400, "server_kind_mismatch")
    assert "INNGEST_DEV=1" in body["error"]


def test_register_tells_what_became_of_it() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script())
        async with world(app, sync=False) as here:
            answers = [await here.http.post("/fn/register", json=app.registration())]
            answers += [await here.http.post("/fn/register", json=app.registration())]
            app.add("two", script())
            answers += [await here.http.post("/fn/register", json=app.registration())]
            bodies = [answer.json() for answer in answers]
            assert [body["modified"] for body in bodies] == [True, False, True]
            assert {body["app_id"] for body in bodies} == {app_id("shop")}
            assert all(body["ok"] and "error" not in body for body in bodies)

    asyncio.run(main())


def test_a_refused_function_is_a_400_with_its_code() -> None:
    app = FakeApp().add("one", script(), batchEvents={"maxSize": 1})
    status, body = get("/fn/register", "POST", json=app.registration())
    assert (status, body["code"]) == (400, "batch_size_invalid")
    assert "'shop-one'" in body["error"]


@pytest.mark.parametrize("document", [[], {}, {"url": 7}, {"url": "nowhere"}])
def test_a_registration_of_nobody_is_a_400(document: Any) -> None:
    status, body = get("/fn/register", "POST", json=document)
    assert (status, body["status"]) == (400, 400)


def test_dev_lists_functions_and_handlers() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script())
        async with world(app) as here:
            body = (await here.http.get("/dev")).json()
            (function,) = body["functions"]
            assert (function["slug"], function["triggers"]) == (
                "shop-one",
                [{"event": "shop/paid"}],
            )
            (handler,) = body["handlers"]
            assert (handler["url"], handler["connected"], handler["error"]) == (URL, True, None)
            assert handler["sdk"]["appName"] == "shop"
            assert body["startOpts"]["persist"] is False
            assert body["isSingleNodeService"] is True

    asyncio.run(main())


def test_dev_tells_of_an_app_that_never_registered() -> None:
    async def main() -> None:
        async with world(FakeApp(), sync=False) as here:
            here.app.server = None
            await here.server.sync(URL)
            (handler,) = (await here.http.get("/dev")).json()["handlers"]
            assert handler["connected"] is False
            assert handler["synced_at"] is None
            assert handler["error"]

    asyncio.run(main())


def test_a_forgotten_app_starts_nothing() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script())
        async with world(app) as here:
            gone = await here.http.delete("/fn/remove", params={"url": URL})
            assert (gone.status_code, gone.content) == (200, b"")
            assert await here.finish(await here.send()) == []
            assert here.server.apps == []
            assert (await here.server.sync(URL)).ok

    asyncio.run(main())


def test_events_and_runs_as_tools_poll_them() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script(output({"ok": True})))
        async with world(app) as here:
            event_id = await here.send(id="mine", data={"n": 1})
            (run,) = await here.finish(event_id)
            answer = await here.http.get(f"/v1/events/{event_id}/runs")
            assert answer.headers["cache-control"] == "private, max-age=15"
            body = answer.json()
            assert body["metadata"] == {
                "fetched_at": "2025-01-01T00:00:00.000Z",
                "cached_until": "2025-01-01T00:00:15.000Z",
            }
            (shown,) = body["data"]
            assert shown == {
                "run_id": run.id,
                "run_started_at": "2025-01-01T00:00:00.000Z",
                "function_id": run.function_id,
                "function_version": 1,
                "environment_id": "00000000-0000-4000-b000-000000000000",
                "event_id": event_id,
                "status": "Completed",
                "ended_at": "2025-01-01T00:00:00.000Z",
                "output": {"ok": True},
            }
            alone = await here.http.get(f"/v1/runs/{run.id}")
            assert alone.json()["data"] == shown
            assert alone.headers["cache-control"] == "private, max-age=3"
            event = (await here.http.get(f"/v1/events/{event_id}")).json()["data"]
            assert (event["internal_id"], event["id"]) == (event_id, "mine")
            assert event["data"] == {"n": 1}
            assert event["received_at"] == "2025-01-01T00:00:00.000Z"

    asyncio.run(main())


def test_a_run_without_an_end_has_no_output() -> None:
    async def main() -> None:
        app = FakeApp().add("one", lambda call: crash())
        async with world(app) as here:
            event_id = await here.send()
            await here.server.settle()
            (shown,) = (await here.http.get(f"/v1/events/{event_id}/runs")).json()["data"]
            assert (shown["status"], shown["ended_at"]) == ("Running", None)
            assert "output" not in shown

    asyncio.run(main())


def test_a_registration_nested_too_deeply_is_refused_in_json() -> None:
    deep = b'{"a":' * 1000 + b"1" + b"}" * 1000
    status, body = get("/fn/register", "POST", content=deep)
    assert (status, body["code"]) == (400, "body_invalid")
    assert "nested too deeply" in body["error"]


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


def test_asking_for_the_state_of_ended_runs_leaves_nothing_in_memory() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script(output("ok")))
        async with world(app) as here:
            run = await here.run_one()
            answer = await here.http.get(f"/v0/runs/{run.id}/actions")
            assert answer.status_code == 410
            assert here.server.runs._jobs._of_run == {}
            assert here.server.runs._held == {}

    asyncio.run(main())
