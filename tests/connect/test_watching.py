"""The states of a worker as others see them, from any thread and loop."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from inngest_asgi.connect import ConnectionState
from inngest_asgi.connect.watching import Board

ACTIVE, CLOSED = ConnectionState.ACTIVE, ConnectionState.CLOSED
CLOSING, CONNECTING = ConnectionState.CLOSING, ConnectionState.CONNECTING


def test_every_state_is_seen_in_order_by_everybody() -> None:
    board = Board()

    async def look() -> list[list[ConnectionState]]:
        watches = [board.watch(), board.watch()]
        for state in (ACTIVE, CLOSING, CLOSED):
            board.enter(state)
        return [[now, *[state async for state in watch]] for now, watch in watches]

    assert asyncio.run(look()) == [[CONNECTING, ACTIVE, CLOSING, CLOSED]] * 2


def test_states_are_seen_across_threads() -> None:
    board = Board()

    async def look() -> ConnectionState:
        _, watch = board.watch()
        thread = threading.Thread(target=board.enter, args=(ACTIVE,))
        thread.start()
        try:
            return await anext(watch)
        finally:
            thread.join()

    assert asyncio.run(look()) is ACTIVE


def test_who_comes_after_the_end_sees_nothing() -> None:
    board = Board()
    board.enter(CLOSED)

    async def look() -> tuple[ConnectionState, list[ConnectionState]]:
        state, watch = board.watch()
        return state, [one async for one in watch]

    assert asyncio.run(look()) == (CLOSED, [])


def test_a_loop_that_is_closed_does_not_matter() -> None:
    board = Board()

    async def look() -> object:
        return board.watch()

    kept = asyncio.run(look())
    board.enter(ACTIVE)
    assert (board.state, kept is None) == (ACTIVE, False)


@pytest.mark.parametrize(
    ("before", "entered"),
    [(ACTIVE, [CLOSING, CLOSED]), (CLOSING, [CLOSED]), (CLOSED, [])],
    ids=str,
)
def test_the_end_is_entered_once(before: ConnectionState, entered: list[ConnectionState]) -> None:
    board = Board()
    board.enter(before)

    async def look() -> list[ConnectionState]:
        _, watch = board.watch()
        board.end()
        return [state async for state in watch]

    assert asyncio.run(look()) == entered


def test_the_first_attempt_settles_once() -> None:
    board = Board()
    board.settle()
    board.enter(ACTIVE)
    assert board.settled.done()


def test_who_looks_away_is_forgotten() -> None:
    board = Board()

    async def look() -> None:
        board.watch()

    asyncio.run(look())
    gc.collect()
    assert len(board._watches) == 0
