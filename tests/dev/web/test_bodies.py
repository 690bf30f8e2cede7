"""Bodies that do not come to an end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.errors import RequestError


def request(*messages: dict[str, Any]) -> Request:
    coming = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(coming)

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def test_a_client_that_hangs_up_is_no_bug_of_the_server() -> None:
    begun = {"type": "http.request", "body": b'{"name":', "more_body": True}
    with pytest.raises(RequestError, match="broke off") as caught:
        asyncio.run(body_of(request(begun, {"type": "http.disconnect"})))
    assert caught.value.status == 400


def test_no_more_is_read_than_there_may_be() -> None:
    part = {"type": "http.request", "body": b"12345", "more_body": True}
    with pytest.raises(RequestError, match="larger than") as caught:
        asyncio.run(body_of(request(part, part), limit=8))
    assert caught.value.status == 413
