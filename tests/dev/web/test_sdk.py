"""What SDKs call by themselves: registering, state too large for a call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from inngest_asgi.dev.apps.registry import app_id
from tests.dev.fakes import FakeApp, output, script, world
from tests.dev.web.asking import asked


def test_an_app_that_expects_another_kind_of_server_is_refused() -> None:
    headers = {"x-inngest-expected-server-kind": "cloud"}
    status, body = asked("POST", "/fn/register", json={}, headers=headers)
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
    status, body = asked("POST", "/fn/register", json=app.registration())
    assert (status, body["code"]) == (400, "batch_size_invalid")
    assert "'shop-one'" in body["error"]


@pytest.mark.parametrize("document", [[], {}, {"url": 7}, {"url": "nowhere"}])
def test_a_registration_of_nobody_is_a_400(document: Any) -> None:
    status, body = asked("POST", "/fn/register", json=document)
    assert (status, body["status"]) == (400, 400)


def test_a_registration_nested_too_deeply_is_refused_in_json() -> None:
    deep = b'{"a":' * 1000 + b"1" + b"}" * 1000
    status, body = asked("POST", "/fn/register", content=deep)
    assert (status, body["code"]) == (400, "body_invalid")
    assert "nested too deeply" in body["error"]


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
