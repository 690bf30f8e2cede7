"""PUT: what is registered, under which URL, and that a refusal is never taken for success."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import inngest_asgi as inngest
from inngest_asgi.version import VERSION
from tests.routes.asking import (
    KEY,
    ORDERED,
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
    from tests.routes.asking import Headers

BEARER = "Bearer signkey-test-223e0a160af9da0a03e6dd2c4719c56f5d66a633cbe84e78aaa9f3735865522a"
PING = b'{"url":"https://app.example/api/inngest"}'

# http.md 7.2 and 8, with the keys in the order we write them.
BODY = (
    '{"url":"https://app.example/api/inngest","deployType":"ping","framework":"asgi",'
    f'"appName":"shop","v":"0.1","sdk":"asgi:v{VERSION}","functions":['
    '{"id":"shop-pay","name":"Pay","triggers":[{"event":"shop/ordered"}],'
    '"steps":{"step":{"id":"step","name":"step","runtime":'
    '{"url":"https://app.example/api/inngest?fnId=shop-pay&stepId=step","type":"http"},'
    '"retries":{"attempts":2}}}},'
    '{"id":"shop-pay-failure","name":"Pay (failure)","triggers":'
    '[{"event":"inngest/function.failed","expression":"event.data.function_id == \'shop-pay\'"}],'
    '"steps":{"step":{"id":"step","name":"step","runtime":'
    '{"url":"https://app.example/api/inngest?fnId=shop-pay-failure&stepId=step","type":"http"},'
    '"retries":{"attempts":0}}}}],'
    '"headers":{"env":"main","platform":"render"},"capabilities":'
    '{"in_band_sync":"v1","trust_probe":"v1"},'
    '"appVersion":"1.4.0"}'
)


def synced(client: inngest.Inngest, headers: Headers | None = None, **more: Any) -> Answer:
    ours = ("serve_origin", "serve_path", "public_path")
    options = {key: more.pop(key) for key in list(more) if key in ours}
    return asked(app_of(client, **options), "PUT", headers=headers or {}, body=PING, **more)


def registered_url(api: Api, path: str = "/api/inngest", **more: Any) -> str:
    """Sync and return the URL the API was told, whose functions must agree with it."""
    assert synced(dev_client(api), path=path, **more).status == 200
    document = json.loads(api.request.content)
    (function,) = document["functions"]
    url = document["url"]
    runtime = function["steps"]["step"]["runtime"]
    assert runtime == {"url": f"{url}?fnId=shop-pay&stepId=step", "type": "http"}
    assert isinstance(url, str)
    return url


def test_the_body_is_registered_as_the_protocol_says_byte_for_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RENDER", "true")
    api = Api()
    client = cloud_client(api, env="main", app_version="1.4.0")

    async def mend(ctx: inngest.Context) -> None: ...

    @client.create_function(fn_id="pay", name="Pay", trigger=ORDERED, retries=2, on_failure=mend)
    async def pay(ctx: inngest.Context) -> None: ...

    assert synced(client, signed(PING)).status == 200
    assert api.request.content.decode() == BODY


def test_the_request_is_authorised_and_names_us() -> None:
    api = Api()
    synced(cloud_client(api, env="main"), signed(PING) | {"x-inngest-server-kind": "cloud"})
    request = api.request
    assert str(request.url) == "https://api.inngest.com/fn/register"
    assert request.method == "POST"
    ours = {name: value for name, value in request.headers.items() if "inngest" in value + name}
    assert ours == {
        "host": "api.inngest.com",
        "user-agent": f"inngest-asgi:v{VERSION}",
        "x-inngest-sdk": f"inngest-asgi:v{VERSION}",
        "x-inngest-env": "main",
        "x-inngest-framework": "asgi",
        "x-inngest-sync-kind": "out_of_band",
        "x-inngest-expected-server-kind": "cloud",
    }
    assert request.headers["authorization"] == BEARER
    assert request.headers["content-type"] == "application/json"


def test_nothing_is_expected_of_a_server_that_does_not_say_what_it_is() -> None:
    api = Api()
    synced(dev_client(api))
    assert "x-inngest-expected-server-kind" not in api.request.headers
    assert "authorization" not in api.request.headers


def test_a_success_tells_what_the_server_said() -> None:
    answer = synced(dev_client(Api()))
    assert answer.status == 200
    assert answer.document == {"message": "Successfully registered", "modified": True}
    assert answer.headers["x-inngest-sync-kind"] == "out_of_band"
    assert answer.headers["x-inngest-sdk"]


@pytest.mark.parametrize("deploy_id", ["6f0a1c9e", "a b/c&d=é"])
def test_the_deploy_id_is_passed_on_and_is_not_part_of_the_url(deploy_id: str) -> None:
    api = Api()
    query = str(httpx.QueryParams(deployId=deploy_id))
    assert registered_url(api, query=query) == "https://app.example/api/inngest"
    assert dict(api.request.url.params) == {"deployId": deploy_id}


@pytest.mark.parametrize(
    ("status", "document"),
    [
        pytest.param(400, {"error": "no such thing"}, id="400"),
        pytest.param(401, b"Authentication failed", id="401-text"),
        pytest.param(500, {}, id="500"),
        pytest.param(302, {}, id="redirect"),
        pytest.param(200, {"ok": False}, id="200-not-ok"),
        pytest.param(200, {"error": "App ID required"}, id="200-error"),
        pytest.param(200, {"status": 400, "message": "no"}, id="200-own-status"),
        pytest.param(200, b"<html>", id="200-html"),
        pytest.param(200, [], id="200-array"),
    ],
)
def test_a_refused_registration_is_never_a_success(status: int, document: Any) -> None:
    api = Api({"/fn/register": (status, document)})
    answer = synced(dev_client(api))
    assert (answer.status, answer.code) == (500, "registration_failed")
    assert answer.headers["x-inngest-no-retry"] == "false"


def test_the_reason_of_a_refusal_is_passed_on() -> None:
    api = Api({"/fn/register": (400, {"error": "App ID required"})})
    assert "App ID required" in synced(dev_client(api)).document["message"]


def test_no_server_is_an_error_that_says_what_to_start(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    http = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
    answer = synced(dev_client(http_client=http))
    assert (answer.status, answer.code) == (500, "internal_server_error")
    assert "inngest-asgi dev" in answer.document["message"]
    assert "connection refused" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("client", "headers", "options", "status"),
    [
        pytest.param(dev_client, {}, {}, 200, id="dev"),
        pytest.param(cloud_client, {}, {}, 200, id="cloud-by-default"),
        pytest.param(cloud_client, {}, {"enable_unauthed_sync": True}, 200, id="allowed"),
        pytest.param(cloud_client, {}, {"enable_unauthed_sync": False}, 401, id="refused"),
        pytest.param(cloud_client, signed(PING), {"enable_unauthed_sync": False}, 200, id="signed"),
        pytest.param(cloud_client, signed(PING, STRANGE), {}, 401, id="signed-wrongly"),
        pytest.param(cloud_client, {"x-inngest-signature": ""}, {}, 401, id="signed-emptily"),
    ],
)
def test_an_unsigned_put_in_cloud_mode_is_a_matter_of_choice(
    client: Any, headers: Headers, options: dict[str, bool], status: int
) -> None:
    api = Api()
    app = app_of(client(api), **options)
    assert asked(app, "PUT", headers=headers, body=PING).status == status
    assert len(api.requests) == (status == 200)


@pytest.mark.parametrize(
    ("value", "options", "status"),
    [
        ("0", {}, 401),
        ("false", {}, 401),
        ("1", {}, 200),
        ("0", {"enable_unauthed_sync": True}, 200),
        ("1", {"enable_unauthed_sync": False}, 401),
    ],
)
def test_the_environment_decides_on_unsigned_puts_where_no_argument_does(
    value: str, options: dict[str, bool], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_ENABLE_UNAUTHED_SYNC", value)
    app = app_of(cloud_client(Api()), **options)
    assert asked(app, "PUT", body=PING).status == status


def test_strangers_who_may_sync_still_learn_nothing(caplog: pytest.LogCaptureFixture) -> None:
    answer = asked(app_of(cloud_client(Api())), "PUT", body=PING)
    assert answer.headers.keys() == {"content-type", "content-length", "x-inngest-sdk-handled"}
    assert answer.document.keys() == {"message", "modified"}
    assert shows_no_key(answer, caplog)


def test_a_stranger_whose_sync_is_refused_is_told_why() -> None:
    api = Api({"/fn/register": (400, {"error": "App ID required"})})
    answer = asked(app_of(cloud_client(api)), "PUT", body=PING)
    assert answer.status == 500
    assert answer.document.keys() == {"code", "message"}


def test_an_unsigned_put_without_any_key_names_the_variable() -> None:
    app = app_of(cloud_client(Api(), signing_key=None, signing_key_fallback=None))
    answer = asked(app, "PUT", body=PING)
    assert (answer.status, answer.code) == (500, "signing_key_unspecified")


@pytest.mark.parametrize(
    ("client", "kind"), [(dev_client, "cloud"), (cloud_client, "dev"), (dev_client, "moon")]
)
def test_a_server_of_another_kind_registers_nothing(client: Any, kind: str) -> None:
    api = Api()
    answer = synced(client(api), signed(PING) | {"x-inngest-server-kind": kind})
    assert (answer.status, answer.code) == (400, "server_kind_mismatch")
    assert "INNGEST_DEV" in answer.document["message"]
    assert api.requests == []


def test_a_body_over_the_limit_is_a_413() -> None:
    app = app_of(dev_client(Api()), max_body_bytes=8)
    assert asked(app, "PUT", body=PING).status == 413


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/inngest", "https://app.example/api/inngest"),
        ("/api/inngest/", "https://app.example/api/inngest"),
        ("/", "https://app.example"),
    ],
)
def test_the_url_is_that_of_the_request(path: str, expected: str) -> None:
    assert registered_url(Api(), path) == expected


@pytest.mark.parametrize("host", ["[", "a b", "x:99999", "\xff:y"])
def test_a_host_that_makes_no_url_is_refused_and_names_the_remedy(host: str) -> None:
    answer = synced(dev_client(api := Api()), {"host": host})
    assert (answer.status, answer.code, api.requests) == (400, "registration_failed", [])
    assert "set serve_origin" in answer.document["message"]


def test_the_hosts_own_port_and_scheme_are_kept() -> None:
    url = registered_url(Api(), headers={"host": "localhost:8000"}, scheme="http")
    assert url == "http://localhost:8000/api/inngest"


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/pre/api/inngest", "/pre/api/inngest"), ("/api/inngest", "/pre/api/inngest")],
    ids=["kept", "stripped"],
)
def test_the_root_path_is_part_of_the_url(path: str, expected: str) -> None:
    assert registered_url(Api(), path, root_path="/pre") == f"https://app.example{expected}"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"serve_path": "/hook"}, "https://app.example/hook"),
        ({"serve_origin": "https://o.example"}, "https://o.example"),
        ({"serve_origin": "https://o.example/"}, "https://o.example"),
        (
            {"serve_origin": "https://o.example/x", "serve_path": "/hook"},
            "https://o.example/x/hook",
        ),
        ({"public_path": "/pub"}, "https://app.example/pub"),
        ({"public_path": "/pub", "serve_path": "/hook"}, "https://app.example/pub"),
    ],
)
def test_arguments_replace_parts_of_the_url(options: dict[str, str], expected: str) -> None:
    assert registered_url(Api(), "/", **options) == expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"INNGEST_SERVE_PATH": "/hook"}, "https://app.example/hook"),
        ({"INNGEST_SERVE_PATH": "hook"}, "https://app.example/hook"),
        ({"INNGEST_SERVE_ORIGIN": "https://o.example"}, "https://o.example"),
        ({"INNGEST_SERVE_HOST": "https://h.example"}, "https://h.example"),
        (
            {
                "INNGEST_SERVE_ORIGIN": "https://o.example",
                "INNGEST_SERVE_HOST": "https://h.example",
            },
            "https://o.example",
        ),
    ],
)
def test_the_environment_replaces_parts_of_the_url(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert registered_url(Api(), "/") == expected


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_SERVE_PATH", "/hook")
    monkeypatch.setenv("INNGEST_SERVE_ORIGIN", "https://h.example")
    url = registered_url(Api(), "/", serve_path="/mine", serve_origin="https://o.example")
    assert url == "https://o.example/mine"


def test_a_wrong_origin_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_SERVE_ORIGIN", "o.example")
    answer = synced(dev_client(Api()))
    assert answer.status == 500
    assert "INNGEST_SERVE_ORIGIN" in answer.document["message"]


def test_a_key_that_is_not_hexadecimal_is_named_not_shown() -> None:
    answer = synced(dev_client(Api(), signing_key="signkey-test-not-hexadecimal"))
    assert answer.status == 500
    assert "INNGEST_SIGNING_KEY" in answer.document["message"]
    assert b"not-hexadecimal" not in answer.body


def test_an_application_without_functions_registers_none() -> None:
    api = Api()
    assert asked(inngest.serve(dev_client(api)), "PUT", body=PING).status == 200
    assert json.loads(api.request.content)["functions"] == []


def test_the_fallback_key_is_tried_when_the_key_is_refused() -> None:
    api = Api({"/fn/register": (401, b"Authentication failed")})
    assert synced(cloud_client(api), signed(PING, KEY)).status == 500
    assert len({request.headers["authorization"] for request in api.requests}) == 2


def test_a_public_path_wins_over_the_environments_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_SERVE_PATH", "/hook")
    assert registered_url(Api(), "/hook", public_path="/pub") == "https://app.example/pub"


PROXIED = {
    "x-forwarded-proto": "https",
    "x-forwarded-host": "public.example",
    "x-forwarded-prefix": "/pre",
}


@pytest.mark.parametrize(
    ("client", "headers", "expected"),
    [
        pytest.param(dev_client, {}, "https://public.example/pre/api/inngest", id="dev"),
        pytest.param(
            cloud_client, signed(PING), "https://public.example/pre/api/inngest", id="cloud-signed"
        ),
        pytest.param(cloud_client, {}, "https://app.example/api/inngest", id="cloud-unsigned"),
    ],
)
def test_proxies_are_believed_of_those_we_know(
    client: Any, headers: Headers, expected: str
) -> None:
    api = Api()
    assert synced(client(api), headers | PROXIED, scheme="http").status == 200
    assert json.loads(api.request.content)["url"] == expected


def test_what_was_told_wins_over_proxies() -> None:
    told = {"serve_origin": "https://o.example", "serve_path": "/hook"}
    url = registered_url(Api(), "/", headers=PROXIED, **told)
    assert url == "https://o.example/hook"
