"""Prints what happens on a server while it happens, and lets others wait until it was printed."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, astuple
from typing import TYPE_CHECKING, NamedTuple, Protocol

from inngest_asgi.cli.console import can_show
from inngest_asgi.cli.outcome import outcome
from inngest_asgi.cli.timeline import MARKS, PLAIN_MARKS, Timeline
from inngest_asgi.dev import Happening, RunStatus
from inngest_asgi.wire.codec import dump_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from inngest_asgi.cli.console import Screen
    from inngest_asgi.dev import Record

_FAILED_EVENT = "inngest/function.failed"
_HANDLER = "{}-failure"
"""What SDKs call the function that handles the failures of another (http.md 8)."""


class Ended(NamedTuple):
    """How a run ended: the id of its function, and the API's word for its status."""

    function: str
    status: str

    @property
    def ok(self) -> bool:
        """Whether the run completed."""
        return self.status == RunStatus.COMPLETED.label


class Watched(Protocol):
    """What is needed of a server that was started: `DevServer` explains it."""

    def watch(self) -> AsyncIterator[Record]:
        """Tell what happens from now on, for ever."""
        ...

    async def history(self, run_id: str) -> list[Record]:
        """Return what happened to a run so far."""
        ...


class Telling:
    """Tells of all runs of a server, those included that were started earlier.

    Args:
        server: whose runs to tell of.
        screen: where to print.
        brief: tell of failures and of how runs end, not of each step.
    """

    def __init__(self, server: Watched, screen: Screen, *, brief: bool = False) -> None:
        self._server = server
        self._console = screen.results
        self._json = screen.json
        self._brief = brief
        self._plain = not can_show(self._console, "".join(astuple(MARKS)))
        self._timeline = Timeline(PLAIN_MARKS if self._plain else MARKS, brief=brief)
        self._noting = False
        self._ends: dict[str, Ended] = {}
        self._begun = asyncio.Event()
        self._progress = asyncio.Event()

    def begin(self) -> None:
        """Let `tell` print; before, it only listens."""
        self._begun.set()

    async def tell(self) -> None:
        """Print what happens from now on, until cancelled."""
        async for record in self._server.watch():
            await self._begun.wait()
            begins = not record.run_id or record.kind is Happening.RUN_QUEUED
            if begins or await self._knows(record):
                self._tell_of(record)
                self._progress.set()

    async def resume(self, run_id: str) -> None:
        """Print where a run stands that was started earlier, unless it is known already."""
        if run_id not in self._timeline.open:
            self._introduce(run_id, await self._server.history(run_id))

    def note_ends(self) -> None:
        """Remember from now on how runs end, until `ends_of` has told."""
        self._noting = True

    async def ends_of(self, run_ids: Iterable[str]) -> list[Ended]:
        """Wait until runs have ended, and the failure handlers they set off, and all is printed.

        Call `note_ends` before the first of them may end.
        """
        wanted = set(run_ids)
        await self._until(lambda: wanted <= self._ends.keys())
        ends = [self._ends[run_id] for run_id in wanted]
        # The end of a run is told in one go with the start of its failure handler.
        handlers = {_HANDLER.format(end.function) for end in ends if not end.ok}
        await self._until(lambda: handlers.isdisjoint(self._handling_failures()))
        self._noting, self._ends = False, {}
        return ends

    async def _knows(self, record: Record) -> bool:
        """Whether a run is open; one that was started earlier is introduced first."""
        if record.run_id not in self._timeline.open:
            history = await self._server.history(record.run_id)
            self._introduce(record.run_id, [one for one in history if one.seq < record.seq])
        return record.run_id in self._timeline.open

    def _introduce(self, run_id: str, history: list[Record]) -> None:
        ended = any(record.kind is Happening.RUN_ENDED for record in history)
        if not ended and run_id not in self._timeline.open:
            lines = self._timeline.resumed(run_id, history)
            if lines and not self._json:
                self._console.print(*lines, sep="\n")

    def _tell_of(self, record: Record) -> None:
        if self._noting and record.kind is Happening.RUN_ENDED:
            function = self._timeline.open[record.run_id].function
            self._ends[record.run_id] = Ended(function, record.details["status"])
        lines = self._timeline.lines(record)
        if self._json:
            self._console.print(dump_text(asdict(record)))
            return
        for line in lines:
            self._console.print(line)
        if record.kind is Happening.RUN_ENDED and not self._brief:
            for part in outcome(record, plain=self._plain):
                self._console.print(part)

    def _handling_failures(self) -> set[str]:
        runs = self._timeline.open.values()
        return {run.function for run in runs if run.event == _FAILED_EVENT}

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._progress.clear()
            await self._progress.wait()
