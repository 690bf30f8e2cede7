"""Signals, results and errors: how work ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.cli.stopping import first_of, for_ever, leave, stop_on_signals, work_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NUMBERS = [signal.SIGINT, signal.SIGTERM]


async def value(result: int) -> int:
    return result


async def interrupted(number: int) -> int:
    signal.raise_signal(number)
    await for_ever()


async def raising(error: Exception) -> int:
    raise error


async def raising_when_cancelled(error: Exception) -> int:
    try:
        await for_ever()
    finally:
        raise error


@pytest.fixture
def handlers() -> Iterator[Sequence[object]]:
    before: list[Any] = [signal.getsignal(number) for number in NUMBERS]
    yield before
    for number, handler in zip(NUMBERS, before, strict=True):
        signal.signal(number, handler)


def test_work_that_ends_gives_its_result() -> None:
    with stop_on_signals() as stop:
        assert asyncio.run(work_until(stop, value(7))) == 7
    assert stop.signal is None


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_ends_the_work(number: int) -> None:
    with stop_on_signals() as stop:
        assert asyncio.run(work_until(stop, interrupted(number))) is None
    assert stop.signal == number


def test_a_signal_before_the_loop_runs_counts_too() -> None:
    with stop_on_signals() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert asyncio.run(work_until(stop, interrupted(0))) is None


def test_the_second_signal_is_left_to_the_system(handlers: Sequence[object]) -> None:
    with stop_on_signals():
        signal.raise_signal(signal.SIGINT)
        assert [signal.getsignal(number) for number in NUMBERS] == [signal.SIG_DFL] * 2


def test_two_signals_at_the_same_moment_count_as_two(
    handlers: Sequence[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[int] = []
    with stop_on_signals() as stop:
        monkeypatch.setattr(signal, "raise_signal", raised.append)
        stop.request(signal.SIGTERM)
        stop.request(signal.SIGINT)
    assert raised == [signal.SIGINT]


def test_handlers_are_put_back(handlers: Sequence[object]) -> None:
    with stop_on_signals():
        signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in NUMBERS] == handlers


def test_threads_of_the_default_executor_do_not_hold_up_the_end() -> None:
    running, release = threading.Event(), threading.Event()

    def block() -> None:
        running.set()
        release.wait()

    async def work() -> int:
        blocking = asyncio.ensure_future(asyncio.to_thread(block))
        await asyncio.to_thread(running.wait)
        return int(blocking.done())

    with stop_on_signals() as stop:
        assert asyncio.run(work_until(stop, work())) == 0
    release.set()


def test_the_first_to_end_wins_and_the_others_are_cancelled() -> None:
    assert asyncio.run(first_of(for_ever(), value(1))) == 1


def test_of_two_that_end_the_first_in_the_list_wins() -> None:
    assert asyncio.run(first_of(value(1), value(2))) == 1


@pytest.mark.parametrize("raise_late", [False, True], ids=["at once", "when cancelled"])
def test_an_error_is_never_swallowed(raise_late: bool) -> None:  # noqa: FBT001
    error = ValueError("the side task failed")
    failing = raising_when_cancelled(error) if raise_late else raising(error)
    with pytest.raises(ValueError, match="the side task failed"):
        asyncio.run(first_of(value(1), failing))


def test_cancelling_reaches_all() -> None:
    ended: list[str] = []

    async def noting(name: str) -> int:
        try:
            await for_ever()
        finally:
            ended.append(name)

    async def outer() -> None:
        working = asyncio.ensure_future(first_of(noting("a"), noting("b")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        working.cancel()
        await asyncio.wait([working])

    asyncio.run(outer())
    assert ended == ["a", "b"]


@pytest.mark.parametrize(
    ("code", "left_with"), [(3, 3), ("a sentence", 1)], ids=["number", "sentence"]
)
def test_threads_that_still_run_do_not_hold_up_the_process(
    code: object, left_with: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    release = threading.Event()
    thread = threading.Thread(target=release.wait, daemon=False)
    thread.start()
    leave(SystemExit(code))
    release.set()
    thread.join()
    assert codes == [left_with]


def test_without_threads_the_process_ends_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.main_thread()])
    leave(SystemExit(0))
    assert codes == []


def test_an_output_that_is_closed_does_not_keep_from_leaving(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken:
        def flush(self) -> None:
            raise BrokenPipeError

    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(sys, "stdout", Broken())
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.Thread()])
    leave(SystemExit(0))
    assert codes == [0]
