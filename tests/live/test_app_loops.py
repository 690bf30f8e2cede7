"""Two servers on two loops share one application and one client; nothing is bound to a loop."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import inngest_asgi as inngest
from tests.live.servers import serving
from tests.routes.asking import ORDERED, body_of, call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.live

ROUNDS = 20


async def event_api(scope: Scope, receive: Receive, send: Send) -> None:
    """Take every event, as the event API does."""
    if scope["type"] == "lifespan":
        for word in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{word}.complete"})
        return
    events = json.loads((await receive())["body"])
    body = json.dumps({"ids": ["01J"] * len(events), "status": 200}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def app() -> Iterator[inngest.InngestApp]:
    with serving(event_api) as url:
        client = inngest.Inngest("shop", is_production=False, event_api_base_url=url)

        @client.create_function(fn_id="async", trigger=ORDERED)
        async def send_async(ctx: inngest.Context) -> list[str]:
            return await client.send(inngest.Event(name="shop/paid"))

        @client.create_function(fn_id="blocking", trigger=ORDERED)
        def send_blocking(ctx: inngest.ContextSync) -> list[str]:
            return client.send_sync(inngest.Event(name="shop/paid"))

        @client.create_function(fn_id="step", trigger=ORDERED)
        async def send_in_a_step(ctx: inngest.Context) -> None:
            await ctx.step.send_event("send", inngest.Event(name="shop/paid"))

        @client.create_function(fn_id="step-sync", trigger=ORDERED)
        def send_in_a_blocking_step(ctx: inngest.ContextSync) -> None:
            ctx.step.send_event("send", inngest.Event(name="shop/paid"))

        yield inngest.serve(client)


def called(url: str, fn_id: str) -> Any:
    query = f"fnId=shop-{fn_id}&stepId=step"
    answer = httpx.post(f"{url}/api/inngest?{query}", content=body_of(call()), timeout=10)
    document = answer.json()
    return document[0]["data"] if answer.status_code == 206 else document


FUNCTIONS = ["async", "blocking", "step", "step-sync"]


def test_both_loops_serve_every_kind_of_function_at_once(app: inngest.InngestApp) -> None:
    with serving(app) as one, serving(app) as other, ThreadPoolExecutor(8) as pool:
        calls = [(url, fn_id) for url in (one, other) for fn_id in FUNCTIONS] * ROUNDS
        results = list(pool.map(lambda pair: called(*pair), calls))
    assert results == [["01J"]] * len(calls)


@pytest.mark.parametrize("fn_id", FUNCTIONS)
def test_one_server_goes_on_when_the_other_stops(app: inngest.InngestApp, fn_id: str) -> None:
    with serving(app) as staying:
        with serving(app) as going:
            assert called(staying, fn_id) == ["01J"]
            assert called(going, fn_id) == ["01J"]
        assert called(staying, fn_id) == ["01J"]
        assert httpx.get(f"{staying}/health/ready").json()["lifespan"] == "running"


def test_an_application_can_be_served_again(app: inngest.InngestApp) -> None:
    for _ in range(3):
        with ExitStack() as stack:
            url = stack.enter_context(serving(app))
            assert [called(url, fn_id) for fn_id in FUNCTIONS] == [["01J"]] * 4
