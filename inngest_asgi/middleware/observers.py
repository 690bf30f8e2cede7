"""Calls hooks that can change nothing: what goes wrong in one is logged, and the next is called."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable

    from inngest_asgi.middleware.colours import Colour, Hook


async def tell(hooks: Iterable[Hook], colour: Colour, logger: logging.Logger, *args: Any) -> None:
    """Give each hook what it takes, in order.

    Args:
        hooks: the hooks.
        colour: how they are called.
        logger: where their errors go.
        *args: what they take.

    Raises:
        CancelledError: the task that tells was cancelled; one that a hook raises is an error of it.
    """
    for hook in hooks:
        try:
            await colour.hook(hook, *args)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            logger.exception("Middleware hook %s failed; the run goes on", _name(hook))


def _is_cancelled() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False  # threads are not cancelled
    return task is not None and task.cancelling() > 0


def _name(hook: Hook) -> Any:
    return getattr(hook.method, "__qualname__", hook.method)
