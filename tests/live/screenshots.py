"""Draws the pictures of the page in docs/images: `python -m tests.live.screenshots`."""

from __future__ import annotations

import asyncio
import contextlib
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx

import inngest_asgi as inngest
from tests.house.source import ROOT
from tests.live.browsing import PATIENCE, Stage, chromium, server_at
from tests.live.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

FOLDER = ROOT / "docs/images"
WIDTH, HEIGHT = 1200, 720
SCHEMES = ("light", "dark")
FUNCTION = "Fulfil order"

# The page takes the system's own type; machines without a desktop have none worth a picture.
_TYPE = ':root { --sans: Inter, system-ui, sans-serif; --mono: "JetBrains Mono", monospace; }'


def main() -> None:
    """Run a shop for a while and look at it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with played() as stage, chromium(scrollbars=False) as browser:
        for scheme in SCHEMES:
            draw(browser, stage, scheme)


def draw(browser: Browser, stage: Stage, scheme: str) -> None:
    """Save the pictures in one scheme."""
    colours: Any = {"color_scheme": scheme, "locale": "en-GB", "bypass_csp": True}
    with browser.new_context(**colours) as context:
        page = context.new_page()
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(PATIENCE)
        page.goto(stage.url)
        page.add_style_tag(content=_TYPE)
        page.locator(".rows .row").nth(5).wait_for()
        save(page, f"runs-{scheme}")
        page.get_by_role("link", name=re.compile(f"^{FUNCTION}, Completed")).first.click()
        page.locator(".lane").nth(9).wait_for()
        save(page, f"timeline-{scheme}")


def save(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.wait_for_timeout(400)
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled", caret="hide")


@contextlib.contextmanager
def played() -> Iterator[Stage]:
    """A server on which a shop had some traffic."""
    with server_at() as url, serving(inngest.serve(shop(url))) as app_url:
        httpx.post(f"{url}/ui/apps", json={"url": f"{app_url}/api/inngest"}, timeout=10)
        stage = Stage(url)
        stage.send("shop/trial.started", {"user": "u-7"})
        orders = [stage.send("shop/order.placed", order(number)) for number in range(1, 4)]
        stage.send("shop/rows.uploaded", {"file": "rows.csv"})
        for order_event in orders:
            stage.finished(order_event)
        for to in ("ann@example.com", "bob@example.com"):
            stage.finished(stage.send("shop/mail", {"to": to}))
        stage.send("shop/order.placed", order(4))
        yield stage


def order(number: int) -> dict[str, Any]:
    items = [{"sku": "A-1", "count": 2}]
    return {"id": f"o-{number}", "customer": "ann@example.com", "express": True, "items": items}


def shop(url: str) -> inngest.Inngest:
    """Return a client whose functions look well in a picture."""
    client = inngest.Inngest("shop", is_production=False, api_base_url=url, event_api_base_url=url)
    on = inngest.TriggerEvent

    @client.create_function(fn_id="charge", name="Charge card", trigger=on(event="shop/charge"))
    async def charge(ctx: inngest.Context) -> Any:
        return await ctx.step.run("charge", work, 0.6, {"charged": True})

    @client.create_function(fn_id="fulfil", name=FUNCTION, trigger=on(event="shop/order.placed"))
    async def fulfil(ctx: inngest.Context) -> Any:
        await ctx.step.run("load order", work, 0.25, {"items": 3})
        reserve = (
            ctx.step.run(f"reserve item {item}", work, 0.3 + item * 0.2, {"item": item})
            for item in (1, 2, 3)
        )
        await asyncio.gather(*reserve)
        await ctx.step.sleep("let the fraud check settle", "1s")
        parcel = await ctx.step.run("book carrier", book, ctx.attempt)
        await ctx.step.invoke("charge the card", function=charge, data={"amount": 12})
        await ctx.step.wait_for_event("wait for pick-up", event="shop/picked.up", timeout="1s")
        await ctx.step.run("tell the customer", work, 0.2, "sent")
        return {"order": ctx.event.data["id"], "parcel": parcel}

    @client.create_function(fn_id="mail", name="Send mail", trigger=on(event="shop/mail"))
    async def mail(ctx: inngest.Context) -> Any:
        return await ctx.step.run("deliver", work, 0.1, {"message": "m-1"})

    @client.create_function(
        fn_id="import", name="Import rows", trigger=on(event="shop/rows.uploaded"), retries=0
    )
    async def import_rows(ctx: inngest.Context) -> Any:
        return await ctx.step.run("parse rows", int, "twelve")

    @client.create_function(
        fn_id="remind", name="Trial reminder", trigger=on(event="shop/trial.started")
    )
    async def remind(ctx: inngest.Context) -> None:
        await ctx.step.sleep("three days", timedelta(days=3))

    return client


async def work(seconds: float, result: Any) -> Any:
    await asyncio.sleep(seconds)
    return result


async def book(attempt: int) -> str:
    await asyncio.sleep(0.25)
    if attempt < 2:
        raise inngest.RetryAfterError("the carrier is not ready", timedelta(seconds=1), quiet=True)
    return "P-1"


if __name__ == "__main__":
    main()
