"""Functions as users declare them: what must type-check, and what must not.

Nothing here runs. mypy reads it with the rest of the project: `assert_type` proves what is
inferred, and an ignored error that no longer occurs is an error itself.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, assert_type

from pydantic import BaseModel

from inngest_asgi.functions.declare import declare
from inngest_asgi.functions.flow_control import (
    Batch,
    Cancel,
    Concurrency,
    Debounce,
    Priority,
    RateLimit,
    Singleton,
    Throttle,
    Timeouts,
)
from inngest_asgi.functions.function import Function
from inngest_asgi.functions.triggers import TriggerCron, TriggerEvent

if TYPE_CHECKING:
    from inngest_asgi.engine.context import Context, ContextSync

SIGNED_UP = TriggerEvent(event="user/signed.up")


class Signup(BaseModel):
    user_id: str


class Welcome(BaseModel):
    greeting: str


@declare("shop", fn_id="welcome", trigger=SIGNED_UP)
async def welcome(ctx: Context[Signup]) -> Welcome:
    assert_type(ctx.event.data, Signup)
    return Welcome(greeting=ctx.event.data.user_id)


@declare("shop", fn_id="welcome-sync", trigger=[SIGNED_UP, TriggerCron(cron="0 9 * * 1")])
def welcome_sync(ctx: ContextSync[Signup]) -> Welcome:
    return Welcome(greeting=ctx.event.data.user_id)


@declare("shop", fn_id="untyped", trigger=(SIGNED_UP,))
async def without_event_type(ctx: Context) -> int:
    assert_type(ctx.event.data, dict[str, Any])
    return 5


async def report(ctx: Context, why: str = "") -> None: ...


def report_sync(ctx: ContextSync) -> None: ...


@declare(
    "shop",
    fn_id="every-option",
    trigger=SIGNED_UP,
    retries=3,
    cancel=[Cancel(event="user/left", if_exp="true", timeout=datetime(2027, 1, 1, tzinfo=UTC))],
    concurrency=[5, Concurrency(limit=1, key="event.data.user_id", scope="env")],
    debounce=Debounce(period="1m", timeout=timedelta(hours=1)),
    priority=Priority(run="5"),
    rate_limit=RateLimit(limit=5, period=60_000),
    singleton=Singleton(mode="cancel"),
    throttle=Throttle(limit=5, period="1m", burst=2),
    timeouts=Timeouts(start="1m"),
    on_failure=report_sync,
)
async def every_option(ctx: Context[Signup]) -> list[int]:
    return []


async def with_prefix(prefix: str, ctx: Context[Signup]) -> str:
    return prefix


class Handler:
    async def __call__(self, ctx: Context) -> float:
        return 0.5

    def method(self, ctx: ContextSync) -> bytes:
        return b""


def inferred(bare: Function, precise: Function[Welcome]) -> None:
    """Every way to write a handler gives a function of what it returns."""
    declaration = declare("shop", fn_id="x", trigger=SIGNED_UP, on_failure=report)
    assert_type(welcome, Function[Welcome])
    assert_type(welcome_sync, Function[Welcome])
    assert_type(without_event_type, Function[int])
    assert_type(every_option, Function[list[int]])
    assert_type(declaration(functools.partial(with_prefix, "x")), Function[str])
    assert_type(declaration(Handler()), Function[float])
    assert_type(declaration(Handler().method), Function[bytes])
    assert_type(bare, Function[Any])
    assert_type(precise.failure, Function[Any] | None)


def covariant(function: Function[bool]) -> Function[int]:
    """A function that returns a bool returns an int."""
    return function


def refused() -> None:
    """What users may get wrong is an error before anything runs."""
    declaration = declare("shop", fn_id="x", trigger=SIGNED_UP)

    @declaration  # type: ignore[arg-type]
    def no_argument() -> None: ...

    @declaration  # type: ignore[arg-type]
    def wrong_colour(ctx: Context) -> None: ...

    @declaration  # type: ignore[arg-type]
    async def two_arguments(ctx: Context, step: object) -> None: ...

    declare("shop", fn_id="x")  # type: ignore[call-arg]
    declare("shop", fn_id="x", trigger="user/signed.up")  # type: ignore[arg-type]
    declare("shop", fn_id="x", trigger=SIGNED_UP, retrys=3)  # type: ignore[call-arg]
    declare("shop", fn_id="x", trigger=SIGNED_UP, throttle=RateLimit(limit=1, period=1))  # type: ignore[arg-type]
    declare("shop", fn_id="x", trigger=SIGNED_UP, on_failure=with_prefix)  # type: ignore[arg-type]
    Batch(max_size=5)  # type: ignore[call-arg]
    Batch(5, "1m")  # type: ignore[call-arg]
    Batch(max_size="5", timeout="1m")  # type: ignore[arg-type]
    Batch(max_size=5, timeout=1.5)  # type: ignore[arg-type]
    Batch(max_sise=5, max_size=5, timeout="1m")  # type: ignore[call-arg]
    Singleton(mode="replace")  # type: ignore[arg-type]
    TriggerCron(cron="0 9 * * 1", zone="UTC")  # type: ignore[call-arg]
