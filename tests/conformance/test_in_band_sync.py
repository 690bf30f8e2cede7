"""In-band sync, the worked exchange of http.md 9: who may ask, and what the response tells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.version import VERSION
from tests.routes.asking import (
    KEY,
    STRANGE,
    Answer,
    Api,
    app_of,
    asked,
    cloud_client,
    dev_client,
    shows_no_key,
    signed,
)

if TYPE_CHECKING:
    import inngest_asgi as inngest
    from tests.routes.asking import Headers

PING = b'{"url":"https://app.example/api/inngest"}'

IN_BAND = {"x-inngest-sync-kind": "in_band"}
IN_BAND_BODY = (
    '{"app_id":"shop","appVersion":"1.4.0",'
    '"capabilities":{"in_band_sync":"v1","trust_probe":"v1"},"env":"main","framework":"asgi",'
    '"functions":[{"id":"shop-pay","name":"pay","triggers":[{"event":"shop/ordered"}],'
    '"steps":{"step":{"id":"step","name":"step","runtime":'
    '{"url":"https://app.example/api/inngest?fnId=shop-pay&stepId=step","type":"http"}}}}],'
    '"inspection":{"schema_version":"2024-05-24","authentication_succeeded":true,'
    '"function_count":1,"has_event_key":true,"has_signing_key":true,'
    '"has_signing_key_fallback":true,"mode":"cloud","extra":{"is_streaming":false},"app_id":"shop",'
    '"api_origin":"https://api.inngest.com","event_api_origin":"https://inn.gs",'
    '"capabilities":{"in_band_sync":"v1","trust_probe":"v1"},"env":"main","framework":"asgi",'
    f'"sdk_language":"py","sdk_version":"{VERSION}","serve_origin":null,"serve_path":null,'
    '"event_key_hash":"489b0fa1ff46","signing_key_hash":"223e0a160af9",'
    '"signing_key_fallback_hash":"b2ed992186a5"},"platform":"render",'
    f'"sdk_author":"inngest-asgi","sdk_language":"py","sdk_version":"{VERSION}",'
    f'"sdk":"inngest-asgi:v{VERSION}","url":"https://app.example/api/inngest",'
    '"featureObservations":{}}'
)


def synced_in_band(client: inngest.Inngest, body: bytes = PING, **options: Any) -> Answer:
    app = app_of(client, **options)
    return asked(app, "PUT", "/", headers=IN_BAND | signed(body), body=body)


def told_url(url: str, **options: Any) -> str:
    """Sync in band at a URL and return the one that is answered, with which functions agree."""
    document = synced_in_band(cloud_client(), json.dumps({"url": url}).encode(), **options).document
    (function,) = document["functions"]
    told = document["url"]
    runtime = function["steps"]["step"]["runtime"]
    assert runtime == {"url": f"{told}?fnId=shop-pay&stepId=step", "type": "http"}
    assert isinstance(told, str)
    return told


def test_everything_is_told_in_the_response_byte_for_byte(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RENDER", "true")
    api = Api()
    answer = synced_in_band(
        cloud_client(api, env="main", app_version="1.4.0", event_key="test-event-key-123")
    )
    assert answer.status == 200
    assert answer.body.decode() == IN_BAND_BODY
    assert answer.headers["x-inngest-sync-kind"] == "in_band"
    assert answer.headers["x-inngest-signature"] == signed(answer.body)["x-inngest-signature"]
    assert shows_no_key(answer, caplog)
    assert api.requests == []


@pytest.mark.parametrize("unauthed", [True, False])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({}, "header_missing", id="unsigned"),
        pytest.param(signed(PING, STRANGE), "sig_verification_failed", id="signed-wrongly"),
        pytest.param(signed(b"{}"), "sig_verification_failed", id="signed-for-another-body"),
    ],
)
def test_strangers_in_cloud_mode_are_told_nothing(
    headers: Headers,
    code: str,
    unauthed: bool,  # noqa: FBT001
) -> None:
    api = Api()
    app = app_of(cloud_client(api), enable_unauthed_sync=unauthed)
    answer = asked(app, "PUT", headers=IN_BAND | headers, body=PING)
    assert (answer.status, answer.code) == (401, code)
    assert answer.document.keys() == {"code", "message"}
    assert api.requests == []


@pytest.mark.parametrize("headers", [{}, signed(PING)], ids=["unsigned", "signed"])
def test_dev_mode_tells_everybody_and_signs_for_those_who_signed(headers: Headers) -> None:
    app = app_of(dev_client(signing_key=KEY))
    answer = asked(app, "PUT", headers=IN_BAND | headers, body=PING)
    assert answer.status == 200
    assert answer.document["inspection"]["mode"] == "dev"
    assert answer.document["env"] is None
    assert ("x-inngest-signature" in answer.headers) is bool(headers)


@pytest.mark.parametrize("client", [dev_client, cloud_client], ids=["dev", "cloud"])
def test_can_be_switched_off(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_ALLOW_IN_BAND_SYNC", "0")
    api = Api()
    answer = synced_in_band(client(api))
    assert answer.headers["x-inngest-sync-kind"] == "out_of_band"
    assert answer.document == {"message": "Successfully registered", "modified": True}
    assert json.loads(api.request.content)["capabilities"] == {"trust_probe": "v1"}


@pytest.mark.parametrize("kind", ["out_of_band", "in-band", "", "IN_BAND"])
def test_any_other_kind_of_sync_is_out_of_band(kind: str) -> None:
    api = Api()
    headers = signed(PING) | {"x-inngest-sync-kind": kind}
    answer = asked(app_of(cloud_client(api)), "PUT", headers=headers, body=PING)
    assert answer.headers["x-inngest-sync-kind"] == "out_of_band"
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"https://app.example"',
        b"{}",
        b'{"url":null}',
        b'{"url":7}',
        b'{"url":""}',
        b'{"url":"/api/inngest"}',
        b'{"url":"app.example/api"}',
        b'{"url":"ftp://app.example"}',
        b'{"url":"https://"}',
        b'{"url":"https://a:0/"}',
        b'{"url":"https://a:b/"}',
        b'{"url":"https://[::1/"}',
        b'{"url":"https://a b/"}',
        b'{"url":"https://a/\\n"}',
        b'{"url":"https://a\\\\b/"}',
    ],
    ids=repr,
)
def test_a_body_without_a_url_is_refused(body: bytes) -> None:
    answer = synced_in_band(cloud_client(), body)
    assert (answer.status, answer.code) == (400, "body_invalid")
    assert "in-band" in answer.document["message"]


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        pytest.param("https://a.example/in", {}, "https://a.example/in", id="as-told"),
        pytest.param("http://[::1]:80/in/", {}, "http://[::1]:80/in/", id="as-told-with-slash"),
        pytest.param("https://a.example", {}, "https://a.example", id="no-path"),
        pytest.param("https://a.example/in?deployId=1#x", {}, "https://a.example/in", id="query"),
        pytest.param(
            "https://a.example/in",
            {"serve_origin": "https://o.example"},
            "https://o.example/in",
            id="origin",
        ),
        pytest.param(
            "https://a.example/in", {"serve_path": "/hook"}, "https://a.example/hook", id="path"
        ),
        pytest.param(
            "https://a.example/in",
            {"serve_path": "/api/inngest", "public_path": "/pub"},
            "https://a.example/pub",
            id="public-path",
        ),
    ],
)
def test_the_url_is_the_one_told(url: str, options: dict[str, str], expected: str) -> None:
    assert told_url(url, **options) == expected


def test_a_server_of_another_kind_is_refused() -> None:
    headers = IN_BAND | signed(PING) | {"x-inngest-server-kind": "dev"}
    answer = asked(app_of(cloud_client()), "PUT", headers=headers, body=PING)
    assert (answer.status, answer.code) == (400, "server_kind_mismatch")


def test_a_wrong_origin_in_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INNGEST_SERVE_ORIGIN", "o.example")
    answer = synced_in_band(cloud_client())
    assert (answer.status, answer.code) == (500, "internal_server_error")
    assert "INNGEST_SERVE_ORIGIN" in answer.document["message"]


def test_the_sync_is_noted() -> None:
    app = app_of(cloud_client())
    asked(app, "PUT", headers=IN_BAND | signed(PING), body=PING)
    sync = asked(app, "GET", "/health/ready", headers=signed(b"")).document["sync"]
    assert sync == {"ok": True, "message": "answered in band"}
