"""What tests of flow control look at: when runs began, how many went on at once, and why not."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.dev.fakes import FakeApp, Reply, output, world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from inngest_asgi.dev import RunStatus
    from inngest_asgi.testing import ManualClock
    from tests.dev.fakes import Call, World


@dataclass
class Busy:
    """A function whose calls take their time, and which knows how many of them overlap.

    `began` are the seconds after `clock`'s start at which calls came, with a label of their event.
    """

    clock: ManualClock
    seconds: float = 10.0
    group: str = ""
    began: list[tuple[float, Any]] = field(default_factory=list)
    now: Counter[Any] = field(default_factory=Counter)
    most: Counter[Any] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._start = self.clock.time()

    async def __call__(self, call: Call) -> Reply:
        data = call.body["event"]["data"]
        group = data.get(self.group)
        self.began.append((round(self.clock.time() - self._start, 3), data.get("n")))
        self.now[group] += 1
        self.most[group] = max(self.most[group], self.now[group])
        await self.clock.sleep(data.get("seconds", self.seconds))
        self.now[group] -= 1
        return output(data.get("n"))

    @property
    def times(self) -> list[float]:
        return [time for time, _ in self.began]

    @property
    def order(self) -> list[Any]:
        return [label for _, label in self.began]


def played(app: FakeApp, play: Callable[[World], Awaitable[None]], **options: Any) -> None:
    """Have somebody talk to a server that knows the app."""

    async def main() -> None:
        async with world(app, **options) as here:
            await play(here)

    asyncio.run(main())


async def send_many(here: World, *data: dict[str, Any], name: str = "shop/paid") -> list[str]:
    """Send events in one request, and return their internal ids."""
    answer = await here.http.post("/e/key", json=[{"name": name, "data": one} for one in data])
    assert answer.status_code == 200, answer.text
    ids = [str(one) for one in answer.json()["ids"]]
    await here.server.settle()
    return ids


async def reasons(here: World, event_id: str) -> list[str]:
    """Return why an event started no run, or not at once."""
    return [record.details["reason"] for record in await here.server.store.event_history(event_id)]


async def statuses(here: World, event_ids: list[str]) -> list[list[RunStatus]]:
    """Return how the runs of events ended."""
    return [[run.status for run in await here.server.runs_of(one)] for one in event_ids]


def numbers(count: int) -> list[dict[str, Any]]:
    """Return the data of as many events, numbered from 0 as `n`."""
    return [{"n": number} for number in range(count)]
