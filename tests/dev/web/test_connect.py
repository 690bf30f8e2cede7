"""Start, flush, and lists of workers, over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.connect.frames import from_bytes, to_bytes
from inngest_asgi.connect.messages import (
    FlushResponse,
    Response,
    StartRequest,
    StartResponse,
    SystemAttributes,
)
from inngest_asgi.crypto.keys import bearer_token
from inngest_asgi.dev.web.replies import is_ulid
from tests.dev.fakes import FakeApp, World, output, world
from tests.dev.gateway.fakes import FakeWorker
from tests.dev.web.asking import within

if TYPE_CHECKING:
    import httpx

KEY = "signkey-prod-0123456789abcdef"
CLOUD: dict[str, Any] = {"kind": "cloud", "signing_key": KEY, "event_keys": ("events",)}
OCTETS = "application/octet-stream"


def shop() -> FakeApp:
    return FakeApp().add("pay", lambda call: output(None))


def posted(path: str, content: bytes, **options: Any) -> httpx.Response:
    """Post to a server that listens for workers on port 8289, or says so."""
    headers: dict[str, str] = options.pop("headers", {})

    async def ask(here: World) -> httpx.Response:
        here.server.gateway.address = ("127.0.0.1", 8289)
        return await here.http.post(path, content=content, headers=headers)

    return within(shop(), ask, sync=False, **options)


def started(content: bytes = b"", **more: Any) -> StartResponse:
    answer = posted("/v0/connect/start", content, **more)
    assert (answer.status_code, answer.headers["content-type"]) == (200, OCTETS)
    return from_bytes(StartResponse, answer.content)


@pytest.mark.parametrize(
    "body", [b"", to_bytes(StartRequest(("gw-dev",)))], ids=["empty", "excluding"]
)
def test_a_worker_is_told_where_to_connect(body: bytes) -> None:
    reply = started(body)
    assert reply.gateway_endpoint == "ws://server.test:8289/v0/connect"
    assert reply.gateway_group == "gw-dev"
    assert is_ulid(reply.connection_id)
    assert reply.session_token
    assert reply.sync_token == ""


@pytest.mark.parametrize(
    ("host", "named"),
    [("192.168.0.7:8288", "192.168.0.7"), ("[::1]:8288", "[::1]"), ("localhost", "localhost")],
)
def test_the_gateway_is_where_the_request_came(host: str, named: str) -> None:
    reply = started(headers={"host": host})
    assert reply.gateway_endpoint == f"ws://{named}:8289/v0/connect"


def test_a_token_of_the_start_is_good_at_the_gateway() -> None:
    async def ask(here: World) -> None:
        here.server.gateway.address = ("127.0.0.1", 8289)
        answer = await here.http.post("/v0/connect/start")
        reply = from_bytes(StartResponse, answer.content)
        worker = FakeWorker(here, auth_data=reply.auth_data, connection_id=reply.connection_id)
        assert (await worker.ready()).role.connected

    within(shop(), ask, sync=False)


@pytest.mark.parametrize("token", [KEY, bearer_token(KEY)], ids=["raw", "hash"])
def test_a_worker_with_the_key_has_it_echoed(token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    assert started(headers=headers, **CLOUD).sync_token == token


@pytest.mark.parametrize("path", ["start", "flush", "envs/dev/conns", "envs/dev/groups/x"])
def test_nobody_else_gets_anywhere(path: str) -> None:
    answer = posted(f"/v0/connect/{path}", b"", **CLOUD)
    assert (answer.status_code, answer.text) == (401, "Authentication failed")


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("start", b"\xff", 400),
        ("start", b"x" * (1024 * 1024 + 1), 413),
        ("flush", b"", 400),
        ("flush", b"\xff", 400),
        ("flush", to_bytes(Response("request")), 400),
        ("flush", to_bytes(Response("request", system_trace_ctx=b"{")), 400),
        ("flush", b"x" * (8 * 1024 * 1024 + 1), 413),
    ],
    ids=[
        *("start-garbage", "start-too-large", "empty", "garbage", "no-context", "bad-context"),
        "too-large",
    ],
)
def test_what_cannot_be_read_is_refused(path: str, content: bytes, status: int) -> None:
    answer = posted(f"/v0/connect/{path}", content)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_a_reply_that_nobody_waits_for_is_taken_for_stored() -> None:
    answer = posted("/v0/connect/flush", to_bytes(Response("old", system_trace_ctx=b"{}")))
    assert (answer.status_code, answer.headers["content-type"]) == (200, OCTETS)
    assert from_bytes(FlushResponse, answer.content) == FlushResponse("old")


def test_a_server_without_a_gateway_says_so() -> None:
    async def ask(here: World) -> httpx.Response:
        return await here.http.post("/v0/connect/start")

    answer = within(shop(), ask, sync=False)
    assert (answer.status_code, answer.json()["code"]) == (501, "connect_no_gateway")


def test_connections_are_listed() -> None:
    async def ask(here: World) -> None:
        attributes = SystemAttributes(4, 1024, "linux")
        worker = await FakeWorker(here, system_attributes=attributes).ready()
        (app,) = here.server.apps
        answer = (await here.http.get("/v0/connect/envs/dev/conns")).json()
        groups = {app.id: app.checksum}
        assert answer == {
            "data": [
                {
                    "id": worker.introduction.connection_id,
                    "gateway_id": "gw-dev",
                    "instance_id": "worker-1",
                    "all_worker_groups": groups,
                    "synced_worker_groups": groups,
                    "status": "READY",
                    "last_heartbeat_at": "2025-01-01T00:00:00.000Z",
                    "sdk_language": "py",
                    "sdk_version": "v1.0.0",
                    "attributes": {"cpu_cores": 4, "mem_bytes": 1024, "os": "linux"},
                }
            ]
        }
        worker.pause()
        answer = (await here.http.get("/v0/connect/envs/dev/conns")).json()
        assert answer["data"][0]["status"] == "DRAINING"

    within(shop(), ask, sync=False)


def test_connections_of_one_app_are_listed() -> None:
    async def ask(here: World) -> None:
        await FakeWorker(here).ready()
        (app,) = here.server.apps
        found = []
        for wanted in (app.id, "another"):
            path = f"/v0/connect/envs/dev/conns?app_id={wanted}"
            found.append(len((await here.http.get(path)).json()["data"]))
        assert found == [1, 0]

    within(shop(), ask, sync=False)


def test_a_group_is_listed_with_its_connections() -> None:
    async def ask(here: World) -> None:
        await FakeWorker(here, version="v2").ready()
        (app,) = here.server.apps
        path = f"/v0/connect/envs/dev/groups/{app.checksum}"
        (group,) = (await here.http.get(path)).json()["data"]
        assert (group["app_name"], group["app_version"]) == ("shop", "v2")
        assert [one["instance_id"] for one in group["conns"]] == ["worker-1"]
        unknown = await here.http.get("/v0/connect/envs/dev/groups/nothing")
        assert unknown.status_code == 404

    within(shop(), ask, sync=False)


def test_the_page_hears_of_workers() -> None:
    async def ask(here: World) -> None:
        apps = [FakeApp("bakery").add("bake", lambda call: output(None)), shop()]
        await FakeWorker(here, *apps, version="v2", max_worker_concurrency=5).ready()
        (worker,) = (await here.http.get("/ui/state")).json()["workers"]
        del worker["id"]
        assert worker == {
            "instance_id": "worker-1",
            "state": "ready",
            "connected_at": here.clock.time(),
            "last_heartbeat_at": here.clock.time(),
            "apps": [
                {"name": "bakery", "version": "v2"},
                {"name": "shop", "version": "v2"},
            ],
            "sdk": "py v1.0.0",
            "in_flight": 0,
            "limit": 5,
        }

    within(shop(), ask, sync=False)


def test_a_tool_is_told_the_gateways_port() -> None:
    async def ask(here: World) -> tuple[int, str]:
        here.server.gateway.address = ("127.0.0.1", 8289)
        options = (await here.http.get("/dev")).json()["startOpts"]
        return options["connectGatewayPort"], options["connectGatewayHost"]

    assert within(shop(), ask, sync=False) == (8289, "127.0.0.1")


def test_an_app_that_connects_is_not_asked_to_register() -> None:
    async def ask(here: World) -> None:
        await FakeWorker(here).ready()
        (app,) = here.server.apps
        answer = await here.http.post("/ui/apps", json={"url": app.url})
        assert (answer.status_code, "register by themselves" in answer.text) == (400, True)
        await here.pass_time(20)
        assert [one.error for one in here.server.apps] == [None]

    async def main() -> None:
        async with world(shop(), sync=False, poll_interval=5) as here:
            await ask(here)

    asyncio.run(main())
