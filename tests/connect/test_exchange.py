"""The two HTTP requests beside the socket, against an API in memory."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from inngest_asgi.client.connections import Connections
from inngest_asgi.connect.exchange import Exchange
from inngest_asgi.connect.frames import from_bytes, to_bytes
from inngest_asgi.connect.messages import FlushResponse, Response, StartRequest, StartResponse
from inngest_asgi.crypto.keys import bearer_token
from inngest_asgi.errors import ApiError, ConnectAuthError
from inngest_asgi.settings import Settings
from tests.routes.asking import FALLBACK, KEY, SECRETS, Api

if TYPE_CHECKING:
    from collections.abc import Callable

STARTED = StartResponse("connection", "wss://gateway", "group", "session", "sync")
REPLY = Response("request-1", system_trace_ctx=b"{}")
START, FLUSH = "/v0/connect/start", "/v0/connect/flush"


def exchange_of(api: Api, **told: Any) -> Exchange:
    settings = Settings(environ={}, **({"is_production_argument": False} | told))
    return Exchange(settings, Connections(timedelta(seconds=1), api.http))


def cloud(api: Api, **told: Any) -> Exchange:
    keys = {"signing_key_argument": KEY, "signing_key_fallback_argument": FALLBACK}
    return exchange_of(api, **({"is_production_argument": True} | keys | told))


def started(exchange: Exchange, *excluded: str) -> StartResponse:
    return asyncio.run(exchange.start(excluded))


def test_start_says_what_to_avoid_and_is_told_where_to_go() -> None:
    api = Api({START: (200, to_bytes(STARTED))})
    assert started(exchange_of(api), "group-1", "group-2") == STARTED
    assert api.request.method == "POST"
    assert api.request.headers["content-type"] == "application/protobuf"
    assert from_bytes(StartRequest, api.request.content).exclude_gateways == ("group-1", "group-2")


def test_in_dev_mode_nobody_is_authorised() -> None:
    api = Api({START: (200, to_bytes(STARTED))})
    started(exchange_of(api, signing_key_argument=KEY))
    assert "authorization" not in api.request.headers


def test_in_cloud_mode_the_hash_of_the_key_is_sent_and_the_environment() -> None:
    api = Api({START: (200, to_bytes(STARTED))})
    started(cloud(api, env_argument="blue"))
    assert api.request.headers["authorization"] == f"Bearer {bearer_token(KEY)}"
    assert api.request.headers["x-inngest-env"] == "blue"


@pytest.mark.parametrize("status", [401, 403])
def test_keys_that_are_all_refused_are_told_of(status: int) -> None:
    api = Api({START: (status, {"error": "no"})})
    with pytest.raises(ConnectAuthError, match="check INNGEST_SIGNING_KEY") as raised:
        started(cloud(api))
    assert [one.headers["authorization"] for one in api.requests] == [
        f"Bearer {bearer_token(KEY)}",
        f"Bearer {bearer_token(FALLBACK)}",
    ]
    assert not [secret for secret in SECRETS if secret in str(raised.value)]


def test_a_missing_key_is_told_of_before_anything_is_sent() -> None:
    api = Api()
    with pytest.raises(ConnectAuthError, match="Set INNGEST_SIGNING_KEY"):
        started(exchange_of(api, is_production_argument=True))
    assert api.requests == []


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        pytest.param((429, {"error": "x"}), 429, "as many connections as it may", id="429"),
        pytest.param((500, {"error": "Oh."}), 500, "answered 500: Oh.", id="500"),
        pytest.param((400, b"?"), 400, "answered 400.", id="400"),
        pytest.param((400, {"error": 7}), 400, "answered 400.", id="no sentence"),
        pytest.param((200, b"\xff"), None, "no server that workers can connect to", id="not it"),
    ],
)
@pytest.mark.parametrize("mode", [exchange_of, cloud])
def test_other_refusals_keep_their_status(
    mode: Callable[[Api], Exchange],
    answer: tuple[int, Any],
    status: int | None,
    message: str,
) -> None:
    with pytest.raises(ApiError, match=message) as raised:
        started(mode(Api({START: answer})))
    assert raised.value.status == status


def test_no_answer_is_told_with_a_remedy() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
    settings = Settings(environ={}, is_production_argument=False)
    exchange = Exchange(settings, Connections(timedelta(seconds=1), client))
    with pytest.raises(ApiError, match="Start a server with `inngest-asgi dev`") as raised:
        started(exchange)
    assert raised.value.status is None


def test_an_answer_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("inngest_asgi.connect.exchange._WHOLE_PATIENCE", 0.0)
    http = httpx.AsyncClient(transport=httpx.MockTransport(never))
    exchange = Exchange(
        Settings(environ={}, is_production_argument=False), Connections(timedelta(1), http)
    )
    with pytest.raises(ApiError, match="took too long to answer"):
        started(exchange)


def test_a_reply_is_flushed() -> None:
    api = Api({FLUSH: (200, to_bytes(FlushResponse("request-1")))})
    asyncio.run(exchange_of(api).flush(REPLY))
    assert from_bytes(Response, api.request.content) == REPLY


@pytest.mark.parametrize(
    ("answer", "status"), [((503, b""), 503), ((400, b""), 400), ((200, b"\xff"), None)]
)
def test_a_reply_that_is_not_taken_is_told_of(answer: tuple[int, Any], status: int | None) -> None:
    with pytest.raises(ApiError) as raised:
        asyncio.run(exchange_of(Api({FLUSH: answer})).flush(REPLY))
    assert raised.value.status == status


def test_a_given_client_is_left_open() -> None:
    api = Api()
    http = api.http
    exchange = Exchange(Settings(environ={}), Connections(timedelta(seconds=1), http))
    asyncio.run(exchange.aclose())
    assert not http.is_closed
