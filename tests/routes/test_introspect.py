"""GET: what an application tells of itself, and to whom (http.md 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.version import VERSION
from tests.routes.asking import (
    FALLBACK,
    KEY,
    STRANGE,
    app_of,
    asked,
    cloud_client,
    dev_client,
    shows_no_key,
    signed,
)

if TYPE_CHECKING:
    import inngest_asgi as inngest

ANYBODY: dict[str, Any] = {
    "schema_version": "2024-05-24",
    "authentication_succeeded": None,
    "function_count": 1,
    "has_event_key": False,
    "has_signing_key": False,
    "has_signing_key_fallback": False,
    "mode": "dev",
    "extra": {},
}
# The beginnings of the hashes of http.md 6, and of the event key's.
SIGNED = {
    "schema_version": "2024-05-24",
    "authentication_succeeded": True,
    "function_count": 1,
    "has_event_key": True,
    "has_signing_key": True,
    "has_signing_key_fallback": True,
    "mode": "cloud",
    "extra": {"is_streaming": False},
    "app_id": "shop",
    "api_origin": "https://api.inngest.com",
    "event_api_origin": "https://inn.gs",
    "capabilities": {"in_band_sync": "v1", "trust_probe": "v1"},
    "env": "main",
    "framework": "asgi",
    "sdk_language": "py",
    "sdk_version": VERSION,
    "serve_origin": None,
    "serve_path": None,
    "event_key_hash": "489b0fa1ff46",
    "signing_key_hash": "223e0a160af9",
    "signing_key_fallback_hash": "b2ed992186a5",
}


def test_dev_mode_tells_a_little_to_everybody() -> None:
    answer = asked(app_of(dev_client()), "GET")
    assert answer.status == 200
    assert answer.document == ANYBODY
    assert answer.headers["x-inngest-sdk"]


def test_who_signed_is_told_everything_but_keys(caplog: pytest.LogCaptureFixture) -> None:
    app = app_of(cloud_client(env="main", event_key="test-event-key-123"))
    answer = asked(app, "GET", headers=signed())
    assert answer.document == SIGNED
    assert shows_no_key(answer, caplog)
    assert "test-event-key-123" not in answer.body.decode()


@pytest.mark.parametrize("key", [KEY, FALLBACK], ids=["primary", "fallback"])
def test_the_answer_is_signed_with_the_key_of_the_question(key: str) -> None:
    answer = asked(app_of(cloud_client()), "GET", headers=signed(key=key))
    assert answer.headers["x-inngest-signature"] == signed(answer.body, key)["x-inngest-signature"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({}, "header_missing", id="unsigned"),
        pytest.param(signed(key=STRANGE), "sig_verification_failed", id="signed-wrongly"),
        pytest.param(signed(b"{}"), "sig_verification_failed", id="signed-for-another-body"),
    ],
)
def test_strangers_in_cloud_mode_are_told_nothing(headers: dict[str, str], code: str) -> None:
    answer = asked(app_of(cloud_client()), "GET", headers=headers)
    assert (answer.status, answer.code) == (401, code)
    assert answer.document.keys() == {"code", "message"}
    assert "x-inngest-sdk" not in answer.headers


def test_dev_mode_tells_everything_to_who_signed() -> None:
    answer = asked(app_of(dev_client(signing_key=KEY)), "GET", headers=signed())
    assert answer.document["app_id"] == "shop"
    assert answer.document["mode"] == "dev"
    assert answer.document["authentication_succeeded"] is True


@pytest.mark.parametrize(
    ("client", "kind", "status"),
    [
        pytest.param(dev_client(), "dev", 200, id="dev-dev"),
        pytest.param(dev_client(), "cloud", 403, id="dev-cloud"),
        pytest.param(cloud_client(), "dev", 403, id="cloud-dev"),
        pytest.param(cloud_client(), "cloud", 200, id="cloud-cloud"),
    ],
)
def test_a_server_of_another_kind_is_sent_away(
    client: inngest.Inngest, kind: str, status: int
) -> None:
    headers = signed() | {"x-inngest-server-kind": kind}
    answer = asked(app_of(client), "GET", headers=headers)
    assert answer.status == status
    assert status == 200 or answer.code == "server_kind_mismatch"


def test_a_dev_server_that_signs_nothing_is_sent_away_from_an_application_in_cloud_mode() -> None:
    answer = asked(app_of(cloud_client()), "GET", headers={"x-inngest-server-kind": "dev"})
    assert (answer.status, answer.code) == (403, "server_kind_mismatch")
    assert answer.document.keys() == {"code", "message"}
    assert "x-inngest-sdk" not in answer.headers


@pytest.mark.parametrize(
    ("value", "capabilities"),
    [
        ("0", {"trust_probe": "v1"}),
        ("1", {"in_band_sync": "v1", "trust_probe": "v1"}),
    ],
    ids=["off", "on"],
)
def test_a_capability_that_is_switched_off_is_not_promised(
    value: str, capabilities: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_ALLOW_IN_BAND_SYNC", value)
    answer = asked(app_of(cloud_client()), "GET", headers=signed())
    assert answer.document["capabilities"] == capabilities


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_what_was_set_for_the_url_is_told(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {}
    if how == "argument":
        options = {"serve_origin": "https://shop.example/", "serve_path": "/hook"}
    else:
        monkeypatch.setenv("INNGEST_SERVE_ORIGIN", "https://shop.example")
        monkeypatch.setenv("INNGEST_SERVE_PATH", "/hook")
    app = app_of(cloud_client(), **options)
    document = asked(app, "GET", "/hook", headers=signed()).document
    assert (document["serve_origin"], document["serve_path"]) == ("https://shop.example", "/hook")


def test_a_key_that_cannot_be_hashed_is_named_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    client = dev_client(signing_key="signkey-test-not-hexadecimal")
    answer = asked(app_of(client), "GET")
    assert answer.status == 500
    assert "INNGEST_SIGNING_KEY" in answer.document["message"]
    assert "not-hexadecimal" not in answer.body.decode() + caplog.text
