"""Tells when the code in a folder changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from watchfiles import PythonFilter, awatch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from watchfiles import Change


class Changes:
    """The changes to the Python files in a folder, from the moment it is entered.

    Args:
        folder: what to watch, with all that is in it but virtual environments and the like.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stop = asyncio.Event()
        self._found = awatch(folder, watch_filter=PythonFilter(), stop_event=self._stop)
        self._next: asyncio.Future[set[tuple[Change, str]]]

    async def __aenter__(self) -> Self:
        self._look()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        # Heard here, the end of the changes is no error that nobody waited for.
        await asyncio.gather(self._next, return_exceptions=True)

    async def next(self) -> str:
        """Wait for changes; return in a few words what changed since the last time."""
        await asyncio.wait([self._next])  # unlike it, who waits may be cancelled
        changes = self._next.result()
        self._look()
        return changed(self._folder, (path for _, path in changes))

    def _look(self) -> None:
        self._next = asyncio.ensure_future(anext(self._found))


def changed(folder: Path, paths: Iterable[str]) -> str:
    """Say in a few words which files changed."""
    names = sorted({path.removeprefix(str(folder)).lstrip("/\\") for path in paths})
    rest = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{rest}"
