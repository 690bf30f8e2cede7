"""An application in cloud mode against the embedded server as one, keys and signatures included."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import inngest_asgi as inngest
from inngest_asgi.dev import DevOptions, SyncResult
from tests.live.embedded import Embedded
from tests.live.servers import serving, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.live

OLD, NEW = "signkey-prod-0123456789abcdef", "signkey-prod-fedcba9876543210"
EVENT_KEY = "event-key-1"


@contextlib.contextmanager
def cloud(
    server_key: str, **keys: Any
) -> Iterator[tuple[inngest.Inngest, Embedded, str, SyncResult]]:
    """Run a cloud server with a signing key, and an application with its own keys."""
    given: dict[str, Any] = {
        "is_production": True,
        "signing_key": OLD,
        "event_key": EVENT_KEY,
    } | keys
    embedded = Embedded(
        DevOptions(kind="cloud", signing_key=server_key, event_keys=(EVENT_KEY,), poll_interval=0)
    )
    with serving(embedded) as url:
        client = inngest.Inngest("shop", api_base_url=url, event_api_base_url=url, **(given | keys))

        @client.create_function(fn_id="charge", trigger=inngest.TriggerEvent(event="shop/paid"))
        async def charge(ctx: inngest.Context) -> list[int]:
            one = await ctx.step.run("one", lambda: 1)
            two = await ctx.step.run("two", lambda: 2)
            return [one, two]

        with serving(inngest.serve(client)) as app_url:
            yield client, embedded, url, embedded.sync(f"{app_url}/api/inngest")
        asyncio.run(client.aclose())


@pytest.mark.parametrize(
    ("server_key", "keys"),
    [
        (OLD, {}),
        (OLD, {"signing_key": NEW, "signing_key_fallback": OLD}),
        (NEW, {"signing_key": NEW, "signing_key_fallback": OLD}),
    ],
    ids=["one-key", "before-the-rotation", "after-the-rotation"],
)
def test_a_function_runs_with_signed_calls_and_keys(server_key: str, keys: dict[str, Any]) -> None:
    with cloud(server_key, **keys) as (client, _, _, synced):
        assert synced.ok, synced.error
        (event_id,) = client.send_sync(inngest.Event(name="shop/paid"))
        wait_until(lambda: bool(client.runs.for_event_sync(event_id)))
        (run,) = client.runs.for_event_sync(event_id)
        assert client.runs.wait_sync(run.id, "10s").output == [1, 2]


def test_an_application_with_another_signing_key_is_told_so() -> None:
    with cloud(NEW) as (_, _, _, synced):
        assert not synced.ok
        assert "does not accept this server's signature" in (synced.error or "")


def test_an_application_with_another_event_key_cannot_send() -> None:
    with (
        cloud(OLD, event_key="another") as (client, _, _, _),
        pytest.raises(inngest.SendEventsError, match="401"),
    ):
        client.send_sync(inngest.Event(name="shop/paid"))


def test_a_stranger_gets_nothing() -> None:
    with cloud(OLD) as (_, _, url, _):
        answer = httpx.get(f"{url}/v1/events")
        assert (answer.status_code, answer.text) == (401, "Authentication failed")
        assert answer.headers["x-inngest-server-kind"] == "cloud"
        assert httpx.get(f"{url}/health").status_code == 200


def test_an_application_in_dev_mode_is_refused() -> None:
    with cloud(OLD, is_production=False) as (_, _, _, synced):
        assert not synced.ok
        assert "dev" in (synced.error or "")
