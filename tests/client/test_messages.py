"""Requests and answers as records; what they show of themselves."""

from __future__ import annotations

import pytest

from inngest_asgi.client.messages import Answer, Outgoing, client_headers, remedy
from inngest_asgi.errors import ConfigError
from inngest_asgi.settings import Settings
from inngest_asgi.wire.names import SDK_HEADER


def settings(**environ: str) -> Settings:
    return Settings(environ=environ)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        pytest.param("https://inn.gs/e/secret-key", "https://inn.gs", id="path"),
        pytest.param("http://u:pw@host:81/x", "http://host:81", id="password"),
        pytest.param("http://[::1]:8288/e/k", "http://[::1]:8288", id="IPv6"),
    ],
)
def test_origin_is_fit_to_be_shown(url: str, origin: str) -> None:
    assert Outgoing("POST", url, {}).origin == origin


def test_a_request_shows_no_key() -> None:
    outgoing = Outgoing("POST", "https://inn.gs/e/secret", {}, signing_keys=("secret",))
    assert repr(outgoing) == "<Outgoing POST https://inn.gs>"


@pytest.mark.parametrize(
    ("status", "ok"),
    [
        pytest.param(199, False, id="199"),
        pytest.param(200, True, id="200"),
        pytest.param(299, True, id="299"),
        pytest.param(300, False, id="300"),
        pytest.param(500, False, id="500"),
    ],
)
def test_ok_is_a_status_of_success(status: int, ok: bool) -> None:  # noqa: FBT001
    assert Answer(status, b"").ok is ok


@pytest.mark.parametrize(
    ("body", "document"),
    [
        pytest.param(b'{"a":1}', {"a": 1}, id="object"),
        pytest.param(b"[]", [], id="array"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"<html>", None, id="not JSON"),
        pytest.param(b"\xff", None, id="not text"),
    ],
)
def test_document_is_json_or_none(body: bytes, document: object) -> None:
    assert Answer(200, body).document() == document


def test_every_request_says_who_we_are() -> None:
    assert client_headers(settings()) == {"x-inngest-sdk": SDK_HEADER, "user-agent": SDK_HEADER}


def test_environment_and_platform_are_sent_when_known() -> None:
    headers = client_headers(settings(INNGEST_ENV="feature/é", VERCEL="1"))
    assert headers["x-inngest-env"] == "feature/é"
    assert headers["x-inngest-platform"] == "vercel"


def test_an_argument_beats_the_configured_environment() -> None:
    assert client_headers(settings(INNGEST_ENV="a"), "b")["x-inngest-env"] == "b"


@pytest.mark.parametrize("name", ["a\nb", "a\r\nx-evil: 1", "a\0", "\ud800"], ids=ascii)
def test_an_environment_that_cannot_be_a_header_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="x-inngest-env"):
        client_headers(settings(), name)


@pytest.mark.parametrize(
    ("dev", "advice"),
    [
        pytest.param("", "INNGEST_DEV=1", id="cloud"),
        pytest.param("1", "inngest-asgi dev", id="dev"),
    ],
)
def test_the_remedy_fits_the_mode(dev: str, advice: str) -> None:
    assert advice in remedy(settings(INNGEST_DEV=dev))
