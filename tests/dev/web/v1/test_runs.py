"""Runs and functions in REST v1."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.dev.apps.registry import app_id
from tests.dev.fakes import Call, FakeApp, Reply, World, op, ops, output, planned, ran, sha1
from tests.dev.web.asking import ULID, asked, within

ANY = {"kind": "a", "op": "set", "values": {}}


def sleeps(call: Call) -> Reply:
    if sha1("nap") in call.steps:
        return output("rested")
    return ops(op("Sleep", "nap", opts={"duration": "1h"}), planned("a"))


def both(call: Call) -> Reply:
    return ops(ran("a")) if call.target == sha1("a") else sleeps(call)


async def start(here: World) -> str:
    event_id = await here.send()
    await here.server.settle()
    (run,) = await here.server.runs_of(event_id)
    return run.id


def test_a_cancelled_run_is_gone_without_a_word() -> None:
    async def ask(here: World) -> None:
        run_id = await start(here)
        for _ in range(2):
            answer = await here.http.delete(f"/v1/runs/{run_id}")
            assert (answer.status_code, answer.content) == (200, b"")
            await here.server.settle()
        row = await here.server.run(run_id)
        assert row is not None
        assert row.status is RunStatus.CANCELLED
        shown = (await here.http.get(f"/v1/runs/{run_id}")).json()["data"]
        assert "cancelled by the API" in shown["output"]["message"]

    within(FakeApp().add("one", both), ask)


def test_cancelling_what_is_not_there_is_a_404() -> None:
    status, body = asked("DELETE", f"/v1/runs/{ULID}")
    assert (status, body["status"]) == (404, 404)


def test_jobs_are_what_is_in_the_queue() -> None:
    async def ask(here: World) -> None:
        run_id = await start(here)
        answer = await here.http.get(f"/v1/runs/{run_id}/jobs")
        assert answer.headers["cache-control"] == "private, max-age=5"
        (job,) = answer.json()["data"]
        assert job == {
            "JobID": f"{run_id}-{sha1('nap')}",
            "at": "2025-01-01T01:00:00.000Z",
            "position": 0,
            "kind": "sleep",
            "attempt": 0,
            "Raw": {"step_id": sha1("nap"), "name": "nap", "run_id": run_id},
        }

    within(FakeApp().add("one", both), ask)


def test_a_run_that_is_not_there_has_no_jobs() -> None:
    assert asked("GET", f"/v1/runs/{ULID}/jobs")[1]["data"] == []


def test_at_most_ten_jobs_are_listed() -> None:
    async def ask(here: World) -> None:
        run_id = await start(here)
        jobs = (await here.http.get(f"/v1/runs/{run_id}/jobs")).json()["data"]
        assert [job["position"] for job in jobs] == list(range(10))

    naps = [op("Sleep", f"nap {at}", opts={"duration": f"{at + 1}h"}) for at in range(12)]
    within(FakeApp().add("one", lambda call: ops(*naps)), ask)


def test_metadata_is_attached() -> None:
    async def ask(here: World) -> None:
        run_id = await start(here)
        target = {"step_id": "nap"}
        metadata = [{"kind": "userland.x", "op": "merge", "values": {"k": 1}}]
        for body in ({"metadata": metadata}, {"target": target, "metadata": metadata}):
            answer = await here.http.post(f"/v1/runs/{run_id}/metadata", json=body)
            assert (answer.status_code, answer.content) == (200, b"")
        root = (await here.http.get(f"/v2/runs/{run_id}/trace")).json()["data"]["rootSpan"]
        (nap,) = [span for span in root["children"] if span["name"] == "nap"]
        shown = {"kind": "userland.x", "values": {"k": "1"}}
        assert root["metadata"] == [{"scope": "run", **shown}]
        assert nap["metadata"] == [{"scope": "step", **shown}]

    within(FakeApp().add("one", both), ask)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (
            f"/v1/runs/{ULID}/metadata",
            {"metadata": [{"kind": "a", "op": "set", "values": {}}]},
            404,
        ),
        (f"/v1/runs/{ULID}/metadata", {}, 400),
        ("/v1/runs/nope/metadata", {}, 400),
    ],
)
def test_metadata_of_nothing_is_refused(path: str, body: Any, status: int) -> None:
    answered, shown = asked("POST", path, json=body)
    assert (answered, shown["status"]) == (status, status)


def test_functions_of_an_app() -> None:
    status, body = asked("GET", "/v1/apps/shop/functions")
    (function,) = body
    assert status == 200
    assert (function["id"], function["name"], function["app_id"]) == (
        "shop-one",
        "one",
        app_id("shop"),
    )
    assert function["config"]["triggers"] == [{"event": "shop/paid"}]
    assert function["archived_at"] is None


def test_functions_of_no_app() -> None:
    assert asked("GET", "/v1/apps/none/functions")[0] == 404
