"""A headless Chromium for tests of the page, and the server and app that it looks at."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import inngest_asgi as inngest
from inngest_asgi.dev import DevOptions, DevServer
from tests.live.servers import serving, wait_until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from playwright.sync_api import Browser, Page
    from starlette.types import Receive, Scope, Send

PATIENCE = 10_000
"""Milliseconds within which anything on the page must happen."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SAME_ORDER = "async.data.id == event.data.id"
ORDER = {"id": "o-1", "customer": "ann@example.com", "items": [{"sku": "A-1", "count": 2}]}


@contextlib.contextmanager
def chromium(*, scrollbars: bool = True) -> Iterator[Browser]:
    """Start the machine's Chromium; the test is skipped where there is none.

    Args:
        scrollbars: whether they are drawn, and take their room.
    """
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no Chromium on this machine: looked for {', '.join(_NAMES)}")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=found,
            args=list(_FLAGS),
            ignore_default_args=["--hide-scrollbars"] if scrollbars else [],
        )
        try:
            yield browser
        finally:
            browser.close()


class Embedded:
    """The embedded server as an ASGI app that starts and stops it.

    `prepare` is awaited with the server as soon as it is up.
    """

    def __init__(
        self,
        options: DevOptions | None = None,
        prepare: Callable[[DevServer], Awaitable[None]] | None = None,
    ) -> None:
        self._server = DevServer(options or DevOptions(poll_interval=0))
        self._prepare = prepare

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._server.app(scope, receive, send)
            return
        await receive()
        async with self._server:
            if self._prepare is not None:
                await self._prepare(self._server)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


@dataclass
class Stage:
    """A server with an app, and what tests ask of them besides the page."""

    url: str
    app_url: str = ""

    def send(self, name: str, data: dict[str, Any] | None = None) -> str:
        reply = httpx.post(f"{self.url}/e/key", json={"name": name, "data": data or {}})
        return str(reply.json()["ids"][0])

    def run_of(self, event_id: str) -> str:
        """Return the run of an event, once there is one."""
        found: list[Any] = []

        def look() -> bool:
            found[:] = httpx.get(f"{self.url}/v1/events/{event_id}/runs").json()["data"]
            return bool(found)

        wait_until(look)
        return str(found[0]["run_id"])

    def finished(self, event_id: str) -> str:
        """Return the run of an event, once it has ended."""
        run_id = self.run_of(event_id)
        wait_until(lambda: bool(self.run(run_id)["ended_at"]))
        return run_id

    def run(self, run_id: str) -> dict[str, Any]:
        data: dict[str, Any] = httpx.get(f"{self.url}/v1/runs/{run_id}").json()["data"]
        return data


@contextlib.contextmanager
def server_at(
    options: DevOptions | None = None,
    *,
    port: int = 0,
    prepare: Callable[[DevServer], Awaitable[None]] | None = None,
) -> Iterator[str]:
    """Serve an embedded server; pages that still listen do not keep it from stopping."""
    with serving(Embedded(options, prepare), port=port, timeout_graceful_shutdown=1) as url:
        yield url


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Start a server and the shop, and have the shop registered."""
    with server_at() as url, serving(inngest.serve(shop(url))) as app_url:
        path = f"{app_url}/api/inngest"
        reply = httpx.post(f"{url}/ui/apps", json={"url": path}, timeout=PATIENCE / 1000)
        assert reply.json()["error"] is None, reply.text
        yield Stage(url, path)


@dataclass
class Complaints:
    """What the browser said of a page that it should not have to say."""

    said: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    @contextlib.contextmanager
    def of(self, page: Page) -> Iterator[None]:
        page.on("console", self._console)
        page.on("pageerror", self._error)
        yield
        page.remove_listener("console", self._console)
        page.remove_listener("pageerror", self._error)

    def _error(self, error: Any) -> None:
        self.said.append(str(error))

    def _console(self, message: Any) -> None:
        is_expected = any(part in message.text for part in self.expected)
        if message.type in ("error", "warning") and not is_expected:
            self.said.append(f"{message.type}: {message.text}")


def shop(url: str) -> inngest.Inngest:
    """Return a client with functions of all kinds that the page shows."""
    client = inngest.Inngest("shop", is_production=False, api_base_url=url, event_api_base_url=url)
    on = inngest.TriggerEvent

    @client.create_function(
        fn_id="charge-card", name="Charge card", trigger=on(event="shop/charge")
    )
    async def charge(ctx: inngest.Context) -> dict[str, Any]:
        return await ctx.step.run("charge", receipt, ctx.event.data.get("amount", 0))

    @client.create_function(
        fn_id="fulfil-order",
        name="Fulfil order",
        trigger=on(event="shop/order.placed"),
        concurrency=inngest.Concurrency(limit=5, key="event.data.customer"),
        cancel=[
            inngest.Cancel(event="shop/order.cancelled", if_exp="async.data.id == event.data.id")
        ],
    )
    async def fulfil(ctx: inngest.Context) -> dict[str, Any]:
        items = await ctx.step.run("load order", loaded)
        await asyncio.gather(*(ctx.step.run(f"reserve item {one}", pause, 0.05) for one in items))
        await ctx.step.sleep("let it settle", "1s")
        parcel = await ctx.step.run("book carrier", booked, ctx.attempt)
        await ctx.step.invoke("charge the card", function=charge, data={"amount": 12})
        await ctx.step.wait_for_event("wait for pick-up", event="shop/picked.up", timeout="1s")
        return {"order": ctx.event.data["id"], "parcel": parcel}

    @client.create_function(
        fn_id="import-rows", name="Import rows", trigger=on(event="shop/rows.uploaded"), retries=0
    )
    async def import_rows(ctx: inngest.Context) -> int:
        return await ctx.step.run("parse rows", parsed, ctx.event.data["amount"])

    @client.create_function(fn_id="remind", name="Trial reminder", trigger=on(event="shop/trial"))
    async def remind(ctx: inngest.Context) -> None:
        await ctx.step.run("welcome", pause, 0)
        await ctx.step.sleep("three days", timedelta(days=3))

    @client.create_function(
        fn_id="report", name="Nightly report", trigger=inngest.TriggerCron(cron="0 2 1 1 *")
    )
    async def report(ctx: inngest.Context) -> int:
        return 1

    return client


async def pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


def loaded() -> list[int]:
    return [0, 1, 2]


def receipt(amount: int) -> dict[str, Any]:
    return {"charged": amount}


def booked(attempt: int) -> str:
    if attempt == 0:
        raise inngest.RetryAfterError("the carrier is not ready", timedelta(seconds=1), quiet=True)
    return "P-1"


def parsed(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise inngest.NonRetriableError(f"row 7 has no number: {text!r}") from error


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])
