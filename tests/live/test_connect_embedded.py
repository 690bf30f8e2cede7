"""Runs of the embedded server that go over a worker's connection, and none over HTTP."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

import inngest_asgi as inngest
from inngest_asgi.connect import ConnectionState
from inngest_asgi.dev import DevOptions
from tests.live.embedded import Embedded
from tests.live.servers import serving, wait_until
from tests.live.working import Working

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.live

ORDERED = inngest.TriggerEvent(event="shop/ordered")


@pytest.fixture
def client() -> Iterator[inngest.Inngest]:
    with serving(Embedded(DevOptions(db=":memory:", gateway_port=0))) as url:
        one = inngest.Inngest("shop", is_production=False, api_base_url=url, event_api_base_url=url)
        yield one
        asyncio.run(one.aclose())  # what `send_sync` opened


def output_of(client: inngest.Inngest, event: str) -> object:
    (event_id,) = client.send_sync(inngest.Event(name=event))
    wait_until(lambda: bool(client.runs.for_event_sync(event_id)))
    (run,) = client.runs.for_event_sync(event_id)
    return client.runs.wait_sync(run.id, "10s").output


def test_steps_of_both_colours_run_over_the_socket(client: inngest.Inngest) -> None:
    @client.create_function(fn_id="gathered", trigger=ORDERED)
    async def gathered(ctx: inngest.Context) -> list[int]:
        both = asyncio.gather(ctx.step.run("one", lambda: 1), ctx.step.run("two", lambda: 2))
        return [*await both]

    @client.create_function(fn_id="blocking", trigger=inngest.TriggerEvent(event="shop/paid"))
    def blocking(ctx: inngest.ContextSync) -> int:
        first = ctx.step.run("one", lambda: 1)
        time.sleep(0.05)
        return first + ctx.step.run("two", lambda: 2)

    with Working(client) as working:
        working.wait_for(ConnectionState.ACTIVE)
        assert output_of(client, "shop/ordered") == [1, 2]
        assert output_of(client, "shop/paid") == 3
        assert working.worker.counters.requests >= 5
        assert working.worker.counters.skipped == 0
