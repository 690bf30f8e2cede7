"""Groups of steps side by side: `ctx.group`, in both colours."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar, overload

from inngest_asgi.engine.ops import SCOPE
from inngest_asgi.errors import StepUsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

    from inngest_asgi.engine.drive_sync import DriveSync

T = TypeVar("T")


class ParallelMode(StrEnum):
    """When a server calls again while steps run side by side (steps.md 8).

    WAIT: once, when all of them are done. RACE: after each of them, so that a race is decided as
    soon as one is done, and a branch goes on while its siblings run; it costs a call per step.
    """

    WAIT = "wait"
    RACE = "race"


class Group:
    """Steps side by side in async functions, where plain `asyncio.gather` works as well."""

    async def parallel(
        self,
        callables: Sequence[Callable[[], Coroutine[Any, Any, T]]],
        *,
        parallel_mode: ParallelMode = ParallelMode.WAIT,
    ) -> tuple[T, ...]:
        """Run callables that use steps, side by side.

        Args:
            callables: each takes nothing and returns a coroutine.
            parallel_mode: when the server calls again.

        Returns:
            Their results, in the order given.

        Raises:
            StepError: the first error of any of them.
        """
        with _mode(parallel_mode):
            return tuple(await asyncio.gather(*(one() for one in callables)))

    @overload
    def race(self) -> AbstractContextManager[None]: ...
    @overload
    def race(
        self, callables: Sequence[Callable[[], Coroutine[Any, Any, T]]]
    ) -> Coroutine[Any, Any, T]: ...
    def race(self, callables: Sequence[Callable[[], Coroutine[Any, Any, T]]] | None = None) -> Any:
        """Race callables that use steps: the first to end decides, the rest are cancelled.

        Without arguments it is a context manager: steps announced inside, also by tasks created
        inside, are in race mode, for races written in plain asyncio.

        Args:
            callables: each takes nothing and returns a coroutine; at least one.

        Returns:
            A coroutine giving the result of the first to end.
        """
        return race_scope() if callables is None else _race(callables)


class GroupSync:
    """Steps side by side in blocking functions."""

    def __init__(self, drive: DriveSync) -> None:
        self._drive = drive

    def parallel(
        self,
        callables: Sequence[Callable[[], T]],
        *,
        parallel_mode: ParallelMode = ParallelMode.WAIT,
    ) -> tuple[T, ...]:
        """Run callables that use steps, side by side: their steps run in requests of their own.

        Args:
            callables: each takes nothing.
            parallel_mode: when the server calls again.

        Returns:
            Their results, in the order given.

        Raises:
            StepError: the first error of any of them, once all have ended.
            StepUsageError: branches use one step id at different places; a blocking function
                cannot tell such steps apart, so give those of each branch ids of their own.
        """
        with _mode(parallel_mode):
            branches = self._drive.branches(callables)
        if any(one.parked for one in branches):
            self._drive.answer()
        return tuple(one.result() for one in branches)

    @overload
    def race(self) -> AbstractContextManager[None]: ...
    @overload
    def race(self, callables: Sequence[Callable[[], T]]) -> T: ...
    def race(self, callables: Sequence[Callable[[], T]] | None = None) -> Any:
        """Race callables that use steps: the first to end decides, the rest are dropped.

        Without arguments it is a context manager that puts the steps inside in race mode.

        Args:
            callables: each takes nothing; at least one.

        Returns:
            The result of the first to end.
        """
        if callables is None:
            return race_scope()
        _check_racers(callables)
        with race_scope():
            branches = self._drive.branches(callables)
        ended = [one for one in branches if not one.parked]
        if not ended:
            self._drive.answer()
        first = min(ended, key=self._drive.finished_at)
        for one in branches:
            if one.parked:
                self._drive.abandon(one)
        return first.result()


@contextmanager
def race_scope() -> Iterator[None]:
    """Put steps announced inside, also by tasks created inside, in race mode."""
    token = SCOPE.set(replace(SCOPE.get(), race=True))
    try:
        yield
    finally:
        SCOPE.reset(token)


async def _race(callables: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> T:
    _check_racers(callables)
    with race_scope():
        tasks = [asyncio.create_task(one()) for one in callables]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return next(task for task in tasks if task in done).result()


def _mode(mode: ParallelMode) -> AbstractContextManager[None]:
    return race_scope() if mode == ParallelMode.RACE else nullcontext()


def _check_racers(callables: Sequence[object]) -> None:
    if not callables:
        raise StepUsageError("group.race got no callables; give it at least one.")
