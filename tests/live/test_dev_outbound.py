"""Connections to apps over real sockets: used again, replaced when closed, as many as needed."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev.answers import Answer, Failed, NoAnswer, Returned, interpret
from inngest_asgi.dev.calls import Request
from inngest_asgi.dev.outbound import HttpOutbound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from inngest_asgi.dev.answers import Outcome

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Host:
    """A bare HTTP server that counts connections and may hang up on one."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        self.hang_up_on_request = 0
        self.close_after_request = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(2)
                self.requests += 1
                if self.requests == self.hang_up_on_request:
                    break
                await asyncio.sleep(0.02)
                writer.write(ANSWER)
                if self.requests == self.close_after_request:
                    break
        writer.close()

    async def send(self, outbound: HttpOutbound) -> Answer | NoAnswer:
        return await outbound.send(Request("POST", f"http://127.0.0.1:{self.port}/", {}, b"{}"))


@contextlib.asynccontextmanager
async def hosting() -> AsyncIterator[tuple[Host, HttpOutbound]]:
    host, outbound = Host(), HttpOutbound()
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0)
    host.port = server.sockets[0].getsockname()[1]
    async with server:
        yield host, outbound
        await outbound.aclose()
        await asyncio.sleep(0.01)  # the host hears of it, and closes its ends


@pytest.mark.live
def test_a_connection_is_used_again() -> None:
    async def main() -> None:
        async with hosting() as (host, outbound):
            for _ in range(3):
                assert isinstance(await host.send(outbound), Answer)
            assert host.connections == 1

    asyncio.run(main())


@pytest.mark.live
def test_calls_at_the_same_time_have_connections_of_their_own() -> None:
    async def main() -> None:
        async with hosting() as (host, outbound):
            await asyncio.gather(*(host.send(outbound) for _ in range(5)))
            await asyncio.gather(*(host.send(outbound) for _ in range(5)))
            assert host.connections == 5

    asyncio.run(main())


@pytest.mark.live
def test_a_connection_that_was_closed_while_idle_is_replaced() -> None:
    async def main() -> None:
        async with hosting() as (host, outbound):
            host.close_after_request = 1
            answers = []
            for _ in range(2):
                answers.append(await host.send(outbound))
                await asyncio.sleep(0.05)
            assert all(isinstance(answer, Answer) for answer in answers)
            assert (host.connections, host.requests) == (2, 2)

    asyncio.run(main())


@pytest.mark.live
def test_a_call_that_the_app_received_is_not_sent_twice() -> None:
    async def main() -> None:
        async with hosting() as (host, outbound):
            host.hang_up_on_request = 2
            answers = [await host.send(outbound) for _ in range(2)]
            assert isinstance(answers[1], NoAnswer)
            assert "broke off" in answers[1].message
            assert host.requests == 2

    asyncio.run(main())


@pytest.mark.live
def test_a_new_connection_that_breaks_is_a_failed_attempt() -> None:
    async def main() -> None:
        async with hosting() as (host, outbound):
            host.hang_up_on_request = 1
            answer = await host.send(outbound)
            assert isinstance(answer, NoAnswer)
            assert "broke off" in answer.message

    asyncio.run(main())


