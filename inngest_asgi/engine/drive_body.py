"""Runs a step's body so that what it raises is returned; the one place where a body can fail."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from inngest_asgi.engine.ops import Op


def contained(op: Op, override: list[Any] | None) -> tuple[Any, BaseException | None]:
    """Call a step's body; what it raises is returned, for it must not end the host."""
    try:
        return op.call(override), None
    except BaseException as error:  # noqa: BLE001 - it becomes the step's error
        return None, error


async def contained_await(awaitable: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """Await a body; what it raises is returned, for it must not end the host."""
    try:
        return await awaitable, None
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        return None, error
    except BaseException as error:  # noqa: BLE001 - it becomes the step's error
        return None, error


def is_cancelled() -> bool:
    """Whether the current task was cancelled from outside, by its host."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
