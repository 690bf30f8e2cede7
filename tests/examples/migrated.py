"""A program for the incumbent SDK, after its imports were changed; nothing else was."""

from __future__ import annotations

import datetime
import functools
import logging
from typing import Any

import fastapi
import inngest_adapters.fast_api  # was: import inngest.fast_api

import inngest_asgi as inngest  # was: import inngest

PRICES = {"tea": 4, "cup": 9, "pot": 900}
alerts: list[str] = []
receipts: list[str] = []
inngest_client = inngest.Inngest(
    app_id="shop", logger=logging.getLogger("shop"), is_production=False
)


async def fetch_cart(cart_id: str) -> dict[str, Any]:
    return {"id": cart_id, "items": cart_id.split("-")}


async def fetch_price(item: str) -> int:
    return PRICES[item]


async def alert(ctx: inngest.Context) -> None:
    alerts.append(ctx.event.data["error"]["message"])


@inngest_client.create_function(
    fn_id="checkout",
    name="Check out a cart",
    trigger=inngest.TriggerEvent(event="shop/cart.checked_out"),
    retries=1,
    on_failure=alert,
)
async def checkout(ctx: inngest.Context) -> dict[str, Any]:
    cart_id = str(ctx.event.data["cart_id"])
    cart = await ctx.step.run("fetch-cart", lambda: fetch_cart(cart_id))
    prices = await ctx.group.parallel(
        tuple(
            functools.partial(
                ctx.step.run, f"fetch-price-{item}", functools.partial(fetch_price, item)
            )
            for item in cart["items"]
        )
    )
    total = sum(prices)
    if total > 100:
        raise inngest.NonRetriableError(f"{total} is more than we sell")
    await ctx.step.sleep("let-it-settle", datetime.timedelta(seconds=1))
    await ctx.step.send_event(
        "tell", inngest.Event(name="shop/cart.paid", data={"cart_id": cart_id, "total": total})
    )
    return {"cart": cart_id, "total": total}


@inngest_client.create_function(
    fn_id="receipt", trigger=inngest.TriggerEvent(event="shop/cart.paid")
)
def receipt(ctx: inngest.ContextSync) -> str:
    total = ctx.step.run("read-total", lambda: ctx.event.data["total"])
    receipts.append(f"Receipt for {total}")
    return receipts[-1]


app = fastapi.FastAPI()
inngest_adapters.fast_api.serve(app, inngest_client, [checkout, receipt])
