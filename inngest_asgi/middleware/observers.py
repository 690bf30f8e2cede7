"""Tells observers what happened; what goes wrong in one is logged, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable

    from inngest_asgi.middleware.colours import Colour, Hook


async def tell(
    hooks: Iterable[Hook], colour: Colour, record: object, logger: logging.Logger
) -> None:
    """Give each hook the record, in order."""
    for hook in hooks:
        try:
            await colour.hook(hook, record)
        except Exception:
            logger.exception("Middleware hook %s failed; the run goes on", _name(hook))


def _name(hook: Hook) -> Any:
    return getattr(hook.method, "__qualname__", hook.method)
