"""Typed events and `client.runs` against the embedded server, all over real sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import BaseModel

import inngest_asgi as inngest
from inngest_asgi.dev import DevOptions, DevServer
from tests.live.servers import serving, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.live


class Payment(BaseModel):
    amount: int


alerts: list[tuple[str, str, int]] = []
paid = inngest.EventType("shop/paid", Payment)


class Embedded:
    """The embedded server as an ASGI app that starts and stops it."""

    def __init__(self) -> None:
        self._server = DevServer(DevOptions(poll_interval=0))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._server.app(scope, receive, send)
            return
        await receive()
        async with self._server:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def declared(url: str) -> inngest.Inngest:
    client = inngest.Inngest("shop", is_production=False, api_base_url=url, event_api_base_url=url)

    @client.create_function(fn_id="charge", trigger=paid, retries=0)
    async def charge(ctx: inngest.Context[Payment]) -> dict[str, int]:
        amount = ctx.event.data.amount
        if amount < 0:
            raise ValueError(f"cannot charge {amount}")
        return {"charged": amount}

    @client.create_function(fn_id="alert", trigger=inngest.internal_events.function_failed)
    def alert(ctx: inngest.ContextSync[inngest.internal_events.FunctionFailed]) -> None:
        data = ctx.event.data
        alerts.append((data.function_id, data.error.message, data.event.data["amount"]))

    @client.create_function(fn_id="rest", trigger=inngest.TriggerEvent(event="shop/closed"))
    async def rest(ctx: inngest.Context) -> None:
        await ctx.step.sleep("night", "1h")

    return client


@pytest.fixture(scope="module")
def client() -> Iterator[inngest.Inngest]:
    with serving(Embedded()) as url:
        client = declared(url)
        with serving(inngest.serve(client)) as app_url:
            httpx.put(f"{app_url}/api/inngest").raise_for_status()
            yield client
        asyncio.run(client.aclose())


def run_of(client: inngest.Inngest, amount: Any) -> str:
    """Send a payment, as one who knows nothing of its type, and return the id of the run."""
    return run_id_of(client, inngest.Event(name=paid.name, data={"amount": amount}))


def run_id_of(client: inngest.Inngest, event: inngest.Event[Any]) -> str:
    (event_id,) = client.send_sync(event)
    wait_until(lambda: bool(client.runs.for_event_sync(event_id)))
    return client.runs.for_event_sync(event_id)[0].id


def test_a_run_is_followed_to_its_end(client: inngest.Inngest) -> None:
    run_id = run_of(client, 5)
    run = client.runs.wait_sync(run_id, "10s")
    assert (run.id, run.status, run.output) == (run_id, "Completed", {"charged": 5})
    assert run.ended_at is not None
    assert client.runs.get_sync(run_id) == run
    assert client.runs.output_sync(run_id) == {"charged": 5}


def test_a_failed_run_tells_its_error(client: inngest.Inngest) -> None:
    run_id = run_of(client, -5)
    assert client.runs.wait_sync(run_id, "10s").status is inngest.RunStatus.FAILED
    with pytest.raises(inngest.RunFailedError, match="ValueError: cannot charge -5") as raised:
        client.runs.output_sync(run_id)
    assert "in charge" in (raised.value.stack or "")


def test_an_event_of_another_type_fails_its_run_at_once(client: inngest.Inngest) -> None:
    run_id = run_of(client, "much")
    client.runs.wait_sync(run_id, "10s")
    with pytest.raises(inngest.RunFailedError, match=r"data\.amount: .* valid integer") as raised:
        client.runs.output_sync(run_id)
    assert raised.value.name == "EventValidationError"


def test_a_failure_starts_the_function_that_listens_to_failures(client: inngest.Inngest) -> None:
    run_of(client, -7)
    wait_until(lambda: ("shop-charge", "cannot charge -7", -7) in alerts)


def test_a_run_that_goes_on_is_waited_for_no_longer_than_told(client: inngest.Inngest) -> None:
    run_id = run_id_of(client, inngest.Event(name="shop/closed"))
    with pytest.raises(TimeoutError, match="1 seconds"):
        client.runs.wait_sync(run_id, "1s")
    assert not client.runs.get_sync(run_id).has_ended


def test_a_run_that_is_not_known(client: inngest.Inngest) -> None:
    with pytest.raises(inngest.ApiError, match=r"there is no such run: .* 500"):
        client.runs.get_sync("01JGGZP1E0RVNAAAAAAAAAAAAA")
