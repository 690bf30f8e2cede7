"""Keys: who may call the API and send events, and what a cloud server is to apps."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.routing import Mount

from inngest_asgi.crypto.keys import bearer_token
from inngest_asgi.crypto.signatures import verify
from inngest_asgi.dev import DevOptions
from inngest_asgi.dev.web.api import route_table
from inngest_asgi.errors import ConfigError
from inngest_asgi.wire.codec import dumps
from tests.dev.fakes import FakeApp, World, output, script, world

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEY = "signkey-prod-0123456789abcdef"
BARE = "0123456789abcdef"
ULID = "01JGFJJZ00000G40R40M30E20A"
WITHOUT_KEY = {
    *("/health", "/metrics", "/e/{key}", "/e/", "/invoke/{slug:path}", "/dev/traces"),
    *("/", "/ui/assets/{digest}/{name}"),
}
CLOUD: dict[str, Any] = {"kind": "cloud", "signing_key": KEY, "event_keys": ("one", "two")}


def ask(
    method: str, path: str, *, token: bytes | str | None = None, **options: Any
) -> httpx.Response:
    async def main() -> httpx.Response:
        async with world(FakeApp(), sync=False, **options) as here:
            given = token.encode() if isinstance(token, str) else token
            headers = {} if given is None else {b"authorization": given}
            return await here.http.request(method, path, headers=headers, content=b"{}")

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/dev"),
        ("POST", "/fn/register"),
        ("DELETE", "/fn/remove"),
        ("GET", f"/v0/runs/{ULID}/actions"),
        ("GET", f"/v1/runs/{ULID}"),
        ("GET", "/v1/nothing/of/the/kind"),
        ("GET", "/v1/a%0Ab"),
        ("GET", "/v1/realtime/token"),
        ("GET", "/v2/runs"),
        ("GET", "/api/v2/runs"),
    ],
)
def test_the_api_asks_for_the_signing_key(method: str, path: str) -> None:
    answer = ask(method, path, signing_key=KEY)
    assert (answer.status_code, answer.text) == (401, "Authentication failed")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-inngest-server-kind"] == "dev"
    assert ask(method, path, signing_key=KEY, token=f"Bearer {KEY}").status_code != 401


def rows(table: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield method and path of each route, with those of apps that are mounted."""
    for route in table:
        if isinstance(route, Mount):
            yield from rows(route.routes, prefix + route.path)
        else:
            for method in route.methods - {"HEAD"}:
                yield method, prefix + route.path


@pytest.mark.parametrize("options", [CLOUD, {"signing_key": KEY}], ids=["cloud", "dev"])
def test_no_other_route_answers_without_the_key(options: dict[str, Any]) -> None:
    """The table of all routes against the list of server-api.md 2: new routes must choose."""

    async def main() -> set[str]:
        async with world(FakeApp(), sync=False, **options) as here:
            answering = set()
            for method, path in rows(route_table(here.server)):
                url = re.sub(r"\{[^}]*\}", "x", path)
                answer = await here.http.request(method, url, content=b"{}")
                if "Authentication failed" not in answer.text:
                    answering.add(path)
            return answering

    assert asyncio.run(main()) == WITHOUT_KEY


@pytest.mark.parametrize(
    "path", [f"/v1/checkpoint/{ULID}/async", f"/v1/http/runs/{ULID}/async", "/v1/checkpoint"]
)
def test_checkpoints_are_refused_in_their_own_shape(path: str) -> None:
    answer = ask("POST", path, signing_key=KEY)
    assert answer.status_code == 401
    assert answer.json() == {"error": "Authentication failed", "data": None, "status": 401}


@pytest.mark.parametrize(
    "path",
    [
        *("/health", "/", "/invoke/shop-one", "/dev/traces"),
        *(f"/v1/checkpoint/{ULID}/output", f"/v1/http/runs/{ULID}/output"),
        *("/v1/realtime/connect", "/v1/realtime/sse"),
    ],
)
def test_what_is_not_behind_the_signing_key(path: str) -> None:
    assert ask("GET", path, signing_key=KEY).status_code != 401


