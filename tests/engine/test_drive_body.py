"""Bodies in a box: whatever they raise is returned."""

from __future__ import annotations

import asyncio

import pytest

from inngest_asgi.engine.drive_body import contained, contained_await

ERRORS = [
    ValueError("no"),
    KeyboardInterrupt(),
    SystemExit(1),
    asyncio.CancelledError(),
    StopIteration(),
    GeneratorExit(),
]


def fail(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_what_a_body_raises_is_returned(error: BaseException) -> None:
    assert contained(fail, error) == (None, error)


@pytest.mark.parametrize("error", [one for one in ERRORS if not isinstance(one, StopIteration)])
def test_what_an_async_body_raises_is_returned(error: BaseException) -> None:
    async def body() -> None:
        fail(error)

    assert asyncio.run(contained_await(body())) == (None, error)


def test_what_a_body_returns_is_returned() -> None:
    assert contained(max, 1, 2) == (2, None)


def test_what_an_async_body_returns_is_returned() -> None:
    assert asyncio.run(contained_await(asyncio.sleep(0, "slept"))) == ("slept", None)
