"""Observers: told in order, and isolated."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.middleware.colours import Hook, InAsync
from inngest_asgi.middleware.observers import tell

if TYPE_CHECKING:
    from collections.abc import Callable

LOGGER = logging.getLogger("inngest_asgi")


async def raise_async(record: object) -> None:
    raise ValueError("from async")


def raise_blocking(record: object) -> None:
    raise ValueError("from blocking")


@pytest.mark.parametrize("method", [raise_async, raise_blocking])
def test_an_error_is_logged_and_the_others_are_told(
    method: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[object] = []
    hooks = [Hook(method, method is raise_async), Hook(told.append, is_async=False)]
    asyncio.run(tell(hooks, InAsync(), LOGGER, "record"))
    assert told == ["record"]
    (logged,) = caplog.records
    assert logged.getMessage() == f"Middleware hook {method.__name__} failed; the run goes on"
    assert logged.exc_info is not None


def test_an_end_of_the_program_is_not_swallowed() -> None:
    def leave(record: object) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        asyncio.run(tell([Hook(leave, is_async=False)], InAsync(), LOGGER, "record"))
