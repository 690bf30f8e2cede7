"""Waiting, but not for ever."""

from __future__ import annotations

import asyncio

import pytest

from inngest_asgi.dev.patience import within
from inngest_asgi.testing import ManualClock


async def _never() -> str:
    await asyncio.get_running_loop().create_future()
    return "never"


async def _soon(result: str) -> str:
    await asyncio.sleep(0)
    return result


def test_what_comes_in_time_is_returned() -> None:
    assert asyncio.run(within(ManualClock(), 5.0, _soon("done"))) == "done"


def test_what_does_not_come_in_time_is_cancelled() -> None:
    async def main() -> None:
        clock, ended = ManualClock(), asyncio.Event()

        async def work() -> str:
            try:
                return await _never()
            finally:
                ended.set()

        assert await clock.until(within(clock, 5.0, work())) is None
        await ended.wait()

    asyncio.run(main())


def test_an_error_is_passed_on() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(within(ManualClock(), 5.0, fail()))
