"""REST v2 as a whole: health, keys, what only the hosted product has, errors of every kind."""

from __future__ import annotations

import httpx
import pytest

from tests.dev.fakes import SERVER, FakeApp, World, output
from tests.dev.web.asking import asked, within

APP = FakeApp().add("one", lambda call: output("ok"))


def test_health() -> None:
    status, body = asked("GET", "/v2/health")
    assert (status, body["data"]) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    "path",
    [
        "/account",
        "/envs",
        "/envs/test",
        "/partner/accounts",
        "/env/webhooks",
        "/apps/shop/syncs",
        "/insights/query",
        "/experiments",
        "/sessions/abc",
        "/sandboxes/1/files",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_only_the_hosted_product_has_is_a_501(method: str, path: str) -> None:
    status, body = asked(method, f"/api/v2{path}")
    assert (status, body["errors"][0]["code"]) == (501, "not_implemented")


def test_a_server_without_keys_lists_none() -> None:
    for path in ("/v2/keys/events", "/v2/keys/signing"):
        status, body = asked("GET", path)
        assert (status, body["data"]) == (200, [])


def test_keys_are_listed_for_those_who_have_the_signing_key() -> None:
    key = "signkey-test-0123456789abcdef"

    async def ask(here: World) -> None:
        refused = await here.http.get("/v2/keys/signing")
        assert refused.status_code == 401
        bearer = {"authorization": f"Bearer {key}"}
        signing = (await here.http.get("/v2/keys/signing", headers=bearer)).json()["data"]
        assert signing[0]["key"].startswith("signkey-test-")
        assert key not in str(signing)
        events = (await here.http.get("/v2/keys/events", headers=bearer)).json()["data"]
        assert [one["key"] for one in events] == ["first", "second"]

    options = {"signing_key": key, "event_keys": ("first", "second")}
    within(APP, ask, sync=False, **options)


def test_a_store_that_failed_is_told_of() -> None:
    async def ask(here: World) -> None:
        await here.server.stop()
        for path in ("/v2/health", "/v2/runs"):
            answer = await here.http.get(path)
            (error,) = answer.json()["errors"]
            assert (answer.status_code, error["code"]) == (503, "internal_error")
            assert "has stopped" in error["message"]

    within(APP, ask, sync=False)


def test_a_bug_is_answered_in_the_same_shape() -> None:
    async def ask(here: World) -> None:
        here.server.registry = None  # type: ignore[assignment]
        transport = httpx.ASGITransport(here.server.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=SERVER) as http:
            answer = await http.get("/v2/apps")
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["code"]) == (500, "internal_error")

    within(APP, ask, sync=False)
