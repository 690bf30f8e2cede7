"""Steps as users write them: what is inferred of their results, and what must not type-check.

Nothing here runs. mypy reads it with the rest of the project: `assert_type` proves what is
inferred, and an ignored error that no longer occurs is an error itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, assert_type

from pydantic import BaseModel

import inngest_asgi as inngest

if TYPE_CHECKING:
    from collections.abc import Sequence


class Cart(BaseModel):
    total: int


@dataclass
class Receipt:
    text: str


class Paid(BaseModel):
    amount: int


client = inngest.Inngest("shop")
paid = inngest.EventType("shop/paid", Paid)
ORDERED = inngest.TriggerEvent(event="shop/ordered")


async def load(cart_id: str, *, fresh: bool = False) -> Cart:
    return Cart(total=len(cart_id))


def price(item: str) -> int:
    return len(item)


def untyped(item: Any) -> Any:
    return item


@client.create_function(fn_id="bill", trigger=paid)
async def bill(ctx: inngest.Context[Paid]) -> Receipt:
    assert_type(ctx.event, inngest.Event[Paid])
    assert_type(ctx.event.data.amount, int)
    assert_type(ctx.step, inngest.Step)
    return Receipt("")


@client.create_function(fn_id="count", trigger=ORDERED)
def count(ctx: inngest.ContextSync) -> int:
    assert_type(ctx.event.data, dict[str, Any])
    assert_type(ctx.step, inngest.StepSync)
    return 1


async def runs(ctx: inngest.Context) -> None:
    """A step gives what its handler returns, or what `output_type` says."""
    assert_type(await ctx.step.run("a", load, "c1"), Cart)
    assert_type(await ctx.step.run("a", load, "c1", fresh=True), Cart)
    assert_type(await ctx.step.run("a", price, "tea"), int)
    assert_type(await ctx.step.run("a", partial(price, "tea")), int)
    assert_type(await ctx.step.run("a", partial(load, "c1")), Cart)
    assert_type(await ctx.step.run("a", lambda: 5), int)
    assert_type(await ctx.step.run("a", lambda: load("c1")), Cart)
    assert_type(await ctx.step.run("a", untyped, 1), Any)
    assert_type(await ctx.step.run("a", untyped, 1, output_type=Cart), Cart)
    assert_type(await ctx.step.run("a", load, "c1", output_type=list[int]), list[int])
    assert_type(await ctx.step.ai.wrap("a", load, "c1"), Cart)


def runs_sync(ctx: inngest.ContextSync) -> None:
    """The same in a blocking function, also of async handlers."""
    assert_type(ctx.step.run("a", load, "c1"), Cart)
    assert_type(ctx.step.run("a", price, "tea"), int)
    assert_type(ctx.step.run("a", lambda: 5), int)
    assert_type(ctx.step.run("a", untyped, 1, output_type=Cart), Cart)
    assert_type(ctx.step.invoke("a", function=bill), Receipt)
    assert_type(ctx.step.wait_for_event("a", event=paid, timeout="1h"), inngest.Event[Paid] | None)
    prices = ctx.group.parallel([lambda: ctx.step.run("b", price, "tea")])
    assert_type(prices, tuple[int, ...])
    assert_type(ctx.group.race([lambda: ctx.step.run("c", price, "tea")]), int)


async def side_by_side(ctx: inngest.Context, items: Sequence[str]) -> None:
    """What asyncio infers is what it infers of coroutines: steps are coroutines."""
    cart, tea = await asyncio.gather(
        ctx.step.run("cart", load, "c1"), ctx.step.run("tea", price, "tea")
    )
    assert_type(cart, Cart)
    assert_type(tea, int)
    prices = await asyncio.gather(*(ctx.step.run("price", price, one) for one in items))
    assert_type(prices, list[int])
    async with asyncio.TaskGroup() as group:
        task = group.create_task(ctx.step.run("a", load, "c1"))
    assert_type(task.result(), Cart)
    for first in asyncio.as_completed([ctx.step.run("b", price, "tea")]):
        assert_type(await first, int)


async def in_groups(ctx: inngest.Context, items: Sequence[str]) -> None:
    """Groups give tuples of what their branches give; a race gives one."""

    async def priced(item: str) -> int:
        return await ctx.step.run("price", price, item)

    branches = [partial(priced, one) for one in items]
    assert_type(await ctx.group.parallel(branches), tuple[int, ...])
    cart = await ctx.group.race([lambda: ctx.step.run("cart", load, "c1")])
    assert_type(cart, Cart)
    with ctx.group.race():
        assert_type(await ctx.step.run("a", price, "tea"), int)
    mode = inngest.ParallelMode.RACE
    assert_type(await ctx.group.parallel(branches, parallel_mode=mode), tuple[int, ...])


async def waits(ctx: inngest.Context) -> None:
    """Waits and requests have types of their own."""
    event = await ctx.step.wait_for_event("a", event=paid, timeout=timedelta(hours=1))
    assert_type(event, inngest.Event[Paid] | None)
    if event is not None:
        assert_type(event.data.amount, int)
    named = await ctx.step.wait_for_event("b", event="shop/paid", timeout=datetime.now(UTC))
    assert_type(named, inngest.Event | None)
    signal = await ctx.step.wait_for_signal("c", signal="ok", timeout=5000)
    assert_type(signal, inngest.Signal | None)
    assert_type(await ctx.step.invoke("d", function=bill, data=Paid(amount=1)), Receipt)
    assert_type(await ctx.step.invoke("e", function=count, data={"n": 1}), int)
    assert_type(await ctx.step.invoke_by_id("f", function_id="x"), Any)
    assert_type(await ctx.step.fetch("g", "https://x.example/"), inngest.FetchResponse)
    assert_type(await ctx.step.send_event("h", paid(Paid(amount=1))), list[str])
    assert_type(await ctx.step.send_signal("i", signal="ok"), str | None)


@dataclass(frozen=True)
class Progress:
    """A topic of a user's own."""

    channel: str
    name: str = "progress"


