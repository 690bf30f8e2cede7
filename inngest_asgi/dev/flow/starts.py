"""Which events started which functions within a day, so that none does so twice; saves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.dev.records import Start

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inngest_asgi.dev.records import Changes

DAY = 86_400.0
"""Seconds within which an event id starts a function once."""


class Starts:
    """The starts of the last 24 hours (server-api.md 7, run idempotency).

    An event without an id of its own has its internal one, which comes again only when a sender
    repeats a request with its seed (http.md 14): then, too, there is one run. An id that the
    server drew never comes again; nothing is noted of it (`StoredEvent.repeatable`).

    Args:
        kept: those the store knows, oldest first.
    """

    def __init__(self, kept: Iterable[Start]) -> None:
        self._at = {(one.function_id, one.event_id): one.at for one in kept}

    def is_known(self, function_id: str, event_id: str, now: float) -> bool:
        """Tell whether an event id started the function within the last 24 hours."""
        while self._at and next(iter(self._at.values())) <= now - DAY:
            del self._at[next(iter(self._at))]
        return (function_id, event_id) in self._at

    def add(
        self, function_id: str, event_id: str, run_id: str, now: float, changes: Changes
    ) -> None:
        """Note that an event id starts a function, now and in what is about to be saved."""
        self._at[function_id, event_id] = now
        changes.starts.append(Start(function_id, event_id, run_id, now))