@pytest.mark.parametrize(
    ("token", "accepted"),
    [
        (f"Bearer {KEY}", True),
        (f"Bearer {BARE}", True),
        (f"Bearer signkey-test-{BARE}", True),
        (f"Bearer {bearer_token(KEY)}", True),
        (f"Bearer {bearer_token(BARE)}", True),
        (None, False),
        ("", False),
        ("Bearer ", False),
        ("Bearer signkey-prod-", False),
        ("Bearer signkey-prod-fedcba9876543210", False),
        (f"Bearer {BARE}0", False),
        (b"Bearer \xe9", False),
    ],
    ids=[
        *("raw", "bare", "other-prefix", "hashed", "bare-hash", "none", "empty", "no-key"),
        *("only-prefix", "another", "longer", "no-ascii"),
    ],
)
def test_which_keys_open_the_api(token: bytes | str | None, accepted: bool) -> None:  # noqa: FBT001
    answer = ask("GET", "/v0/runs/x/batch", signing_key=KEY, token=token)
    assert (answer.status_code != 401) is accepted


def test_a_server_that_is_mounted_under_a_prefix_asks_for_the_key_too() -> None:
    async def main() -> None:
        async with world(FakeApp(), sync=False, signing_key=KEY) as here:
            transport = httpx.ASGITransport(here.server.app, root_path="/inngest")
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
                answer = await http.get(f"/inngest/v1/runs/{ULID}")
            assert answer.status_code == 401

    asyncio.run(main())


def test_without_a_key_nobody_is_asked() -> None:
    assert ask("GET", "/dev").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [("/e/one", 200), ("/e/two", 200), ("/e/three", 401), ("/e/", 401), ("/e/on", 401)],
)
def test_events_are_taken_for_the_event_keys(path: str, status: int) -> None:
    async def main() -> httpx.Response:
        async with world(FakeApp(), sync=False, event_keys=("one", "two")) as here:
            return await here.http.post(path, json={"name": "a"})

    answer = asyncio.run(main())
    assert answer.status_code == status
    if status == 401:
        expected = {"status": 401, "message": "", "error": "Event key not found"}
        assert answer.json() == expected


def test_a_cloud_server_says_so_and_is_nobodys_dev_server() -> None:
    health = ask("GET", "/health", **CLOUD)
    assert health.headers["x-inngest-server-kind"] == "cloud"
    answer = ask("GET", "/dev", token=f"Bearer {KEY}", **CLOUD)
    assert answer.status_code == 404
    assert answer.json()["error"] == "There is nothing at /dev."


@pytest.mark.parametrize(
    ("options", "expected", "says"),
    [
        ({}, "cloud", "this is a dev server: start the app in dev mode (INNGEST_DEV=1)"),
        (CLOUD, "dev", "this is a cloud server: start the app in cloud mode (INNGEST_DEV unset)"),
    ],
    ids=["dev", "cloud"],
)
def test_an_app_in_the_other_mode_is_refused(
    options: dict[str, Any], expected: str, says: str
) -> None:
    async def main() -> httpx.Response:
        async with world(FakeApp(), sync=False, **options) as here:
            headers = {"x-inngest-expected-server-kind": expected, "authorization": f"Bearer {KEY}"}
            return await here.http.post("/fn/register", json={}, headers=headers)

    answer = asyncio.run(main())
    assert (answer.status_code, answer.json()["code"]) == (400, "server_kind_mismatch")
    assert says in answer.json()["error"]


def test_a_cloud_server_signs_what_it_sends() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script(output(None)))
        app.key = KEY
        async with world(app, **CLOUD) as here:
            event_id = await send(here, "two")
            await here.finish(event_id)
            call, now = app.calls[0], here.clock.time()
            verify(dumps(call.body), call.headers["x-inngest-signature"], [KEY], now)
            assert call.headers["x-inngest-server-kind"] == "cloud"

    asyncio.run(main())


async def send(here: World, key: str) -> str:
    answer = await here.http.post(f"/e/{key}", json={"name": "shop/paid"})
    return str(answer.json()["ids"][0])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kind": "cloud"}, "needs a signing_key and event_keys"),
        ({"kind": "cloud", "signing_key": BARE}, "needs a signing_key and event_keys"),
        ({"kind": "cloud", "event_keys": ("a",)}, "needs a signing_key and event_keys"),
        ({"kind": "staging"}, "pass 'dev' or 'cloud'"),
        ({"db": ""}, "db is empty; name a file"),
        ({"signing_key": "secret"}, "not hexadecimal"),
        ({"signing_key": "signkey-prod-"}, "nothing after"),
        ({"event_keys": ("",)}, "empty key"),
    ],
)
def test_keys_that_cannot_work_are_refused_at_once(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        DevOptions(**options)


def test_options_do_not_show_keys() -> None:
    shown = repr(DevOptions(**CLOUD))
    assert BARE not in shown
    assert "two" not in shown
