"""Events that are collected before a function starts for them: debounces and batches; no I/O.

A window's events are in the store, where they are read when it closes. It is written with each
event, so that it closes when it is due under whatever server runs then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inngest_asgi.dev.endings import correlation_id
from inngest_asgi.dev.records import Window, WindowKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from inngest_asgi.dev.flow.rules import Batch, Debounce
    from inngest_asgi.dev.records import Changes, StoredEvent

AFTER_THE_TIMER = 1.0
"""Seconds from the end of a debounce to its run (server-api.md 9)."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that came for a function.

    Args:
        function_id: the function's UUID.
        name: what is collected together with it.
        event: the event.
        at: when it came, in Unix seconds.
    """

    function_id: str
    name: str
    event: StoredEvent
    at: float


class Windows:
    """The open windows, by what they are for.

    Args:
        new_id: makes the id of a window.
        kept: those the store knows.
        asked: the invocations that the debounces among them hold, by the window's id.
    """

    def __init__(
        self,
        new_id: Callable[[], str],
        kept: Iterable[Window],
        asked: dict[str, StoredEvent] | None = None,
    ) -> None:
        self._new_id = new_id
        self._open: dict[tuple[WindowKind, str], Window] = {}
        self._unsaved: dict[str, int] = {}
        self._asked = asked or {}
        for window in kept:
            self._open[window.kind, window.name] = window

    def postpone(self, rule: Debounce, arrival: Arrival, changes: Changes) -> Window | None:
        """Have an event replace the one a debounced function was to start for.

        Returns:
            The window; None when it holds a newer event, and this one counts for nothing.
        """
        window, event, now = self._window(WindowKind.DEBOUNCE, arrival), arrival.event, arrival.at
        if window.size and event.ts < window.ts:
            return None
        due = now + rule.period
        if rule.timeout is not None:
            due = min(due, window.opened_at + rule.timeout)
        window.due, window.ts = due + AFTER_THE_TIMER, event.ts
        self._put(window, 0, event, changes)
        return window

    def asks(self, window: Window, event: StoredEvent) -> StoredEvent | None:
        """Note an event that a debounce holds now; return the invocation whose place it took."""
        replaced = self._asked.pop(window.id, None)
        if correlation_id(event) is not None:
            self._asked[window.id] = event
        return replaced

    def collect(self, rule: Batch, arrival: Arrival, changes: Changes) -> Window:
        """Add an event to those a function is to start for, and return their window.

        One that is full is due at once, and takes no more events.
        """
        window, event = self._window(WindowKind.BATCH, arrival), arrival.event
        if not window.size:
            window.due = arrival.at + rule.timeout
        window.ts = max(window.ts, event.ts)
        self._put(window, window.size, event, changes)
        if window.size >= rule.max_size:
            window.due = arrival.at
            self.close(window)
        return window

    def saved(self, window: Window) -> None:
        """Take note that one more of a window's events is in the store."""
        left = self._unsaved.get(window.id, 0) - 1
        if left > 0:
            self._unsaved[window.id] = left
        else:
            self._unsaved.pop(window.id, None)

    def is_saved(self, window: Window) -> bool:
        """Tell whether all events of a window are in the store."""
        return window.id not in self._unsaved

    def close(self, window: Window) -> None:
        """Let no more events into a window; the next one opens a new one."""
        self._asked.pop(window.id, None)
        if self._open.get((window.kind, window.name)) is window:
            del self._open[window.kind, window.name]

    def _window(self, kind: WindowKind, arrival: Arrival) -> Window:
        key, at = (kind, arrival.name), arrival.at
        if key not in self._open:
            about = (self._new_id(), arrival.function_id, kind, arrival.name)
            self._open[key] = Window(*about, opened_at=at, due=at)
        return self._open[key]

    def _put(self, window: Window, position: int, event: StoredEvent, changes: Changes) -> None:
        window.size += 1
        self._unsaved[window.id] = self._unsaved.get(window.id, 0) + 1
        changes.windows.append(window)
        changes.window_events.append((window.id, position, event.internal_id))