async def messages(ctx: inngest.Context, blocking: inngest.ContextSync) -> None:
    """Messages go to a topic, or to the names of a channel and a topic."""
    assert_type(await ctx.step.realtime.publish("a", Progress("user:1"), {"done": 1}), Any)
    assert_type(await ctx.step.realtime.publish("b", "told", 1, channel="user:1"), Any)
    assert_type(blocking.step.realtime.publish("c", Progress("user:1"), 1), Any)
    await ctx.step.realtime.publish("d", "told", 1)  # type: ignore[call-overload]
    await ctx.step.realtime.publish("e", 5, 1)  # type: ignore[call-overload]
    await ctx.step.realtime.publish("f", Progress("c"), 1, channel="c")  # type: ignore[call-overload]


class Msgpack:
    """A serializer of a user's own."""

    def serialize(self, obj: object, typ: object) -> object:
        """Return JSON data."""
        return {"obj": str(obj), "typ": str(typ)}

    def deserialize(self, obj: object, typ: object) -> object:
        """Return the object."""
        return (obj, typ)


def serializers() -> None:
    """A client takes ours and users' own."""
    own: inngest.Serializer = Msgpack()
    inngest.Inngest("shop", serializer=own)
    inngest.Inngest("shop", serializer=inngest.PydanticSerializer())
    inngest.Inngest("shop", serializer="json")  # type: ignore[arg-type]


async def ambient() -> None:
    """The tools for code deep in a call stack are typed alike."""
    assert_type(await inngest.step.run("a", load, "c1"), Cart)
    assert_type(inngest.step_sync.run("a", price, "tea"), int)


async def refused(ctx: inngest.Context) -> None:
    """What users may get wrong is an error before anything runs."""
    await ctx.step.run("a", load)  # type: ignore[call-overload]
    await ctx.step.run("a", load, 5)  # type: ignore[call-overload]
    await ctx.step.run("a", load, "c1", frsh=True)  # type: ignore[call-arg]
    await ctx.step.run("a", load("c1"))  # type: ignore[call-overload]
    await ctx.step.run(load, "c1")  # type: ignore[call-overload]
    await ctx.step.sleep("a", 1.5)  # type: ignore[arg-type]
    await ctx.step.sleep_until("a", "2026-01-02")  # type: ignore[arg-type]
    await ctx.step.wait_for_event("a", event=paid)  # type: ignore[call-overload]
    await ctx.step.wait_for_signal("a", signal="s", timeout=1, on_conflict="x")  # type: ignore[arg-type]
    await ctx.step.invoke("a", function=load)  # type: ignore[arg-type]
    await ctx.step.invoke("a", function="shop-bill")  # type: ignore[arg-type]
    await ctx.step.invoke("a", bill)  # type: ignore[call-arg]
    await ctx.step.send_event("a", {"name": "shop/paid"})  # type: ignore[arg-type]
    await ctx.group.parallel([ctx.step.run("a", price, "tea")])  # type: ignore[arg-type]
    ctx.step.run("a", price, "tea").upper()  # type: ignore[attr-defined]


def refused_sync(ctx: inngest.ContextSync) -> None:
    """Blocking tools are not awaited, and give values at once."""
    ctx.step.run("a", price)  # type: ignore[call-overload]
    ctx.step.run("a", price, "tea").upper()  # type: ignore[attr-defined]
    ctx.group.parallel([price])  # type: ignore[list-item]
