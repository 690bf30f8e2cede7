"""The application behind a real uvicorn: directly, attached, mounted; what HTTP really sends."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

import inngest_asgi as inngest
from tests.live.servers import serving
from tests.routes.asking import (
    NOW,
    ORDERED,
    Api,
    app_of,
    body_of,
    call,
    cloud_client,
    dev_client,
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

pytestmark = pytest.mark.live

BODY = body_of(call())
QUERY = "fnId=shop-pay&stepId=step"


def direct(app: inngest.InngestApp) -> ASGIApp:
    return app


def attached(app: inngest.InngestApp) -> ASGIApp:
    host = FastAPI()
    inngest.attach(host, app)
    return host


def mounted(app: inngest.InngestApp) -> ASGIApp:
    return Starlette(routes=[Mount("/api/inngest", app=app)], lifespan=app.lifespan)


each_way = pytest.mark.parametrize("way", [direct, attached, mounted])
each_parser = pytest.mark.parametrize("parser", ["h11", "httptools"])


@each_way
def test_a_function_is_called(way: Any) -> None:
    with serving(way(app_of(dev_client()))) as url:
        answer = httpx.post(f"{url}/api/inngest/?{QUERY}", content=BODY)
    assert (answer.status_code, answer.json()) == (200, {"paid": {"order": 7}})
    assert answer.headers["x-inngest-req-version"] == "2"


@each_way
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_url_of_the_request_is_registered(way: Any, slash: str) -> None:
    api = Api()
    with serving(way(app_of(dev_client(api)))) as url:
        answer = httpx.put(f"{url}/api/inngest{slash}", follow_redirects=True)
    assert answer.status_code == 200
    assert json.loads(api.request.content)["url"] == f"{url}/api/inngest"


@each_way
def test_the_lifespan_runs_with_the_server(way: Any) -> None:
    app = app_of(dev_client())
    path = "/health/ready" if way is direct else "/api/inngest/health/ready"
    with serving(way(app)) as url:
        assert httpx.get(url + path).json()["lifespan"] == "running"
    assert app._manager.phase == "stopped"


@each_parser
def test_a_root_path_and_a_proxys_scheme_are_in_the_url(parser: str) -> None:
    api = Api()
    with serving(app_of(dev_client(api)), http=parser, root_path="/pre") as url:
        headers = {"host": "shop.example", "x-forwarded-proto": "https"}
        assert httpx.put(f"{url}/api/inngest", headers=headers).status_code == 200
    assert json.loads(api.request.content)["url"] == "https://shop.example/pre/api/inngest"


def test_a_signature_is_checked_against_the_machines_clock() -> None:
    with serving(inngest.serve(cloud_client())) as url:
        answer = httpx.post(f"{url}/api/inngest?{QUERY}", content=BODY, headers=signed(BODY))
    assert answer.status_code == 401
    assert NOW < 1_767_225_600  # the signature is of 2025


# HTTP as it comes.


@pytest.fixture(params=["h11", "httptools"])
def connection(request: pytest.FixtureRequest) -> Iterator[http.client.HTTPConnection]:
    """Give one connection to an application that takes bodies of up to 64 KB."""
    app = app_of(dev_client(), max_body_bytes=65_536)
    with serving(app, http=request.param) as url:
        address = urlsplit(url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        try:
            yield connection
        finally:
            connection.close()


def posted(connection: http.client.HTTPConnection, body: Any) -> tuple[int, Any]:
    connection.request("POST", f"/api/inngest?{QUERY}", body=body)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_a_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    connection.connect()
    opened = connection.sock
    for _ in range(5):
        assert posted(connection, BODY) == (200, {"paid": {"order": 7}})
    assert connection.sock is opened


def test_a_chunked_body_is_read(connection: http.client.HTTPConnection) -> None:
    chunks = [BODY[start : start + 100] for start in range(0, len(BODY), 100)]
    assert posted(connection, iter(chunks)) == (200, {"paid": {"order": 7}})


def test_a_refused_body_does_not_confuse_the_connection(
    connection: http.client.HTTPConnection,
) -> None:
    assert posted(connection, b"{")[0] == 400
    assert posted(connection, BODY)[0] == 200


def test_a_chunked_body_over_the_limit_is_a_413(connection: http.client.HTTPConnection) -> None:
    status, document = posted(connection, iter([b" " * 40_000] * 2))
    assert (status, document["code"]) == (413, "body_too_large")
    connection.close()
    assert posted(connection, BODY)[0] == 200


def test_a_declared_body_over_the_limit_is_a_413(connection: http.client.HTTPConnection) -> None:
    status, document = posted(connection, b" " * 70_000)
    assert (status, document["code"]) == (413, "body_too_large")


def test_head_has_no_body_and_leaves_the_connection_usable(
    connection: http.client.HTTPConnection,
) -> None:
    connection.request("HEAD", "/api/inngest")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (405, b"")
    assert posted(connection, BODY)[0] == 200


def test_a_client_that_goes_away_in_its_body_is_no_error(
    connection: http.client.HTTPConnection, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection((connection.host, connection.port)) as raw:
        raw.sendall(b"POST /api/inngest HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
    assert posted(connection, BODY)[0] == 200
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


# Older uvicorns use what newer versions of websockets call deprecated.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_websocket_is_refused() -> None:
    upgrade = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    with serving(app_of(dev_client()), ws="auto") as url:
        assert httpx.get(f"{url}/api/inngest", headers=upgrade).status_code == 403


def test_a_blocking_and_an_async_function_run_at_once() -> None:
    client = dev_client()
    blocks, released = threading.Event(), threading.Event()

    @client.create_function(fn_id="wait", trigger=ORDERED)
    def wait(ctx: inngest.ContextSync) -> bool:
        blocks.set()
        return released.wait(5)

    @client.create_function(fn_id="release", trigger=ORDERED)
    async def release(ctx: inngest.Context) -> bool:
        released.set()
        return blocks.is_set()

    with serving(inngest.serve(client)) as url, ThreadPoolExecutor(1) as pool:
        endpoint = f"{url}/api/inngest?stepId=step&fnId="
        waiting = pool.submit(httpx.post, f"{endpoint}wait", content=BODY, timeout=10)
        assert blocks.wait(5)
        assert httpx.post(f"{endpoint}release", content=BODY).json() is True
        assert waiting.result().json() is True
