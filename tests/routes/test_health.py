"""/health/live and /health/ready: what load balancers see, in every state."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import inngest_asgi as inngest
from inngest_asgi.connect import ConnectOptions
from tests.routes.asking import (
    KEY,
    STRANGE,
    Answer,
    Api,
    app_of,
    ask,
    asked,
    called,
    cloud_client,
    dev_client,
    shows_no_key,
    signed,
    started,
)

READY = {
    "ready": True,
    "problems": [],
    "mode": "dev",
    "lifespan": "not started",
    "functions": 1,
    "calls": 0,
    "sync": {"ok": None, "message": "not synced yet"},
}


def ready(app: inngest.InngestApp) -> Answer:
    return asked(app, "GET", "/health/ready")


@pytest.mark.parametrize("client", [dev_client(), cloud_client(), inngest.Inngest("shop")])
def test_a_process_that_answers_is_live(client: inngest.Inngest) -> None:
    answer = asked(app_of(client), "GET", "/health/live")
    assert answer.status == 200
    assert answer.document == {"live": True}


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_does_not_name_us(path: str) -> None:
    answer = asked(app_of(dev_client()), "GET", path)
    assert answer.headers.keys() == {"content-type", "content-length"}


def test_an_application_is_ready_without_lifespan_and_sync() -> None:
    answer = ready(app_of(dev_client()))
    assert answer.status == 200
    assert answer.document == READY


def test_who_signed_sees_all_in_cloud_mode_but_no_key(caplog: pytest.LogCaptureFixture) -> None:
    answer = asked(app_of(cloud_client()), "GET", "/health/ready", headers=signed(b""))
    assert answer.document == READY | {"mode": "cloud"}
    assert shows_no_key(answer, caplog)


@pytest.mark.parametrize("headers", [{}, signed(b"", STRANGE)], ids=["unsigned", "falsely-signed"])
def test_a_stranger_sees_whether_it_is_ready_in_cloud_mode(headers: dict[str, str]) -> None:
    app = app_of(cloud_client())
    asked(app, "PUT")
    answer = asked(app, "GET", "/health/ready", headers=headers)
    assert (answer.status, answer.document) == (200, {"ready": True, "problems": []})


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param(
            {"signing_key": None, "signing_key_fallback": None},
            "signing_key_unspecified",
            id="no-key",
        ),
        pytest.param({"signing_key": "not-hex"}, "configuration_invalid", id="bad-key"),
        pytest.param({"api_base_url": "my-host"}, "configuration_invalid", id="api"),
        pytest.param({"env": "a\nb"}, "configuration_invalid", id="env"),
    ],
)
def test_a_stranger_sees_codes_and_the_log_has_the_reasons(
    options: dict[str, Any], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(cloud_client(**options))
    for _ in range(2):
        answer = ready(app)
        assert (answer.status, answer.document) == (503, {"ready": False, "problems": [code]})
    reasons = [one for one in caplog.messages if one.startswith("The application is not ready: ")]
    assert len(reasons) == 1
    assert shows_no_key(answer, caplog)


@pytest.mark.parametrize(
    ("options", "variables", "said"),
    [
        pytest.param({"signing_key": "not-hex"}, {}, "INNGEST_SIGNING_KEY", id="bad-key"),
        pytest.param(
            {"signing_key": KEY, "signing_key_fallback": "signkey-prod-"},
            {},
            "INNGEST_SIGNING_KEY",
            id="bad-fallback",
        ),
        pytest.param({"env": "a\nb"}, {}, "x-inngest-env", id="env"),
        pytest.param({"api_base_url": "nowhere"}, {}, "api_base_url", id="api"),
        pytest.param({"event_api_base_url": "nowhere"}, {}, "event_api_base_url", id="events"),
        pytest.param({}, {"INNGEST_SERVE_ORIGIN": "x"}, "INNGEST_SERVE_ORIGIN", id="origin"),
        pytest.param({}, {"INNGEST_THREAD_POOL_MAX_WORKERS": "0"}, "MAX_WORKERS", id="no-threads"),
    ],
)
def test_a_configuration_that_cannot_work_is_not_ready(
    options: dict[str, Any],
    variables: dict[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    answer = ready(app_of(dev_client(**options)))
    assert answer.status == 503
    assert answer.document["ready"] is False
    (problem,) = answer.document["problems"]
    assert said in problem


def test_calls_are_counted() -> None:
    app = app_of(dev_client())
    for _ in range(3):
        called(app)
    asked(app, "POST", query="probe=trust")
    assert ready(app).document["calls"] == 3


@pytest.mark.parametrize(
    ("reply", "sync"),
    [
        ((200, {"ok": True}), {"ok": True, "message": "Successfully registered"}),
        ((400, {"error": "App ID required"}), {"ok": False, "message": "App ID required"}),
    ],
    ids=["taken", "refused"],
)
def test_a_sync_is_told_and_never_gates(reply: Any, sync: dict[str, Any]) -> None:
    app = app_of(dev_client(Api({"/fn/register": reply})))
    asked(app, "PUT")
    answer = ready(app)
    assert answer.status == 200
    assert answer.document["sync"] == sync


def test_a_sync_that_had_no_answer_is_told() -> None:
    app = app_of(dev_client(Api(), signing_key="not-hex"))
    asked(app, "PUT")
    assert ready(app).document["sync"] == {"ok": False, "message": "the server did not answer"}


def test_it_is_not_ready_once_its_host_stops(caplog: pytest.LogCaptureFixture) -> None:
    app = app_of(dev_client())
    seen: list[tuple[int, str, list[str]]] = []

    async def look() -> None:
        answer = await ask(app, "GET", "/health/ready")
        document = answer.document
        seen.append((answer.status, document["lifespan"], document["problems"]))

    async def run() -> None:
        for _ in range(2):
            async with started(app):
                await look()
            await look()

    asyncio.run(run())
    stopped = (503, "stopped", ["the host is stopping"])
    assert seen == [(200, "running", []), stopped] * 2
    assert caplog.messages == []  # it stops because it was told to


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_any_method_asks_for_health(method: str) -> None:
    assert asked(app_of(dev_client()), method, "/health/live").status == 200


def connected_app(**options: Any) -> inngest.InngestApp:
    client = dev_client(api_base_url="http://127.0.0.1:9", **options)
    return app_of(client, connect=ConnectOptions(connect_timeout=0))


def test_a_worker_that_is_not_connected_is_not_ready() -> None:
    app = connected_app()

    async def look() -> Answer:
        async with started(app):
            return await ask(app, path="/health/ready")

    answer = asyncio.run(look())
    assert (answer.status, answer.document["connect"]["state"]) == (503, "CONNECTING")
    assert answer.document["problems"][0].startswith("the worker is CONNECTING")
    assert answer.document["connect"]["counters"]["requests"] == 0


def test_a_worker_whose_host_has_no_lifespan_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    app = connected_app()
    answers = [ready(app), ready(app)]
    assert [answer.status for answer in answers] == [503, 503]
    assert "did not run this application's lifespan" in answers[0].document["problems"][0]
    assert caplog.text.count("did not run this application's lifespan") == 1


def test_a_worker_that_has_failed_for_good_is_not_live() -> None:
    app = connected_app()

    async def look() -> Answer:
        async with started(app):
            assert app.worker is not None
            app.worker._board.broken = True
            return await ask(app, path="/health/live")

    answer = asyncio.run(look())
    assert (answer.status, answer.document) == (503, {"live": False})


def test_an_application_tells_what_it_connects() -> None:
    app = connected_app()
    assert [one.id for one in app.functions] == ["shop-pay"]
    assert app.connect_options == ConnectOptions(connect_timeout=0)
    assert app.worker is None


def test_connect_is_yes_no_or_options() -> None:
    with pytest.raises(inngest.ConfigError, match="connect is 'yes'; pass True, False or"):
        inngest.serve(dev_client(), connect="yes")  # type: ignore[arg-type]
