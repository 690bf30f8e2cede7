"""Lifespans in one another: order, state, and what is raised inside."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.lifespan import compose

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from inngest_asgi.lifespan.compose import Lifespan

APP = object()


def noting(log: list[str], name: str, state: Any = None, *, at_exit: str = "") -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        assert app is APP
        log.append(f"{name} in")
        try:
            yield state
        finally:
            log.append(f"{name} out")
            if at_exit:
                raise RuntimeError(at_exit)

    return lifespan


def failing(message: str) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        raise RuntimeError(message)
        yield

    return lifespan


def held(lifespan: Lifespan, *, then: str = "") -> Any:
    async def hold() -> Any:
        async with lifespan(APP) as state:
            if then:
                raise RuntimeError(then)
            return state

    return asyncio.run(hold())


def test_they_are_entered_in_order_and_left_in_reverse() -> None:
    log: list[str] = []
    held(compose(*(noting(log, name) for name in "abc")))
    assert log == ["a in", "b in", "c in", "c out", "b out", "a out"]


@pytest.mark.parametrize(
    ("states", "merged"),
    [
        ([], None),
        ([None], None),
        ([{}], None),
        ([{"a": 1}], {"a": 1}),
        ([{"a": 1}, None], {"a": 1}),
        ([None, {"b": 2}], {"b": 2}),
        ([{"a": 1, "b": 1}, {"b": 2}, {"c": 3}], {"a": 1, "b": 2, "c": 3}),
    ],
)
def test_what_they_yield_is_merged(states: list[Any], merged: Any) -> None:
    assert held(compose(*(noting([], "", state) for state in states))) == merged


def test_what_is_raised_inside_passes_through_all_of_them() -> None:
    log: list[str] = []
    with pytest.raises(RuntimeError, match="inside"):
        held(compose(noting(log, "a"), noting(log, "b")), then="inside")
    assert log == ["a in", "b in", "b out", "a out"]


def test_one_that_cannot_start_lets_the_earlier_ones_close() -> None:
    log: list[str] = []
    with pytest.raises(RuntimeError, match="no port"):
        held(compose(noting(log, "a"), failing("no port"), noting(log, "c")))
    assert log == ["a in", "a out"]


def test_one_that_cannot_close_does_not_keep_the_others_from_closing() -> None:
    log: list[str] = []
    with pytest.raises(RuntimeError, match="stuck"):
        held(compose(noting(log, "a"), noting(log, "b", at_exit="stuck")))
    assert log == ["a in", "b in", "b out", "a out"]


def test_a_composed_one_can_be_run_again() -> None:
    log: list[str] = []
    composed = compose(noting(log, "a"))
    held(composed)
    held(composed)
    assert log == ["a in", "a out"] * 2
