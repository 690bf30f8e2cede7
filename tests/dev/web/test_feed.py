"""What open pages are told: little, together, and never more than a bound."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev.records import App, Changes, Happening, Record
from inngest_asgi.dev.web.feed import MOST_RUNS, Mailbox
from inngest_asgi.dev.web.page import page_files
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import FakeApp, output, world

if TYPE_CHECKING:
    from inngest_asgi.dev import DevServer


def happened(*run_ids: str) -> Changes:
    return Changes(records=[Record(1, 0.0, one, "e", Happening.RUN_STARTED, {}) for one in run_ids])


def taken(*changes: Changes) -> Any:
    async def main() -> Any:
        mailbox = Mailbox(ManualClock())
        for one in changes:
            mailbox.put(one)
        return await mailbox.take()

    return asyncio.run(main())


def test_changes_of_one_run_are_told_once() -> None:
    assert taken(happened("b", "a"), happened("a"))["runs"] == ["a", "b"]


def test_many_runs_are_told_as_any() -> None:
    names = [str(number) for number in range(MOST_RUNS + 1)]
    assert taken(happened(*names), happened("a"))["runs"] == "any"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        (Changes(apps=[App("1", "shop", "http://x")]), "apps"),
        (Changes(gone_apps=["1"]), "apps"),
        (Changes(events=[None]), "events"),  # type: ignore[list-item] # that there is one counts
    ],
    ids=["app", "app gone", "event"],
)
def test_other_news_is_told_by_its_kind(changes: Changes, what: str) -> None:
    news = taken(changes)
    assert news == {"runs": [], "events": what == "events", "apps": what == "apps"}


def test_what_was_taken_is_not_told_again() -> None:
    async def main() -> Any:
        mailbox = Mailbox(ManualClock())
        mailbox.put(happened(*[str(number) for number in range(MOST_RUNS + 1)]))
        await mailbox.take()
        mailbox.put(happened("a"))
        return await mailbox.take()

    assert asyncio.run(main()) == {"runs": ["a"], "events": False, "apps": False}


def test_a_slow_page_costs_no_more_than_a_bound() -> None:
    mailbox_sizes = []

    async def main() -> None:
        mailbox = Mailbox(ManualClock())
        for number in range(5 * MOST_RUNS):
            mailbox.put(happened(str(number)))
            mailbox_sizes.append(len(mailbox._runs))

    asyncio.run(main())
    assert max(mailbox_sizes) <= MOST_RUNS


def test_silence_is_a_heartbeat() -> None:
    async def main() -> Any:
        clock = ManualClock()
        return await clock.until(Mailbox(clock).take())

    assert asyncio.run(main()) is None


class Stream:
    """Reads a feed as it comes, which httpx's ASGI transport cannot."""

    def __init__(self, server: DevServer) -> None:
        self._parts: asyncio.Queue[bytes] = asyncio.Queue()
        self._gone = asyncio.Event()
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/ui/feed",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
        }
        self._task = asyncio.ensure_future(server.app(scope, self._receive, self._send))

    async def next(self) -> str:
        return (await self._parts.get()).decode()

    async def close(self) -> None:
        self._gone.set()
        await self._task

    async def _receive(self) -> Any:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            await self._parts.put(message["body"])


def test_a_page_hears_who_it_talks_to_then_of_runs_and_silence() -> None:
    async def main() -> list[str]:
        async with world(FakeApp().add("charge", lambda call: output(1))) as here:
            stream = Stream(here.server)
            said = [await stream.next()]
            run = await here.run_one()
            said.append(await stream.next())
            assert run.id in said[1]
            said.append(await here.clock.until(stream.next(), settle=here.server.settle))
            while not said[-1].startswith(":"):
                said.append(await here.clock.until(stream.next(), settle=here.server.settle))
            await stream.close()
            return said

    hello, news, *_, silence = asyncio.run(main())
    assert hello.startswith("event: hello\n")
    assert loads(hello.partition("data: ")[2])["page"] == page_files().digest
    assert news.startswith("event: changed\n")
    assert silence == ": still here\n\n"


def test_a_page_that_goes_is_forgotten() -> None:
    async def main() -> list[int]:
        async with world(FakeApp()) as here:
            before = len(here.server.feed._listeners)
            stream = Stream(here.server)
            await stream.next()
            during = len(here.server.feed._listeners)
            await stream.close()
            return [during - before, len(here.server.feed._listeners) - before]

    assert asyncio.run(main()) == [1, 0]
