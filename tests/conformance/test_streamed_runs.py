"""Whole runs on the embedded server, answered by streams: the outcome is that of plain answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import inngest_asgi as inngest
from inngest_asgi.dev import DevOptions, DevServer, RunStatus
from inngest_asgi.dev.outbound import HttpOutbound
from inngest_asgi.testing import ManualClock
from tests.routes.asking import ORDERED

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

SERVER = "http://server.test"


def declare_everything(client: inngest.Inngest, clock: ManualClock) -> None:
    """Steps side by side, a sleep, a step that fails once, and code that takes its time."""
    tried: list[int] = []

    async def ledger() -> str:
        tried.append(1)
        if len(tried) == 1:
            raise ValueError("not yet")
        return "booked"

    async def slowly() -> str:
        await clock.sleep(10)
        return "slow"

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> list[Any]:
        pair = await asyncio.gather(
            ctx.step.run("a", lambda: "[1]"), ctx.step.run("b", lambda: {"b": None})
        )
        await ctx.step.sleep("rest", "1h")
        return [*pair, await ctx.step.run("ledger", ledger), await ctx.step.run("slowly", slowly)]


def declare_failure(client: inngest.Inngest, clock: ManualClock) -> None:
    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> None:
        raise inngest.NonRetriableError("no money")


async def outcome(
    declare: Callable[[inngest.Inngest, ManualClock], None], **options: Any
) -> tuple[RunStatus, bytes | None]:
    """See one run through, and return its status and its output or error."""
    clock = ManualClock()

    async def to_server(scope: Scope, receive: Receive, send: Send) -> None:
        await server.app(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(to_server)) as http:
        client = inngest.Inngest(
            "shop", is_production=False, api_base_url=SERVER, http_client=http, clock=clock
        )
        declare(client, clock)
        app = inngest.serve(client, clock=clock, **options)
        outbound = HttpOutbound(httpx.ASGITransport(app))
        async with DevServer(DevOptions(poll_interval=0), clock=clock, outbound=outbound) as server:
            synced = await server.sync("http://app.test/api/inngest")
            assert synced.ok, synced.error
            event_id = await server.send({"name": "shop/ordered"})

            async def ended() -> None:
                async for _ in server.watch(event_id=event_id):
                    pass

            await clock.until(ended(), settle=server.settle)
            (run,) = await server.runs_of(event_id)
            return run.status, run.output


@pytest.mark.parametrize("declare", [declare_everything, declare_failure])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="ends"),
        pytest.param({"cancel_on_disconnect": True}, id="cancels"),
    ],
)
def test_a_streamed_run_ends_as_a_plain_one(
    declare: Callable[[inngest.Inngest, ManualClock], None], options: dict[str, bool]
) -> None:
    plain = asyncio.run(outcome(declare))
    assert asyncio.run(outcome(declare, streaming=True, **options)) == plain


def test_a_streamed_run_returns_what_its_function_returned() -> None:
    status, output = asyncio.run(outcome(declare_everything, streaming=True))
    assert (status, output) == (RunStatus.COMPLETED, b'["[1]",{"b":null},"booked","slow"]')


def test_a_streamed_run_fails_as_its_function_failed() -> None:
    status, output = asyncio.run(outcome(declare_failure, streaming=True))
    assert status is RunStatus.FAILED
    assert b"no money" in (output or b"")
