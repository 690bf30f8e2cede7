"""Waits for something, but not for ever, on any clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from inngest_asgi.clock import Clock

T = TypeVar("T")


async def within(clock: Clock, seconds: float, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what `work` returns; None, and `work` is cancelled, once the time is over."""
    working = asyncio.ensure_future(work)
    patience = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({working, patience}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        patience.cancel()
