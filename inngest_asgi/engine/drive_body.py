"""Runs what users wrote for a step so that whatever it raises is returned, and ends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Ended = tuple[Any, BaseException | None]
"""What code returned, or what it raised."""


def contained(call: Callable[..., Any], *args: Any) -> Ended:
    """Call a step's body, or the serialiser of its result; what it raises is returned."""
    try:
        return call(*args), None
    except BaseException as error:  # noqa: BLE001 - it becomes the step's error
        return None, error


async def contained_await(awaitable: Awaitable[Any]) -> Ended:
    """Await a step's body; what it raises is returned, a cancellation too."""
    try:
        return await awaitable, None
    except BaseException as error:  # noqa: BLE001 - it becomes the step's error
        return None, error
