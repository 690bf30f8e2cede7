"""What proxies say: whom it is believed of, and that what is malformed was not said."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.routes.forwarded import Forwarded, forwarded
from inngest_asgi.routes.messages import Request
from inngest_asgi.routes.origin import public_url

ALL = {"proto": "https", "host": "public.example", "port": "8443", "prefix": "/pre"}


def request(said: dict[str, str], **scope: Any) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    headers = [(f"x-forwarded-{name}".encode(), text.encode()) for name, text in said.items()]
    given = {"method": "PUT", "path": "/in", "scheme": "http", "headers": headers}
    given["headers"] = [(b"host", b"inner:8000"), *headers]
    return Request(given | scope, receive)


def told(**said: str) -> Forwarded:
    return forwarded(request(said), trusted=True)


def url(said: dict[str, str], **scope: Any) -> str:
    return public_url(request(said, **scope), origin=None, path=None, trusted=True)


def test_of_those_we_know_everything_is_believed() -> None:
    assert told(**ALL) == Forwarded("https", "public.example:8443", "/pre")
    assert url(ALL) == "https://public.example:8443/pre/in"


def test_of_strangers_only_that_they_came_by_https() -> None:
    assert forwarded(request(ALL), trusted=False) == Forwarded(scheme="https")


def test_strangers_cannot_take_https_away() -> None:
    assert forwarded(request({"proto": "http"}), trusted=False) == Forwarded()


def test_nothing_said_is_nothing_believed() -> None:
    assert told() == Forwarded()
    assert url({}) == "http://inner:8000/in"


@pytest.mark.parametrize(
    ("said", "scheme"),
    [
        ("https", "https"),
        ("http", "http"),
        ("HTTPS", "https"),
        ("https, http", "https"),
        ("http,https", "http"),
        ("ws", None),
        ("javascript", None),
        ("", None),
    ],
)
def test_the_scheme_is_that_of_the_outermost_proxy(said: str, scheme: str | None) -> None:
    assert told(proto=said).scheme == scheme


@pytest.mark.parametrize(
    ("said", "host"),
    [
        ("a.example", "a.example"),
        ("a.example:81", "a.example:81"),
        ("a.example , b.example", "a.example"),
        ("[::1]", "[::1]"),
        ("[::1]:81", "[::1]:81"),
        ("", None),
        ("a b", None),
        ("a.example/path", None),
        ("user@a.example", None),
        ("a.example:port", None),
        ("::1", None),
    ],
)
def test_a_host_is_a_host(said: str, host: str | None) -> None:
    assert told(host=said).host == host


@pytest.mark.parametrize(
    ("proto", "host", "port", "expected"),
    [
        ("https", "a.example", "443", "a.example"),
        ("http", "a.example", "80", "a.example"),
        ("http", "a.example", "443", "a.example:443"),
        ("https", "a.example", "8443, 80", "a.example:8443"),
        ("https", "a.example:1", "8443", "a.example:1"),
        ("https", "a.example", "many", "a.example"),
        ("https", "a.example", "0", "a.example"),
        ("https", "", "8443", None),
    ],
)
def test_a_port_completes_a_host(proto: str, host: str, port: str, expected: str | None) -> None:
    assert told(proto=proto, host=host, port=port).host == expected


@pytest.mark.parametrize(
    ("said", "prefix"),
    [
        ("/pre", "/pre"),
        ("/pre/", "/pre"),
        ("/a/b", "/a/b"),
        ("/a, /b", "/a"),
        ("", ""),
        ("/", ""),
        ("pre", ""),
        ("//evil.example", ""),
        ("/a b", ""),
        ("/a?b", ""),
    ],
)
def test_a_prefix_is_a_path(said: str, prefix: str) -> None:
    assert told(prefix=said).prefix == prefix


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        pytest.param({}, "/pre/in", id="unknown-to-the-host"),
        pytest.param({"root_path": "/pre"}, "/pre/in", id="known-to-the-host"),
        pytest.param({"root_path": "/pre/more"}, "/pre/more/in", id="a-part-of-what-it-knows"),
        pytest.param({"root_path": "/prefix"}, "/pre/prefix/in", id="a-name-that-begins-alike"),
        pytest.param(
            {"root_path": "/pre/in", "app_root_path": "/pre"}, "/pre/in", id="known-and-mounted"
        ),
        pytest.param(
            {"root_path": "/in", "app_root_path": ""}, "/pre/in", id="unknown-and-mounted"
        ),
        pytest.param(
            {"root_path": "/pre", "app_root_path": ""}, "/pre/pre", id="mounted-at-the-same-name"
        ),
    ],
)
def test_a_prefix_is_added_unless_the_host_knows_it(scope: dict[str, str], expected: str) -> None:
    assert url({"prefix": "/pre"}, **scope) == f"http://inner:8000{expected}"
