"""Calls to the Inngest API: registration, and the state of runs too large for a call."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from inngest_asgi.client.api import Api
from inngest_asgi.client.connections import Connections
from inngest_asgi.errors import ApiError
from inngest_asgi.settings import Settings
from inngest_asgi.wire.names import SDK_HEADER
from inngest_asgi.wire.registration import Registered
from tests.client.scripted import (
    BEARER,
    FALLBACK_BEARER,
    FALLBACK_KEY,
    SIGNING_KEY,
    Scripted,
    SkippingClock,
    answer,
)

BODY = {"appName": "shop", "framework": "asgi", "functions": []}
DEV = {"INNGEST_DEV": "1"}
CLOUD = {"INNGEST_SIGNING_KEY": SIGNING_KEY, "INNGEST_SIGNING_KEY_FALLBACK": FALLBACK_KEY}


def api(script: Scripted, environ: dict[str, str] | None = None) -> Api:
    settings = Settings(environ=DEV if environ is None else environ)
    return Api(settings, Connections(timedelta(1), script.http), SkippingClock())


def registered(
    script: Scripted,
    environ: dict[str, str] | None = None,
    sync_id: str | None = None,
    server_kind: str | None = None,
) -> Registered:
    made = api(script, environ)
    return asyncio.run(made.register(BODY, sync_id=sync_id, server_kind=server_kind))


def test_register_posts_the_body() -> None:
    script = Scripted(answer(200, {"ok": True, "modified": True, "message": "done"}))
    got = registered(script)
    assert got == Registered(modified=True, error=None, message="done")
    assert script.request.method == "POST"
    assert str(script.request.url) == "http://127.0.0.1:8288/fn/register"
    assert json.loads(script.request.content) == BODY


def test_register_hands_the_sync_id_back() -> None:
    script = Scripted(answer(200, {}))
    registered(script, sync_id="a b&c")
    assert script.request.url.params["deployId"] == "a b&c"


def test_register_has_the_headers_of_an_out_of_band_sync() -> None:
    script = Scripted(answer(200, {}))
    registered(script, CLOUD | {"INNGEST_ENV": "branch", "NETLIFY": "true"}, server_kind="cloud")
    headers = script.request.headers
    expected = {
        "authorization": BEARER,
        "content-type": "application/json",
        "user-agent": SDK_HEADER,
        "x-inngest-sdk": SDK_HEADER,
        "x-inngest-framework": "asgi",
        "x-inngest-platform": "netlify",
        "x-inngest-env": "branch",
        "x-inngest-expected-server-kind": "cloud",
        "x-inngest-sync-kind": "out_of_band",
    }
    assert {name: headers[name] for name in expected} == expected


def test_register_in_dev_mode_without_a_key_authorises_nothing() -> None:
    script = Scripted(answer(200, {}))
    registered(script)
    assert "authorization" not in script.request.headers
    assert "x-inngest-expected-server-kind" not in script.request.headers


def test_register_tries_the_fallback_key() -> None:
    script = Scripted(answer(401), answer(200, {"ok": True}))
    assert registered(script, CLOUD).error is None
    assert script.requests[1].headers["authorization"] == FALLBACK_BEARER


@pytest.mark.parametrize(
    ("response", "error"),
    [
        pytest.param(answer(400, {"error": "no app"}), "no app", id="refused"),
        pytest.param(answer(401, text="Authentication failed"), "401", id="bad key"),
        pytest.param(answer(500, text="oops"), "500", id="failed"),
        pytest.param(answer(200, text="<html>"), "200", id="not the API"),
    ],
)
def test_a_refused_registration_is_told(response: httpx.Response, error: str) -> None:
    got = registered(Scripted(response))
    assert got.error is not None
    assert error in got.error


def test_register_is_tried_once_because_the_server_asks_again() -> None:
    script = Scripted(answer(500))
    registered(script)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("environ", "origin", "advice"),
    [
        pytest.param(DEV, "http://127.0.0.1:8288", "inngest-asgi dev", id="dev"),
        pytest.param(CLOUD, "https://api.inngest.com", "INNGEST_DEV=1", id="cloud"),
    ],
)
def test_register_without_an_answer_says_what_to_do(
    environ: dict[str, str], origin: str, advice: str
) -> None:
    with pytest.raises(ApiError) as caught:
        registered(Scripted(httpx.ConnectError("refused")), environ)
    message = str(caught.value)
    assert "not registered" in message
    assert origin in message
    assert advice in message
    assert "0123456789abcdef" not in message


def test_steps_are_fetched_by_run() -> None:
    script = Scripted(answer(200, {"id": {"data": 1}}))
    assert asyncio.run(api(script, CLOUD).fetch_steps("01/J")) == {"id": {"data": 1}}
    assert script.request.url.raw_path == b"/v0/runs/01%2FJ/actions"
    assert script.request.headers["authorization"] == BEARER


def test_a_batch_is_fetched_by_run() -> None:
    script = Scripted(answer(200, [{"name": "a"}]))
    assert asyncio.run(api(script).fetch_batch("01J")) == [{"name": "a"}]
    assert script.request.url.path == "/v0/runs/01J/batch"


def test_a_failing_server_is_asked_again_for_state() -> None:
    script = Scripted(answer(500), httpx.ReadTimeout(""), answer(200, {}))
    assert asyncio.run(api(script).fetch_steps("01J")) == {}
    assert len(script.requests) == 3


def test_refused_state_is_an_error_with_the_status() -> None:
    with pytest.raises(ApiError, match="status 404") as caught:
        asyncio.run(api(Scripted(answer(404))).fetch_steps("01J"))
    assert caught.value.status == 404


@pytest.mark.parametrize("document", [None, [], "x", 5], ids=repr)
def test_steps_that_are_no_object_are_an_error(document: Any) -> None:
    with pytest.raises(ApiError, match="01J"):
        asyncio.run(api(Scripted(answer(200, document))).fetch_steps("01J"))


@pytest.mark.parametrize("document", [None, {}, [1], [{}, None]], ids=repr)
def test_a_batch_that_is_no_list_of_objects_is_an_error(document: Any) -> None:
    with pytest.raises(ApiError, match="01J"):
        asyncio.run(api(Scripted(answer(200, document))).fetch_batch("01J"))
