"""Observers: told in order, and isolated."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.engine.ops import is_async
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


async def raise_cancelled(record: object) -> None:
    raise asyncio.CancelledError


def raise_cancelled_blocking(record: object) -> None:
    raise asyncio.CancelledError


async def wait_for_what_was_cancelled(record: object) -> None:
    gone = asyncio.get_running_loop().create_future()
    gone.cancel()
    await gone


@pytest.mark.parametrize(
    "method", [raise_cancelled, raise_cancelled_blocking, wait_for_what_was_cancelled]
)
def test_a_cancellation_of_the_observers_own_is_its_error(
    method: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[object] = []
    hooks = [Hook(method, is_async(method)), Hook(told.append, is_async=False)]
    asyncio.run(tell(hooks, InAsync(), LOGGER, "record"))
    assert (told, len(caplog.records)) == (["record"], 1)


def test_an_observer_that_is_cancelled_from_outside_lets_it_pass() -> None:
    async def scene() -> None:
        waiting = asyncio.Event()

        async def wait(record: object) -> None:
            waiting.set()
            await asyncio.get_running_loop().create_future()

        task = asyncio.create_task(tell([Hook(wait, is_async=True)], InAsync(), LOGGER, 1))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())