def response(status: int, body: bytes, **headers: str) -> bytes:
    named = {"content-length": str(len(body))} | headers
    lines = [f"HTTP/1.1 {status} Whatever"]
    lines += [f"{key.replace('_', '-')}: {value}" for key, value in named.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextlib.asynccontextmanager
async def saying(*answers: bytes | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve one answer a request (None: nothing at all); gives the URL and the requests."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                asked.append(head + await reader.readexactly(2))
                answer = answers[len(asked) - 1]
                if answer is None:
                    await reader.read()
                    break
                writer.write(answer)
                await writer.drain()
                if len(asked) == len(answers):
                    break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a?fnId=one", asked
        await asyncio.sleep(0.01)  # it hears that nobody is there any more, and closes its ends


def outcome(*answers: bytes | None, **request: Any) -> tuple[Outcome, list[bytes]]:
    """Return what a call comes to that is answered so, and what was asked for it."""

    async def main() -> tuple[Outcome, list[bytes]]:
        outbound = HttpOutbound()
        async with saying(*answers) as (url, asked):
            headers = {"x-inngest-signature": "t=1&s=2"}
            sent = Request("POST", url, headers, b"{}", **request)
            answer = await outbound.send(sent)
            await outbound.aclose()
            return interpret(answer, 0.0), asked

    return asyncio.run(main())


SDK = {"x_inngest_sdk": "fake:v1"}


@pytest.mark.live
@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (response(200, b"<html>", content_type="text/html"), "not_sdk", "and a web page"),
        (response(404, b"nothing"), "http_not_ok", "Check the path of the app's URL"),
        (response(500, b"oops"), "http_not_ok", "see the app's log"),
        (b"SMTP ready\r\n\r\n", "http_unreachable", "broke off before it had answered"),
        (response(206, b"{", **SDK), "unknown", "cannot be read"),
        (response(206, b"", **SDK), "unknown", "cannot be read"),
        (response(200, b"x" * (9 << 20), **SDK), "output_too_large", "more than 8 MB"),
        (response(200, b"short", content_length="50", **SDK), "http_unreachable", "broke off"),
    ],
    ids=["html", "404", "500", "garbage", "half-json", "empty", "9-mb", "cut-off"],
)
def test_what_an_app_answers_instead_is_told(answer: bytes, code: str, says: str) -> None:
    failed, _ = outcome(answer)
    assert isinstance(failed, Failed)
    assert failed.error["code"] == code
    assert says in failed.error["message"]


@pytest.mark.live
def test_a_redirect_is_followed_with_method_body_headers_and_query() -> None:
    moved = response(302, b"", location="/b")
    returned, asked = outcome(moved, response(200, b"1", **SDK))
    assert returned == Returned(b"1")
    for request, path in zip(asked, ("/a", "/b"), strict=True):
        assert request.startswith(f"POST {path}?fnId=one HTTP/1.1\r\n".encode())
        assert b"x-inngest-signature: t=1&s=2\r\n" in request
        assert request.endswith(b"\r\n\r\n{}")


@pytest.mark.live
def test_an_answer_may_be_compressed_and_streamed_in_chunks() -> None:
    packed = gzip.compress(b'{"status":200,"headers":{},"body":"[7]"}')
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    head = b"HTTP/1.1 201 Created\r\nx-inngest-sdk: fake:v1\r\ncontent-encoding: gzip\r\n"
    returned, _ = outcome(head + b"transfer-encoding: chunked\r\n\r\n" + chunks)
    assert returned == Returned(b"[7]")


@pytest.mark.live
def test_a_small_file_that_unpacks_to_a_large_one_is_refused() -> None:
    packed = gzip.compress(b"0" * (9 << 20))
    failed, _ = outcome(response(200, packed, content_encoding="gzip", **SDK))
    assert isinstance(failed, Failed)
    assert failed.error["code"] == "output_too_large"


@pytest.mark.live
def test_a_call_that_hangs_is_given_up_when_its_server_stops() -> None:
    async def main() -> None:
        outbound = HttpOutbound()
        async with saying(None) as (url, asked):
            sending = asyncio.ensure_future(outbound.send(Request("POST", url, {}, b"{}")))
            await asyncio.wait({sending}, timeout=0.2)
            assert len(asked) == 1
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await outbound.aclose()

    asyncio.run(main())


@pytest.mark.live
def test_a_host_that_does_not_exist_cannot_be_reached() -> None:
    async def main() -> Answer | NoAnswer:
        outbound = HttpOutbound()
        try:
            return await outbound.send(Request("POST", "http://nobody.invalid/", {}, b"{}"))
        finally:
            await outbound.aclose()

    answer = asyncio.run(main())
    assert isinstance(answer, NoAnswer)
    assert answer.message.startswith("The app at http://nobody.invalid/ cannot be reached (")
