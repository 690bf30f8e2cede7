"""The inspection table of http.md 10: who is told what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.version import VERSION
from tests.routes.asking import (
    FALLBACK,
    KEY,
    STRANGE,
    Answer,
    app_of,
    asked,
    cloud_client,
    dev_client,
    shows_no_key,
    signed,
)

if TYPE_CHECKING:
    import inngest_asgi as inngest

HASHES = {  # http.md 6, the first 12 characters of what follows the prefix
    "event_key_hash": "72497ed2fb5d",
    "signing_key_hash": "223e0a160af9",
    "signing_key_fallback_hash": "b2ed992186a5",
}
TOLD_ALL: dict[str, Any] = {
    "schema_version": "2024-05-24",
    "function_count": 1,
    "has_event_key": True,
    "has_signing_key": True,
    "has_signing_key_fallback": True,
    "mode": "cloud",
}
AUTHENTICATED: dict[str, Any] = {
    "authentication_succeeded": True,
    "api_origin": "https://api.inngest.com",
    "event_api_origin": "https://inn.gs",
    "app_id": "shop",
    "env": None,
    "framework": "asgi",
    "sdk_language": "py",
    "sdk_version": VERSION,
    "serve_origin": None,
    "serve_path": None,
    "extra": {"is_streaming": False},
}


def inspected(client: inngest.Inngest, **more: Any) -> Answer:
    return asked(app_of(client), "GET", **more)


@pytest.mark.parametrize("key", [KEY, FALLBACK], ids=["key", "fallback"])
def test_who_signs_is_told_everything_but_the_keys(
    key: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = inspected(cloud_client(), headers=signed(key=key))
    document = answer.document
    assert document.pop("capabilities")["trust_probe"] == "v1"
    assert document == TOLD_ALL | AUTHENTICATED | HASHES
    assert "x-inngest-signature" in answer.headers
    assert shows_no_key(answer, caplog)


def test_who_does_not_sign_is_told_little_in_dev_mode() -> None:
    keys = dict.fromkeys(["has_event_key", "has_signing_key", "has_signing_key_fallback"], False)
    expected = TOLD_ALL | keys | {"mode": "dev", "authentication_succeeded": None, "extra": {}}
    answer = inspected(dev_client())
    assert (answer.status, answer.document) == (200, expected)


@pytest.mark.parametrize(
    "headers", [{}, signed(key=STRANGE), signed(b"{}")], ids=["unsigned", "stranger", "other-body"]
)
def test_who_does_not_sign_is_told_nothing_in_cloud_mode(headers: dict[str, str]) -> None:
    answer = inspected(cloud_client(), headers=headers)
    assert (answer.status, answer.document.keys()) == (401, {"code", "message"})
    assert "x-inngest-sdk" not in answer.headers


@pytest.mark.parametrize(
    ("client", "kind", "headers"),
    [
        pytest.param(dev_client, "cloud", {}, id="cloud-server-dev-app"),
        pytest.param(cloud_client, "dev", signed(), id="dev-server-cloud-app"),
    ],
)
def test_a_server_of_another_kind_is_sent_away(
    client: Any, kind: str, headers: dict[str, str]
) -> None:
    answer = inspected(client(), headers=headers | {"x-inngest-server-kind": kind})
    assert (answer.status, answer.code) == (403, "server_kind_mismatch")
