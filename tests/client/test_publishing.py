"""Realtime messages: what is sent where, again on failures that may pass, and what is refused."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import BaseModel, Field

from inngest_asgi.client.publishing import LARGEST_MESSAGE, publish
from inngest_asgi.errors import ApiError, CodecError
from inngest_asgi.wire.codec import dumps
from tests.client.routed import client, refused, router
from tests.client.scripted import BEARER, FALLBACK_BEARER, FALLBACK_KEY

if TYPE_CHECKING:
    import respx

PATH = "/v1/realtime/publish"
DONE = httpx.Response(200)


class Told(BaseModel):
    done_by: str = Field(alias="doneBy")


class Odd(BaseModel):
    what: Any


@pytest.fixture
def api() -> respx.MockRouter:
    return router()


def published(api: respx.MockRouter, data: Any, *, run_id: str = "", **options: Any) -> bytes:
    reached = client(api, **options).api
    sent = asyncio.run(publish(reached, "user:1", "a&b", data, run_id=run_id))
    return dumps(sent)


@pytest.mark.parametrize(
    ("data", "body"),
    [
        pytest.param({"text": "hi"}, b'{"text":"hi"}', id="object"),
        pytest.param("42", b'"42"', id="text-stays-text"),
        pytest.param(None, b"null", id="null"),
        pytest.param(Told(doneBy="ann"), b'{"doneBy":"ann"}', id="model"),
    ],
)
def test_a_message_is_json_and_is_what_was_sent(
    api: respx.MockRouter, data: Any, body: bytes
) -> None:
    route = api.post(PATH).mock(DONE)
    assert published(api, data) == body
    request = route.calls.last.request
    assert request.content == body
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == BEARER


@pytest.mark.parametrize(
    ("run_id", "query"),
    [
        ("", b"channel=user%3A1&topic=a%26b"),
        ("01JRUN", b"channel=user%3A1&topic=a%26b&run_id=01JRUN"),
    ],
    ids=["alone", "in-a-run"],
)
def test_the_query_says_where(api: respx.MockRouter, run_id: str, query: bytes) -> None:
    route = api.post(PATH).mock(DONE)
    published(api, 1, run_id=run_id)
    assert route.calls.last.request.url.query == query


def test_a_failure_that_may_pass_is_tried_again(api: respx.MockRouter) -> None:
    route = api.post(PATH).mock(side_effect=[httpx.ReadError("lost"), httpx.Response(503), DONE])
    assert published(api, 1) == b"1"
    assert route.call_count == 3


@pytest.mark.parametrize("status", [401, 403])
def test_the_fallback_key_is_tried(api: respx.MockRouter, status: int) -> None:
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["authorization"])
        return DONE if len(keys) == 2 else httpx.Response(status)

    api.post(PATH).mock(side_effect=answer)
    published(api, 1, signing_key_fallback=FALLBACK_KEY)
    assert keys == [BEARER, FALLBACK_BEARER]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(httpx.Response(401, text="no"), "check INNGEST_SIGNING_KEY", id="key"),
        pytest.param(refused(400, "bad message"), "400; it says: bad message", id="message"),
        pytest.param(httpx.Response(500), "answered 500", id="failure"),
        pytest.param(
            refused(404, "Nothing here."),
            "no realtime: .* it says: Nothing here\\.$",
            id="no-route",
        ),
    ],
)
def test_a_refusal_names_the_topic(
    api: respx.MockRouter, answer: httpx.Response, said: str
) -> None:
    api.post(PATH).mock(answer)
    with pytest.raises(ApiError, match=f"^A message to topic 'a&b' of channel 'user:1' .*{said}"):
        published(api, 1)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param({1, 2}, "cannot be published", id="set"),
        pytest.param(float("nan"), "nan", id="nan"),
        pytest.param(Odd(what=object()), "cannot be published", id="model"),
        pytest.param("x" * LARGEST_MESSAGE, "servers take 524288", id="large"),
    ],
)
def test_what_servers_would_cut_or_cannot_read_is_not_sent(
    api: respx.MockRouter, data: Any, said: str
) -> None:
    route = api.post(PATH).mock(DONE)
    with pytest.raises(CodecError, match=f"^A message to topic 'a&b'.*{said}"):
        published(api, data)
    assert not route.called


def test_the_largest_message_is_sent(api: respx.MockRouter) -> None:
    route = api.post(PATH).mock(DONE)
    published(api, "x" * (LARGEST_MESSAGE - 2))
    assert len(json.loads(route.calls.last.request.content)) == LARGEST_MESSAGE - 2
