"""Where a request stands: endpoint, health or nowhere, and the URL it was sent to."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.routes.messages import Request
from inngest_asgi.routes.origin import Place, path_below_root, place_of, public_url

MOUNTED = {"app_root_path": ""}


def request(path: str, *, host: str | None = "app.example", **scope: Any) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    headers = [] if host is None else [(b"host", host.encode())]
    given = {"method": "PUT", "path": path, "headers": headers, "scheme": "https"}
    return Request(given | scope, receive)


def url(path: str, **scope: Any) -> str:
    return public_url(request(path, **scope), origin=None, path=None, trusted=True)


@pytest.mark.parametrize(
    ("path", "root_path", "below"),
    [
        ("/a/b", "", "/a/b"),
        ("/a/b", "/a", "/b"),
        ("/a/b", "/a/", "/b"),
        ("/a", "/a", ""),
        ("/ab", "/a", "/ab"),
        ("/b", "/a", "/b"),
        ("", "", ""),
    ],
)
def test_the_root_path_is_taken_off_where_the_host_left_it(
    path: str, root_path: str, below: str
) -> None:
    assert path_below_root({"path": path, "root_path": root_path}) == below


@pytest.mark.parametrize(
    ("path", "root_path", "place"),
    [
        ("/api/inngest", "", Place.ENDPOINT),
        ("/api/inngest/", "", Place.ENDPOINT),
        ("", "", Place.ENDPOINT),
        ("/", "", Place.ENDPOINT),
        ("/health/live", "", Place.LIVE),
        ("/health/ready", "", Place.READY),
        ("/health/live/", "", Place.NOWHERE),
        ("/api/inngest/health/live", "", Place.NOWHERE),
        ("/x", "", Place.NOWHERE),
        ("/pre", "/pre", Place.ENDPOINT),
        ("/pre/", "/pre", Place.ENDPOINT),
        ("/pre/api/inngest", "/pre", Place.ENDPOINT),
        ("/api/inngest", "/pre", Place.ENDPOINT),
        ("/pre/health/ready", "/pre", Place.READY),
        ("/prefix/api/inngest", "/pre", Place.NOWHERE),
    ],
)
def test_run_directly_few_paths_lead_somewhere(path: str, root_path: str, place: Place) -> None:
    assert place_of({"path": path, "root_path": root_path}, "/api/inngest") is place


@pytest.mark.parametrize(
    ("path", "root_path", "place"),
    [
        ("/in/", "/in", Place.ENDPOINT),
        ("/in", "/in", Place.ENDPOINT),
        ("/in/odd/path", "/in", Place.ENDPOINT),
        ("/odd", "/in", Place.ENDPOINT),
        ("/in/health/live", "/in", Place.LIVE),
        ("/in/health/ready", "/in", Place.READY),
        ("/stripped/health/ready", "/in", Place.READY),
        ("/stripped/health/live", "/in", Place.LIVE),
    ],
)
def test_mounted_every_path_but_those_of_health_is_the_endpoint(
    path: str, root_path: str, place: Place
) -> None:
    scope = {"path": path, "root_path": root_path} | MOUNTED
    assert place_of(scope, "/api/inngest") is place


@pytest.mark.parametrize(
    ("path", "scope", "expected"),
    [
        pytest.param("/api/inngest", {}, "/api/inngest", id="direct"),
        pytest.param("/api/inngest/", {}, "/api/inngest", id="slash"),
        pytest.param("/", {}, "", id="root"),
        pytest.param("", {}, "", id="empty"),
        pytest.param("/p/x", {"root_path": "/p"}, "/p/x", id="root-path-kept"),
        pytest.param("/x", {"root_path": "/p"}, "/p/x", id="root-path-stripped"),
        pytest.param("/", {"root_path": "/p/"}, "/p", id="root-path-with-slash"),
        pytest.param("/in/", {"root_path": "/in"} | MOUNTED, "/in", id="mounted"),
        pytest.param("/in/x", {"root_path": "/in"} | MOUNTED, "/in", id="mounted-odd-path"),
        pytest.param("/", {"root_path": ""} | MOUNTED, "", id="mounted-at-the-root"),
        pytest.param("/ä b/x", {}, "/%C3%A4%20b/x", id="not-ascii"),
        pytest.param("/a%20b", {}, "/a%2520b", id="percent-sign"),
        pytest.param("/o'x;a=1,b", {}, "/o'x;a=1,b", id="allowed-marks"),
    ],
)
def test_the_url_is_the_one_that_was_asked(path: str, scope: dict[str, Any], expected: str) -> None:
    assert url(path, **scope) == f"https://app.example{expected}"


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        pytest.param({}, "https://localhost", id="nothing-known"),
        pytest.param({"server": None}, "https://localhost", id="no-server"),
        pytest.param({"server": ("10.0.0.1", 8000)}, "https://10.0.0.1:8000", id="ipv4"),
        pytest.param({"server": ("::1", 8000)}, "https://[::1]:8000", id="ipv6"),
        pytest.param({"server": ("/run/app.sock", None)}, "https://localhost", id="unix-socket"),
    ],
)
def test_without_a_host_header_the_servers_address_serves(
    scope: dict[str, Any], expected: str
) -> None:
    assert url("/", host=None, **scope) == expected


def test_a_scope_may_lack_the_scheme() -> None:
    asked = request("/x")
    del asked.scope["scheme"]
    assert public_url(asked, origin=None, path=None, trusted=True) == "http://app.example/x"


@pytest.mark.parametrize(
    ("origin", "path", "expected"),
    [
        ("http://o.example", None, "http://o.example/api/inngest"),
        (None, "/hook", "https://app.example/hook"),
        (None, "hook", "https://app.example/hook"),
        (None, "/hook/", "https://app.example/hook/"),
        (None, "/", "https://app.example/"),
        (None, "/a%20b", "https://app.example/a%20b"),
        ("http://o.example", "/hook", "http://o.example/hook"),
    ],
)
def test_origin_and_path_can_be_told(origin: str | None, path: str | None, expected: str) -> None:
    asked = request("/api/inngest")
    assert public_url(asked, origin=origin, path=path, trusted=True) == expected
