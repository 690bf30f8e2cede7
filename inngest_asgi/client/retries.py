"""When a request is sent again, and how long before; what the request is, it does not know."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from inngest_asgi.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from inngest_asgi.client.messages import Answer
    from inngest_asgi.clock import Clock

ATTEMPTS = 5

_BASE = 0.1
_JITTER = 0.1


async def with_retries(attempt: Callable[[], Awaitable[Answer]], clock: Clock) -> Answer:
    """Make up to five attempts, until there is an answer below status 500 (http.md 15).

    Args:
        attempt: makes one attempt; `ApiError` from it means that no answer came.
        clock: waits between attempts, and draws the jitter.

    Returns:
        The first answer below 500, or that of the last attempt, whatever it is.

    Raises:
        ApiError: the last attempt had no answer.
    """
    for delay in _delays(clock):
        with suppress(ApiError):
            answer = await attempt()
            if answer.status < 500:
                return answer
        await clock.sleep(delay)
    return await attempt()


def _delays(clock: Clock) -> Iterator[float]:
    """Yield the seconds to wait after each attempt but the last."""
    for attempt in range(ATTEMPTS - 1):
        yield _BASE * 2**attempt + _JITTER * clock.random()
