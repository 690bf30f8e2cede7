"""The parts of flow control that share what they remember, put together; it decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inngest_asgi.dev.flow.admission import Admission
from inngest_asgi.dev.flow.rates import Rates
from inngest_asgi.dev.flow.starts import Starts
from inngest_asgi.dev.flow.turnstile import Turnstile
from inngest_asgi.dev.flow.windows import Windows
from inngest_asgi.dev.store.flow import load_flow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.alarm import Alarm
    from inngest_asgi.dev.records import Start, Window
    from inngest_asgi.dev.store.store import Store
    from inngest_asgi.dev.watch import Feed


@dataclass(frozen=True, slots=True)
class FlowControl:
    """What decides on starts (`admission`) and on what is done now (`turnstile`).

    `left` are the windows that an earlier server left open.
    """

    admission: Admission
    turnstile: Turnstile
    windows: Windows
    left: list[Window]

    @classmethod
    async def load(
        cls,
        clock: Clock,
        alarm: Alarm,
        store: Store,
        feed: Feed,
        starts: Iterable[Start],
        new_id: Callable[[], str],
    ) -> FlowControl:
        """Go on where the last server on the same file stopped.

        Args:
            clock: tells the time.
            alarm: wakes for what becomes possible with time.
            store: what is kept.
            feed: numbers the records.
            starts: which events started functions within a day.
            new_id: makes the ids of windows.
        """
        kept = await store.read(lambda connection: load_flow(connection, clock.time()))
        rates, windows = Rates(kept.rates), Windows(new_id, kept.windows, kept.asked)
        return cls(
            admission=Admission(clock, feed, Starts(starts), rates, windows),
            turnstile=Turnstile(clock, alarm, rates),
            windows=windows,
            left=kept.windows,
        )
