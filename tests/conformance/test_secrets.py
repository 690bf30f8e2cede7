"""Keys stay secret: every road through an application, and all it leaves behind, is searched."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import inngest_asgi as inngest
from tests.routes.asking import (
    EVENT_KEY,
    FALLBACK,
    KEY,
    ORDERED,
    SECRETS,
    STRANGE,
    Api,
    app_of,
    asked,
    body_of,
    call,
    called,
    cloud_client,
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = body_of(call())
QUERY = "fnId=shop-pay&stepId=step"
PING = b'{"url":"https://app.example/api/inngest"}'
IN_BAND = {"x-inngest-sync-kind": "in_band"}

VARIABLES = {
    "INNGEST_SIGNING_KEY": KEY,
    "INNGEST_SIGNING_KEY_FALLBACK": FALLBACK,
    "INNGEST_EVENT_KEY": EVENT_KEY,
}

SIGNATURES = {
    "unsigned": {},
    "signed": signed(BODY),
    "signed-with-the-fallback": signed(BODY, FALLBACK),
    "signed-by-a-stranger": signed(BODY, STRANGE),
    "signed-with-the-key-itself": {"x-inngest-signature": f"t=1&s={KEY}"},
}

APIS: dict[str, dict[str, tuple[int, Any]]] = {
    "takes-all": {},
    "refuses-the-keys": dict.fromkeys(("/fn/register", "/e"), (401, b"Authentication failed")),
    "is-broken": {"/fn/register": (500, b"<html>")},
}


def found_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def objects_of(root: object) -> Iterator[object]:
    """Yield the root and all objects of ours that it holds, however deeply."""
    seen: set[int] = set()
    left = deque([root])
    while left:
        one = left.popleft()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if type(one).__module__.startswith("inngest_asgi"):
            yield one
            left.extend(_parts(one))
        elif isinstance(one, dict):
            left.extend(one.values())
        elif isinstance(one, list | tuple | set | frozenset):
            left.extend(one)


def _parts(one: object) -> Iterator[object]:
    yield from getattr(one, "__dict__", {}).values()
    slots = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
    yield from (getattr(one, name) for name in slots if hasattr(one, name))


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.mark.parametrize("streaming", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("api", APIS.values(), ids=APIS)
@pytest.mark.parametrize("headers", SIGNATURES.values(), ids=SIGNATURES)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_no_response_and_no_log_holds_a_key(
    method: str,
    headers: dict[str, str],
    api: dict[str, tuple[int, Any]],
    streaming: bool,  # noqa: FBT001
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    app = app_of(cloud_client(Api(api)), streaming=streaming)
    for query in (QUERY, "", "probe=trust", "fnId=shop-no"):
        for more in ({}, IN_BAND):
            answer = asked(app, method, query=query, body=BODY, headers=headers | more)
            assert found_in(f"{answer.headers} {answer.body.decode()}") == []
    assert found_in(f"{caplog.text} {''.join(capfd.readouterr())}") == []


@pytest.mark.parametrize("error", [RuntimeError, ConnectionError, httpx.ConnectError])
def test_no_error_of_the_network_holds_a_key(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("the line is dead")

    client = cloud_client(http_client=httpx.AsyncClient(transport=httpx.MockTransport(fail)))
    answer = asked(app_of(client), "PUT", body=PING, headers=signed(PING))
    assert answer.status == 500
    assert found_in(f"{answer.body.decode()} {caplog.text}") == []


def test_no_failure_to_send_holds_a_key(caplog: pytest.LogCaptureFixture) -> None:
    client = cloud_client(Api({f"/e/{EVENT_KEY}": (400, {"error": "no"})}))
    with pytest.raises(inngest.SendEventsError) as refused:
        asyncio.run(client.send(inngest.Event(name="shop/paid")))
    assert found_in(f"{refused.value!r} {refused.value} {caplog.text}") == []


@pytest.mark.parametrize("how", ["arguments", "environment"])
def test_nothing_shows_a_key_that_is_printed(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = cloud_client()
    if how == "environment":
        for name, value in VARIABLES.items():
            monkeypatch.setenv(name, value)
        client = inngest.Inngest("shop")
    app = app_of(client, streaming=True)
    called(app, body=BODY, headers=signed(BODY))
    ours = list(objects_of(app))
    assert len(ours) > 10
    assert [type(one) for one in ours if found_in(f"{one!r} {one}")] == []


def test_a_function_that_fails_with_a_key_at_hand_shows_frames_and_no_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = cloud_client()

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> None:
        key = client.signing_key
        raise ValueError(f"a key of {len(key or '')} letters is at hand")

    answer = called(app_of(client), body=BODY, headers=signed(BODY))
    assert answer.status == 500
    assert found_in(f"{answer.body.decode()} {caplog.text}") == []
