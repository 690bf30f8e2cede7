"""Pages of other origins: what they may make a browser do, and names that lead here by a trick."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.dev import DevOptions, DevServer
from tests.dev.fakes import client

if TYPE_CHECKING:
    import httpx

KEY = "signkey-test-0123456789abcdef"
EVENT = {"name": "shop/paid"}
DEFAULT = DevOptions()
LOCAL = "http://localhost:3000"


def asked(method: str, path: str, options: DevOptions = DEFAULT, **headers: str) -> httpx.Response:
    async def main() -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with DevServer(options) as server, client(server.app) as http:
            body = EVENT if method == "POST" else None
            return await http.request(method, path, headers=sent, json=body)

    return asyncio.run(main())


def status(method: str, path: str, options: DevOptions = DEFAULT, **headers: str) -> int:
    return asked(method, path, options, **headers).status_code


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8288",
        "LOCALHOST",
        "127.0.0.1:8288",
        "10.1.2.3",
        "[::1]:8288",
        "shop.localhost:8288",
        "host.docker.internal:8288",
        "inngest:8288",
        "workstation.local",
        "localhost.:8288",
    ],
)
def test_own_names_are_answered(host: str) -> None:
    assert status("GET", "/health", host=host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example.com:8288", "127.0.0.1.evil.com", "localhost.evil.com", "notlocal.com"]
)
def test_names_that_a_stranger_may_own_are_refused(host: str) -> None:
    assert status("GET", "/health", host=host) == 403


def test_a_name_that_the_server_was_told_of_is_answered() -> None:
    options = DevOptions(hosts=("Dev.Shop.com",))
    assert status("GET", "/health", options, host="dev.shop.com:443") == 200


def test_with_a_key_any_name_is_answered() -> None:
    assert status("GET", "/health", DevOptions(signing_key=KEY), host="shop.com") == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.com"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": "http://localhost:3000"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "http://server.test", "sec_fetch_site": "cross-site"},
    ],
    ids=str,
)
def test_other_pages_change_nothing(headers: dict[str, str]) -> None:
    assert status("POST", "/ui/events", DEFAULT, **headers) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://server.test", "sec_fetch_site": "same-origin"},
        {"origin": "https://dev.shop.com", "sec_fetch_site": "same-origin"},
        {"origin": "http://server.test"},
        {"sec_fetch_site": "none"},
    ],
    ids=str,
)
def test_the_own_page_and_programs_may(headers: dict[str, str]) -> None:
    assert status("POST", "/ui/events", DEFAULT, **headers) == 200


@pytest.mark.parametrize("path", ["/fn/remove?url=x", "/v1/runs/01JGGZP1E0RVNAAAAAAAAAAAAA"])
def test_that_holds_for_the_whole_api(path: str) -> None:
    assert status("DELETE", path, origin="https://evil.com") == 403


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:3000", 200),
        ("http://127.0.0.1:5173", 200),
        ("http://shop.localhost", 200),
        ("http://[::1]:3000", 200),
        ("https://evil.com", 403),
        ("http://10.0.0.7", 403),
        ("http://localhost.evil.com", 403),
        ("http://localhost:3000@evil.com", 403),
        ("http://evil.com/.localhost", 403),
        ("http://127.0.0.1.evil.com", 403),
        ("null", 403),
    ],
)
def test_pages_of_this_machine_may_send_events(origin: str, expected: int) -> None:
    assert status("POST", "/e/key", origin=origin) == expected


def preflight(path: str, origin: str) -> httpx.Response:
    wanted = "content-type,x-inngest-sdk"
    more = {"access_control_request_method": "POST", "access_control_request_headers": wanted}
    return asked("OPTIONS", path, DEFAULT, origin=origin, **more)


def test_browsers_let_pages_of_this_machine_send_json_with_headers_of_an_sdk() -> None:
    answer = preflight("/e/key", LOCAL)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == LOCAL
    assert answer.headers["access-control-allow-headers"] == "content-type,x-inngest-sdk"
    sent = asked("POST", "/e/key", origin=LOCAL)
    assert sent.headers["access-control-allow-origin"] == LOCAL


@pytest.mark.parametrize(
    ("path", "origin"), [("/e/key", "https://evil.com"), ("/v2/events", LOCAL), ("/ui/runs", LOCAL)]
)
def test_browsers_let_no_other_page_through(path: str, origin: str) -> None:
    answer = preflight(path, origin)
    assert answer.status_code >= 400
    assert "access-control-allow-origin" not in answer.headers


def test_the_rest_of_the_api_is_not_read_by_other_pages() -> None:
    answer = asked("GET", "/v1/events", origin=LOCAL)
    assert "access-control-allow-origin" not in answer.headers


def test_reading_needs_no_origin() -> None:
    assert status("GET", "/health", origin="https://evil.com") == 200


def test_the_answer_says_what_to_do() -> None:
    async def main() -> str:
        async with client(DevServer().app) as http:
            return (await http.get("/dev", headers={"host": "dev.shop.com"})).text

    assert "--allow-host NAME" in asyncio.run(main())
