"""Apps and functions in REST v2, and functions invoked."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.apps.registry import app_id
from tests.dev.fakes import Call, FakeApp, Reply, World, op, ops, output
from tests.dev.web.asking import asked, within


def echo(call: Call) -> Reply:
    return output(call.body["event"]["data"])


def sleeps(call: Call) -> Reply:
    return ops(op("Sleep", "nap", opts={"duration": "1h"}))


async def invoke(here: World, name: str = "one", **body: Any) -> tuple[int, Any]:
    answer = await here.http.post(f"/v2/apps/shop/functions/{name}/invoke", json=body)
    return answer.status_code, answer.json()


def test_an_app_tells_how_its_last_sync_went() -> None:
    status, body = asked("GET", "/v2/apps/shop")
    assert (status, body["data"]) == (
        200,
        {
            "id": "shop",
            "internalId": app_id("shop"),
            "name": "shop",
            "method": "SERVE",
            "functionCount": 1,
            "latestSync": {
                "status": "success",
                "sdkLanguage": "fake",
                "sdkVersion": "v1.0.0",
                "url": "http://app.test/api/inngest",
                "completedAt": "2025-01-01T00:00:00.000Z",
            },
        },
    )


def test_apps_are_found_by_name_and_by_id() -> None:
    by_name, by_id = asked("GET", "/v2/apps/shop"), asked("GET", f"/v2/apps/{app_id('shop')}")
    assert by_name == by_id


def test_an_app_that_cannot_be_reached_says_why() -> None:
    async def ask(here: World) -> None:
        here.app.server = None
        await here.server.sync("http://app.test/api/inngest")
        (app,) = (await here.http.get("/v2/apps")).json()["data"]
        assert app["latestSync"]["status"] == "error"
        assert "app.test" in app["latestSync"]["error"]

    within(FakeApp().add("one", echo), ask)


def test_a_function_has_its_triggers_and_configuration() -> None:
    async def ask(here: World) -> None:
        answer = await here.http.get("/v2/apps/shop/functions/one")
        data = answer.json()["data"]
        assert (data["id"], data["slug"], data["app"]) == ("one", "shop-one", {"id": "shop"})
        assert data["triggers"] == [{"event": "shop/paid"}]
        assert data["config"]["concurrency"] == [{"limit": 3}]

    within(FakeApp().add("one", echo, concurrency=[{"limit": 3}]), ask)


def test_functions_come_in_pages() -> None:
    async def ask(here: World) -> None:
        names: list[str] = []
        params = {"limit": "2"}
        for _ in range(2):
            answer = await here.http.get("/v2/apps/shop/functions", params=params)
            names += [one["id"] for one in answer.json()["data"]]
            params["cursor"] = answer.json()["page"].get("cursor", "")
        assert names == ["a", "b", "c"]
        assert answer.json()["page"] == {"hasMore": False, "limit": 2}

    within(FakeApp().add("c", echo).add("a", echo).add("b", echo), ask)


def test_names_with_slashes_are_found() -> None:
    async def ask(here: World) -> None:
        assert (await here.http.get("/v2/apps/my%2Fshop")).json()["data"]["id"] == "my/shop"
        answer = await here.http.post("/v2/apps/my%2Fshop/functions/one/invoke", json={})
        assert answer.status_code == 200

    within(FakeApp("my/shop").add("one", echo), ask)


@pytest.mark.parametrize("name", ["one", "shop-one"])
def test_an_invoked_function_runs_with_the_data(name: str) -> None:
    async def ask(here: World) -> None:
        status, body = await invoke(here, name, data={"n": 1})
        run_id = body["data"]["runId"]
        assert (status, body["data"]["status"]) == (200, "QUEUED")
        await here.server.settle()
        answer = await here.http.get(f"/v2/runs/{run_id}?include_output=1")
        shown = answer.json()["data"]["output"]
        function = here.server.functions[0]
        assert shown == {"n": 1, "_inngest": {"fn_id": function.id, "type": "api"}}
        assert answer.json()["data"]["trigger"]["eventName"] == "inngest/function.invoked"

    within(FakeApp().add("one", echo), ask)


def test_the_same_key_again_is_told_of_the_first_run() -> None:
    async def ask(here: World) -> None:
        _, first = await invoke(here, idempotency_key="k")
        status, again = await invoke(here, idempotencyKey="k")
        assert (status, again["errors"][0]["code"]) == (409, "idempotency_conflict")
        assert again["data"] == {"runId": first["data"]["runId"]}
        assert first["data"]["runId"] in again["errors"][0]["message"]
        assert (await invoke(here, idempotency_key="other"))[0] == 200
        assert (await invoke(here))[0] == (await invoke(here))[0] == 200

    within(FakeApp().add("one", echo), ask)


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"rateLimit": {"limit": 1, "period": "1h"}}, "rate_limited"),
        ({"idempotency": "event.data.n"}, "rate_limited"),
        ({"singleton": {"mode": "skip"}}, "function_skipped"),
    ],
    ids=["rate limit", "idempotency", "singleton"],
)
def test_an_invocation_that_flow_control_drops_is_a_422(config: Any, code: str) -> None:
    async def ask(here: World) -> None:
        assert (await invoke(here, data={"n": 1}))[0] == 200
        await here.server.settle()
        status, body = await invoke(here, data={"n": 1})
        assert (status, body["errors"][0]["code"]) == (422, code)

    within(FakeApp().add("one", sleeps, **config), ask)


@pytest.mark.parametrize(
    "config",
    [{"debounce": {"period": "5s"}}, {"batchEvents": {"maxSize": 3, "timeout": "5s"}}],
    ids=["debounce", "batch"],
)
def test_an_invocation_that_is_collected_runs_later(config: Any) -> None:
    async def ask(here: World) -> None:
        status, body = await invoke(here, data={"n": 1})
        assert (status, body["errors"][0]["code"]) == (422, "function_debounced")
        await here.pass_time(10)
        assert len(here.app.calls) == 1

    within(FakeApp().add("one", echo, **config), ask)


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/apps/none/functions/one/invoke", {}, 404, "not_found"),
        ("/apps/shop/functions/none/invoke", {}, 404, "not_found"),
        ("/apps/shop/functions/one/invoke", {"data": []}, 400, "invalid_field_format"),
        ("/apps/shop/functions/one/invoke", {"idempotency_key": 7}, 400, "invalid_field_format"),
        ("/apps/shop/functions/one/invoke", {"idempotency_key": ""}, 400, "missing_field"),
        ("/apps/shop/functions/one/invoke", {"payload": {}}, 400, "invalid_request"),
        (
            "/apps/shop/functions/one/invoke",
            {"data": {"x": "y" * 3 * 1024 * 1024}},
            413,
            "validation_error",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_invocation_that_makes_no_sense_is_refused(
    path: str, body: Any, status: int, code: str
) -> None:
    answered, shown = asked("POST", f"/v2{path}", json=body)
    assert (answered, shown["errors"][0]["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/apps/none", "/apps/none/functions", "/apps/shop/functions/x"])
def test_what_is_not_there_is_a_404(path: str) -> None:
    status, body = asked("GET", f"/v2{path}")
    assert (status, body["errors"][0]["code"]) == (404, "not_found")
