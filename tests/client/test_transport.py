"""One HTTP exchange: authorisation, failures as our errors, no key in what others log."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from inngest_asgi.client.messages import Outgoing
from inngest_asgi.client.transport import exchange, open_client
from inngest_asgi.errors import ApiError, ConfigError
from tests.client.scripted import (
    BEARER,
    FALLBACK_BEARER,
    FALLBACK_KEY,
    SIGNING_KEY,
    Scripted,
    answer,
    event_server,
)

if TYPE_CHECKING:
    from inngest_asgi.client.messages import Answer

URL = "http://server.test/path"


def exchanged(script: Scripted, outgoing: Outgoing | None = None) -> Answer:
    return asyncio.run(exchange(script.http, outgoing or Outgoing("GET", URL, {})))


def test_an_answer_is_status_and_body() -> None:
    got = exchanged(Scripted(answer(418, text="tea")))
    assert (got.status, got.body) == (418, b"tea")


def test_method_url_headers_and_body_are_sent() -> None:
    script = Scripted(answer())
    exchanged(script, Outgoing("POST", f"{URL}?a=1", {"x-a": "b"}, b"[1]"))
    request = script.request
    assert (request.method, str(request.url)) == ("POST", f"{URL}?a=1")
    assert request.headers["x-a"] == "b"
    assert request.content == b"[1]"


def test_headers_are_utf8() -> None:
    script = Scripted(answer())
    exchanged(script, Outgoing("GET", URL, {"x-env": "größe"}))
    assert (b"x-env", "größe".encode()) in script.request.headers.raw


def test_redirects_are_answers() -> None:
    script = Scripted(httpx.Response(307, headers={"location": "http://elsewhere.test/"}))
    assert exchanged(script).status == 307


def test_without_keys_nothing_authorises() -> None:
    script = Scripted(answer(401))
    exchanged(script)
    assert "authorization" not in script.request.headers


@pytest.mark.parametrize(
    ("keys", "statuses", "tokens"),
    [
        pytest.param([SIGNING_KEY, FALLBACK_KEY], [200], [BEARER], id="taken"),
        pytest.param([SIGNING_KEY, FALLBACK_KEY], [401, 200], [BEARER, FALLBACK_BEARER], id="401"),
        pytest.param([SIGNING_KEY, FALLBACK_KEY], [403, 200], [BEARER, FALLBACK_BEARER], id="403"),
        pytest.param(
            [SIGNING_KEY, FALLBACK_KEY], [401, 401], [BEARER, FALLBACK_BEARER], id="both refused"
        ),
        pytest.param([SIGNING_KEY], [401], [BEARER], id="no fallback"),
        pytest.param([SIGNING_KEY, FALLBACK_KEY], [404], [BEARER], id="another refusal"),
        pytest.param([SIGNING_KEY, FALLBACK_KEY], [500], [BEARER], id="a failure"),
    ],
)
def test_a_refused_key_is_followed_by_the_fallback(
    keys: list[str], statuses: list[int], tokens: list[str]
) -> None:
    script = Scripted(*(answer(status) for status in statuses))
    got = exchanged(script, Outgoing("POST", URL, {}, b"{}", signing_keys=tuple(keys)))
    assert [request.headers["authorization"] for request in script.requests] == tokens
    assert {request.content for request in script.requests} == {b"{}"}
    assert got.status == statuses[-1]


def test_a_key_that_is_not_hexadecimal_is_named_but_not_shown() -> None:
    with pytest.raises(ConfigError, match="INNGEST_SIGNING_KEY") as caught:
        exchanged(Scripted(answer()), Outgoing("GET", URL, {}, signing_keys=("signkey-a-secret",)))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(httpx.ConnectError("refused"), "ConnectError: refused", id="refused"),
        pytest.param(httpx.ReadTimeout(""), "ReadTimeout: no more is known", id="time-out"),
        pytest.param(httpx.ReadError("Cut off."), "ReadError: Cut off", id="with-a-full-stop"),
        pytest.param(httpx.RemoteProtocolError("bad"), "RemoteProtocolError: bad", id="protocol"),
        pytest.param(httpx.DecodingError("gzip"), "DecodingError: gzip", id="encoding"),
        pytest.param(RuntimeError("loop closed"), "RuntimeError: loop closed", id="dead loop"),
    ],
)
def test_no_answer_names_the_origin_and_the_cause(error: Exception, said: str) -> None:
    outgoing = Outgoing("POST", "http://u:pw@server.test/e/secret", {})
    with pytest.raises(ApiError) as caught:
        exchanged(Scripted(error), outgoing)
    assert str(caught.value) == f"No answer from http://server.test: {said}."
    assert caught.value.status is None
    assert caught.value.__cause__ is error


def test_a_url_that_cannot_be_requested_is_a_mistake_in_the_configuration() -> None:
    async def main() -> None:
        async with open_client(1.0) as client:
            await exchange(client, Outgoing("GET", "gopher://host/", {}))

    with pytest.raises(ConfigError, match="gopher://host"):
        asyncio.run(main())


def test_a_broken_url_is_a_mistake_in_the_configuration() -> None:
    with pytest.raises(ConfigError, match="http://host"):
        exchanged(Scripted(answer()), Outgoing("GET", "http://host/\x00", {}))


def test_a_secret_url_arrives_but_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    async def main(url: str) -> Answer:
        async with open_client(5.0) as client:
            outgoing = Outgoing("POST", f"{url}/e/secret", {}, b"[]", shown_url=f"{url}/e/***")
            return await exchange(client, outgoing)

    caplog.set_level(logging.DEBUG)
    with event_server() as server:
        assert asyncio.run(main(server.url)).status == 200
    assert server.paths == ["/e/secret"]
    assert "/e/***" in caplog.text
    assert "secret" not in caplog.text


def test_a_failed_request_does_not_show_a_secret_url() -> None:
    shown: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        shown.extend([str(request.url), repr(request.url), repr(request)])
        assert request.url.path == "/e/secret"
        return httpx.Response(200)

    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    outgoing = Outgoing("POST", "http://a/e/secret", {}, shown_url="http://a/e/***")
    asyncio.run(exchange(http, outgoing))
    assert shown == [
        "http://a/e/***",
        "URL('http://a/e/***')",
        "<Request('POST', 'http://a/e/***')>",
    ]


def test_a_silent_server_ends_the_wait() -> None:
    async def main(port: int) -> None:
        async with open_client(0.05) as client:
            await exchange(client, Outgoing("GET", f"http://127.0.0.1:{port}/", {}))

    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ApiError, match="ReadTim"):
        asyncio.run(main(silent.getsockname()[1]))
