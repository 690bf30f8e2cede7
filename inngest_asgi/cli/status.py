"""One line at the foot of a terminal that says how a server is doing; elsewhere there is none."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rich.live import Live
from rich.text import Text

from inngest_asgi.clock import SYSTEM_CLOCK
from inngest_asgi.dev import Happening, RunStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from inngest_asgi.cli.console import Screen
    from inngest_asgi.dev import App, Function, Record, RunRow

_PAUSE = 0.2
"""Seconds between two paintings, however much happens."""


class Observed(Protocol):
    """What is needed of a server that was started: `DevServer` explains it."""

    @property
    def apps(self) -> Sequence[App]:
        """The known apps."""
        ...

    @property
    def functions(self) -> Sequence[Function]:
        """The functions that can be started."""
        ...

    async def unfinished(self) -> list[RunRow]:
        """Return the runs that are scheduled or running."""
        ...

    def watch(self) -> AsyncIterator[Record]:
        """Tell what happens from now on, for ever."""
        ...


@dataclass(slots=True)
class Counts:
    """How many runs there are, and how those ended that ended since the start."""

    open: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0

    def note(self, record: Record) -> None:
        """Count what a record tells."""
        if record.kind is Happening.RUN_QUEUED:
            self.open += 1
        elif record.kind is Happening.RUN_ENDED:
            self.open = max(self.open - 1, 0)
            if record.details["status"] == RunStatus.COMPLETED.label:
                self.completed += 1
            elif record.details["status"] == RunStatus.CANCELLED.label:
                self.cancelled += 1
            else:
                self.failed += 1


class Status:
    """The line, painted anew when something happened.

    Args:
        server: whose state it shows.
        screen: where; nothing is shown unless its results go to a terminal.
        origin: the server's URL.
    """

    def __init__(self, server: Observed, screen: Screen, origin: str) -> None:
        self._server = server
        self._screen = screen
        self._origin = origin
        self._counts = Counts()
        self._news = asyncio.Event()

    def refresh(self) -> None:
        """Paint the line anew: applications came, went or changed."""
        self._news.set()

    async def show(self) -> None:
        """Show the line until cancelled."""
        if not self._screen.results.is_terminal or self._screen.json:
            await asyncio.get_running_loop().create_future()
        self._counts.open = len(await self._server.unfinished())
        counting = asyncio.ensure_future(self._count())
        try:
            await self._paint()
        finally:
            counting.cancel()

    async def _count(self) -> None:
        async for record in self._server.watch():
            self._counts.note(record)
            self._news.set()

    async def _paint(self) -> None:
        console = self._screen.results
        with Live(console=console, auto_refresh=False, transient=True, screen=False) as live:
            while True:
                live.update(self.line(), refresh=True)
                await self._news.wait()
                await SYSTEM_CLOCK.sleep(_PAUSE)
                self._news.clear()

    def line(self) -> Text:
        """Return the line as it is now."""
        counts, apps = self._counts, self._server.apps
        failing = sum(app.error is not None for app in apps)
        parts: list[tuple[str, str]] = [
            (self._origin, "bold"),
            (_count(len(apps), "app"), ""),
            (_count(len(self._server.functions), "function"), ""),
            (f"{counts.open} running", "cyan" if counts.open else "dim"),
            (f"{counts.completed} completed", "green" if counts.completed else "dim"),
        ]
        if counts.failed:
            parts.append((f"{counts.failed} failed", "red"))
        if counts.cancelled:
            parts.append((f"{counts.cancelled} cancelled", "yellow"))
        if failing:
            parts.append((f"{_count(failing, 'app')} not in sync", "red"))
        return Text("  ").join(Text(text, style) for text, style in parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
