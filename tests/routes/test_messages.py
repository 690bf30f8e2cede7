"""Requests and responses as ASGI carries them: headers, queries, bodies that break off."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request as HostRequest

from inngest_asgi.errors import RequestError
from inngest_asgi.routes import messages
from inngest_asgi.routes.messages import Request, Response

if TYPE_CHECKING:
    from starlette.types import Message


def request(*messages: Message, headers: Any = (), query: bytes = b"") -> Request:
    waiting = list(messages)

    async def receive() -> Message:
        return waiting.pop(0)

    scope = {"type": "http", "method": "POST", "headers": list(headers), "query_string": query}
    return Request(scope, receive)


def read(*messages: Message, limit: int = 9, headers: Any = ()) -> bytes:
    return asyncio.run(request(*messages, headers=headers).body(limit))


def test_a_header_sent_twice_counts_once() -> None:
    asked = request(headers=[(b"x-a", b"one"), (b"x-b", b"two"), (b"x-a", b"three")])
    assert (asked.header("x-a"), asked.header("x-b"), asked.header("x-c")) == ("one", "two", None)


def test_a_header_that_is_not_ascii_is_no_error() -> None:
    assert request(headers=[(b"x-a", b"\xe4\xff")]).header("x-a") == "äÿ"


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (b"", None),
        (b"a=1", "1"),
        (b"a=", None),
        (b"a", None),
        (b"b=1", None),
        (b"a=1&a=2", "2"),
        (b"a=%2Fx+y", "/x y"),
        (b"a=%C3%A4", "ä"),
        (b"a=\xc3\xa4", "ä"),
        (b"a=%ff", "\ufffd"),
        (b"a=\xff", "\ufffd"),
    ],
)
def test_a_query_parameter_is_read(query: bytes, value: str | None) -> None:
    assert request(query=query).query.get("a") == value


def test_long_queries_of_strangers_do_not_pile_up_in_memory() -> None:
    kept = messages._known_query.cache_info().currsize
    assert request(query=b"a=1&b=" + b"x" * 600).query.get("a") == "1"
    assert messages._known_query.cache_info().currsize == kept


def test_a_scope_may_lack_the_query() -> None:
    asked = request()
    del asked.scope["query_string"]
    assert asked.query.get("a") is None


def test_a_body_in_one_piece_is_not_copied() -> None:
    body = b"x" * 9
    assert read({"type": "http.request", "body": body}) is body


def test_a_message_may_lack_its_body() -> None:
    assert read({"type": "http.request", "more_body": True}, {"type": "http.request"}) == b""


def test_reading_stops_at_the_limit() -> None:
    more = {"type": "http.request", "body": b"12345", "more_body": True}
    # A third message is not there to be received.
    with pytest.raises(RequestError, match="larger than 9 bytes") as refused:
        read(more, more)
    assert refused.value.status == 413


def test_a_client_that_goes_away_ends_the_reading() -> None:
    first = {"type": "http.request", "body": b"123", "more_body": True}
    with pytest.raises(RequestError, match="went away") as refused:
        read(first, {"type": "http.disconnect"})
    assert refused.value.status == 400


def test_a_client_that_goes_away_later_is_noticed() -> None:
    late = {"type": "http.request", "body": b"", "more_body": False}
    asyncio.run(request(late, {"type": "http.disconnect"}).disconnected())


def test_a_response_is_sent_with_its_length_and_headers() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(Response(201, b"{}", {"x-a": "café ☕"}).send(send))
    assert sent == [
        {
            "type": "http.response.start",
            "status": 201,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", b"2"),
                (b"x-a", b"caf\xe9 ?"),
            ],
        },
        {"type": "http.response.body", "body": b"{}"},
    ]


def test_the_request_for_middleware_is_starlettes_with_the_body_to_read_again() -> None:
    messages = [{"type": "http.request", "body": b"body"}]

    async def receive() -> Any:
        return messages.pop()

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"a.example")]}
    request = Request(scope, receive)
    asyncio.run(request.body(4))
    shown: Any = request.for_middleware()
    assert isinstance(shown, HostRequest)
    assert shown.headers["host"] == "a.example"
    assert asyncio.run(shown.body()) == b"body"
