"""Puts lifespans into one another; knows nothing of what they do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]
"""What Starlette and FastAPI take for `lifespan=`."""


def compose(*lifespans: Lifespan) -> Lifespan:
    """Return one lifespan that enters the given ones in order and leaves them in reverse.

    What they yield is merged into the host's state, as if each stood alone.
    """

    @asynccontextmanager
    async def composed(app: Any) -> AsyncIterator[dict[str, Any] | None]:
        if not lifespans:
            yield None
            return
        async with lifespans[0](app) as first, compose(*lifespans[1:])(app) as rest:
            yield {**(first or {}), **(rest or {})} or None

    return composed
