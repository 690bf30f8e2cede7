"""Requests to apps: redirects, encodings, and a sentence for whatever goes wrong."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import brotli
import httpx
import pytest

from inngest_asgi.dev.answers import Answer, NoAnswer
from inngest_asgi.dev.calls import MAX_ANSWER, Request
from inngest_asgi.dev.outbound import MAX_REDIRECTS, HttpOutbound

if TYPE_CHECKING:
    from collections.abc import Callable

TOO_MUCH = b"x" * (MAX_ANSWER + 1)
REQUEST = Request("POST", "http://app.test/a?fnId=one", {"x-run-id": "r"}, b'{"n":1}')


def send(
    handler: Callable[[httpx.Request], httpx.Response], request: Request = REQUEST
) -> Answer | NoAnswer:
    async def main() -> Answer | NoAnswer:
        outbound = HttpOutbound(httpx.MockTransport(handler))
        try:
            return await outbound.send(request)
        finally:
            await outbound.aclose()

    return asyncio.run(main())


def test_an_answer_is_brought_back() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.content) == ("POST", b'{"n":1}')
        assert request.headers["x-run-id"] == "r"
        return httpx.Response(206, headers={"X-Inngest-SDK": "fake"}, content=b"[]")

    brought = send(answer)
    assert isinstance(brought, Answer)
    assert (brought.status, brought.body) == (206, b"[]")
    assert brought.headers["x-inngest-sdk"] == "fake"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_keep_method_body_and_query(status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/a":
            return httpx.Response(status, headers={"location": "/b"})
        assert (request.method, request.content) == ("POST", b'{"n":1}')
        return httpx.Response(200, text=str(request.url))

    brought = send(answer)
    assert isinstance(brought, Answer)
    assert brought.body == b"http://app.test/b?fnId=one"


def test_a_redirect_may_bring_its_own_query() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/a":
            return httpx.Response(307, headers={"location": "http://other.test/b?x=1"})
        return httpx.Response(200, text=str(request.url))

    brought = send(answer)
    assert isinstance(brought, Answer)
    assert brought.body == b"http://other.test/b?x=1"


def test_redirects_end_somewhere() -> None:
    brought = send(lambda _: httpx.Response(307, headers={"location": "/a"}))
    assert isinstance(brought, NoAnswer)
    assert f"redirects more than {MAX_REDIRECTS} times" in brought.message


def test_a_redirect_that_leads_nowhere_is_the_answer() -> None:
    brought = send(lambda _: httpx.Response(302))
    assert isinstance(brought, Answer)
    assert brought.status == 302


def test_a_header_may_hold_any_text() -> None:
    async def main() -> Answer | NoAnswer:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            value = dict(scope["headers"])[b"x-inngest-step-id"]
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": value})

        outbound = HttpOutbound(httpx.ASGITransport(app))
        return await outbound.send(replace(REQUEST, headers={"x-inngest-step-id": "é"}))

    brought = asyncio.run(main())
    assert isinstance(brought, Answer)
    assert brought.body == "é".encode()


@pytest.mark.parametrize(
    "url",
    [
        *("http://localhost:99999/", "http://xn--/", "http://[::1/", "http:///x", "http://a b/"),
        *("ftp://localhost/", "http://localhost:9/\n", "http://localhost:9/\ud800"),
    ],
)
def test_a_url_that_leads_nowhere_is_no_bug_of_the_server(url: str) -> None:
    async def main() -> Answer | NoAnswer:
        outbound = HttpOutbound()
        try:
            return await outbound.send(replace(REQUEST, url=url))
        finally:
            await outbound.aclose()

    brought = asyncio.run(main())
    assert isinstance(brought, NoAnswer)
    assert brought.code == "http_unreachable"


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(b"{}")),
        ("GZIP", gzip.compress(b"{}")),
        ("deflate", zlib.compress(b"{}")),
        ("br", bytes.fromhex("8b00807b7d03")),
        ("identity", b"{}"),
        ("", b"{}"),
    ],
    ids=["gzip", "upper-case", "deflate", "br", "identity", "none"],
)
def test_one_layer_of_encoding_is_taken_off(coding: str, packed: bytes) -> None:
    headers = {"content-encoding": coding}
    stream = httpx.ByteStream(packed)
    brought = send(lambda _: httpx.Response(200, headers=headers, stream=stream))
    assert isinstance(brought, Answer)
    assert brought.body == b"{}"


def test_a_few_bytes_of_brotli_do_not_fill_the_memory() -> None:
    packed = brotli.compress(bytes(64 << 20), quality=5)
    assert len(packed) < 200
    headers, stream = {"content-encoding": "br"}, httpx.ByteStream(packed)
    tracemalloc.start()
    brought = send(lambda _: httpx.Response(200, headers=headers, stream=stream))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert brought == NoAnswer("output_too_large", f"{REQUEST.whom} answered with more than 8 MB.")
    assert most < 2 * MAX_ANSWER


@pytest.mark.parametrize("coding", ["zstd", "gzip, br"])
def test_other_encodings_are_refused_with_a_sentence(coding: str) -> None:
    headers = {"content-encoding": coding}
    stream = httpx.ByteStream(b"packed")
    brought = send(lambda _: httpx.Response(200, headers=headers, stream=stream))
    assert isinstance(brought, NoAnswer)
    assert f"answered in the encoding {coding!r}" in brought.message
    assert brought.message.endswith("have it answer in gzip, or plainly.")


def test_an_answer_names_where_it_came_from() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        moved = httpx.Response(307, headers={"location": "https://other.test/b"})
        return moved if request.url.path == "/a" else httpx.Response(200)

    brought = send(answer)
    assert isinstance(brought, Answer)
    assert brought.url == "https://other.test/b?fnId=one"


def test_a_request_has_its_own_limit_and_name_for_whom_it_asks() -> None:
    asked = replace(REQUEST, limit=2 << 20, peer="Somebody")
    brought = send(lambda _: httpx.Response(200, content=b"x" * ((2 << 20) + 1)), asked)
    assert brought == NoAnswer("output_too_large", "Somebody answered with more than 2 MB.")


def test_a_request_does_not_show_what_it_carries() -> None:
    secret = "sk-1234567890"
    request = Request("POST", "http://a/", {"k": secret}, secret.encode(), (("k", secret),))
    assert secret not in repr(request)


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    return handler


@pytest.mark.parametrize(
    ("handler", "code", "says"),
    [
        (raising(httpx.ConnectError("refused")), "http_unreachable", "Is it running?"),
        (raising(httpx.ConnectTimeout("")), "http_unreachable", "within 15 seconds"),
        (raising(httpx.ReadError("")), "http_unreachable", "broke off before it had answered"),
        (
            lambda _: httpx.Response(307, headers={"location": "http://host:port/"}),
            "http_unreachable",
            "broke off",
        ),
        (
            lambda _: httpx.Response(
                200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip")
            ),
            "http_unreachable",
            "cannot be decoded",
        ),
        (
            lambda _: httpx.Response(
                200, headers={"content-encoding": "br"}, stream=httpx.ByteStream(b"no brotli")
            ),
            "http_unreachable",
            "cannot be decoded",
        ),
        (
            lambda _: httpx.Response(200, content=b"x" * (MAX_ANSWER + 1)),
            "output_too_large",
            "8 MB",
        ),
    ],
    ids=[
        "refused",
        "silent",
        "broken-off",
        "bad-location",
        "garbled",
        "garbled-brotli",
        "too-large",
    ],
)
def test_what_goes_wrong_is_said(
    handler: Callable[[httpx.Request], httpx.Response], code: str, says: str
) -> None:
    brought = send(handler)
    assert isinstance(brought, NoAnswer)
    assert brought.code == code
    assert says in brought.message
