"""The shell of flow control: starts runs for windows that are due, and follows what changes.

It decides nothing itself. It waits, reads what is needed, and has the parts around it decide.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inngest_asgi.dev.flow.tickets import make_ticket
from inngest_asgi.dev.records import Changes
from inngest_asgi.dev.store.flow import open_runs, window_events
from inngest_asgi.errors import DevServerError
from inngest_asgi.wire.codec import loads

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.alarm import Alarm
    from inngest_asgi.dev.apps.registry import Registry
    from inngest_asgi.dev.commits import Commits
    from inngest_asgi.dev.flow.control import FlowControl
    from inngest_asgi.dev.flow.rules import Rules
    from inngest_asgi.dev.flow.tickets import Ticket
    from inngest_asgi.dev.records import Function, Window
    from inngest_asgi.dev.schedule import Schedule
    from inngest_asgi.dev.store.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What is kept up."""

    clock: Clock
    alarm: Alarm
    store: Store
    registry: Registry
    flow: FlowControl
    schedule: Schedule
    commits: Commits


class Upkeep:
    """Keeps flow control in step with what is saved and with what is registered."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._known: dict[str, Rules] = {}
        self._armed: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, functions: Iterable[Function]) -> None:
        """Take up the runs and windows that an earlier server left.

        Args:
            functions: all there are, archived ones included.
        """
        flow = self._parts.flow
        for function in functions:
            self._known[function.id] = flow.admission.rules(function)
            for run_id, ticket in await self._tickets(function):
                flow.turnstile.add(run_id, ticket)
                if ticket.singleton is not None:
                    flow.admission.singletons.hold(ticket.singleton, run_id)
        for window in flow.left:
            self._watch(window)

    async def stop(self) -> None:
        """Finish what was begun."""
        await asyncio.gather(*self._tasks)

    def saved(self, changes: Changes) -> None:
        """Take note of what is in the store now: windows that grew, runs that ended."""
        for window in changes.windows:
            self._parts.flow.windows.saved(window)
            self._watch(window)
        for run in changes.runs:
            if run.status.ended:
                self._parts.flow.turnstile.remove(run.id)

    def refresh(self) -> None:
        """Hold runs that have not ended to what their functions have registered now."""
        for function in self._parts.registry.functions:
            rules = self._parts.flow.admission.rules(function)
            known = self._known.get(function.id)
            self._known[function.id] = rules
            if known is not None and known != rules:
                self._run(self._limit_anew(function))

    async def _limit_anew(self, function: Function) -> None:
        turnstile, singletons = self._parts.flow.turnstile, self._parts.flow.admission.singletons
        for run_id, ticket in await self._tickets(function):
            if turnstile.replace(run_id, ticket) and ticket.singleton is not None:
                singletons.hold(ticket.singleton, run_id)
        turnstile.reconsider()

    async def _tickets(self, function: Function) -> list[tuple[str, Ticket]]:
        """Make out what limits the runs of a function that have not ended, oldest first."""
        parts, rules = self._parts, self._parts.flow.admission.rules(function)
        bodies, now = rules.reads_events, parts.clock.time()
        runs = await parts.store.read(lambda conn: open_runs(conn, function.id, bodies=bodies))
        found = []
        for run in runs:
            event = loads(run.body) if run.body is not None else {}
            ticket = make_ticket(function.id, rules, event, now)
            ticket.started = run.started
            if run.repeats:  # it did not ask whether it may start, and keeps nobody from it
                ticket.singleton = None
            found.append((run.id, ticket))
        return found

    def _watch(self, window: Window) -> None:
        """Wake when a window is due, unless that is sure to happen."""
        if window.due < self._armed.get(window.id, float("inf")):
            self._armed[window.id] = window.due
            self._parts.alarm.at(window.due, lambda: self._wake(window))

    def _wake(self, window: Window) -> None:
        if self._armed.pop(window.id, None) is None:
            return
        if window.due > self._parts.clock.time():
            self._watch(window)
        elif self._parts.flow.windows.is_saved(window):
            self._parts.flow.windows.close(window)
            self._run(self._close(window))

    async def _close(self, window: Window) -> None:
        events = await self._parts.store.read(lambda conn: window_events(conn, window.id))
        changes = Changes()
        self._parts.schedule.close(window, events, changes)
        await self._parts.commits.commit(changes)

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except DevServerError as error:
        _log.error("Flow control cannot go on: %s", error)
