"""What is printed when, on records made by hand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from inngest_asgi.cli.console import Screen
from inngest_asgi.cli.stopping import first_of
from inngest_asgi.cli.telling import Ended, Telling
from inngest_asgi.dev import Happening
from inngest_asgi.wire.codec import loads
from tests.cli.records import NOW, OTHER, RUN, ended, queued, record, recorded, started

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from typing import Any

    from inngest_asgi.dev import Record

HANDLING = "01M7WVMGEVAD35KTA2RJZHANDL"


class Server:
    """What a telling needs of a server: what happens, as a list, and what happened before."""

    def __init__(self, *records: Record, history: tuple[Record, ...] = ()) -> None:
        self._records = records
        self._history = list(history)
        self.asked = 0

    async def watch(self) -> AsyncIterator[Record]:
        for one in self._records:
            yield one
        await asyncio.get_running_loop().create_future()

    async def history(self, run_id: str) -> list[Record]:
        self.asked += 1
        await asyncio.sleep(0)
        return [one for one in self._history if one.run_id == run_id]


def told(
    server: Server,
    work: Callable[[Telling], Coroutine[Any, Any, Any]],
    *,
    json: bool = False,
    brief: bool = False,
) -> list[str]:
    console = Console(record=True, width=200, soft_wrap=True)
    telling = Telling(server, Screen(console, console, json), brief=brief)
    telling.begin()
    asyncio.run(first_of(work(telling), telling.tell()))
    return console.export_text().splitlines()


async def a_moment(telling: Telling) -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def handler_queued() -> Record:
    about = {"function": "shop-pay-failure", "event": "inngest/function.failed", "due": NOW}
    return record(Happening.RUN_QUEUED, 0.0, HANDLING, **about)


@pytest.fixture(autouse=True)
def _quietly(capsys: pytest.CaptureFixture[str]) -> None:
    """Keep what recording consoles print as well out of the report."""


def test_what_happens_is_printed_with_the_output() -> None:
    server = Server(queued(), started(), ended(output="paid"))
    assert [line.split()[0] for line in told(server, a_moment)] == ["▶", "·", "■", '"paid"']


def test_nothing_is_printed_before_it_is_time(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> list[str]:
        telling = Telling(Server(queued(), started()), Screen(Console(), Console()))
        telling_it = asyncio.create_task(telling.tell())
        await a_moment(telling)
        before = capsys.readouterr().out
        telling.begin()
        await a_moment(telling)
        telling_it.cancel()
        await asyncio.wait([telling_it])
        return [before, capsys.readouterr().out]

    before, after = asyncio.run(main())
    assert (before, after.count("\n")) == ("", 2)


def test_a_run_that_was_started_earlier_is_introduced_first() -> None:
    history = (queued(), started(), recorded("a"))
    lines = told(Server(recorded("b"), history=history), a_moment)
    assert [line.split()[:2] for line in lines] == [["▶", "shop-pay"], ["·", "goes"], ["✓", "b"]]


def test_an_event_that_starts_no_run_has_no_history() -> None:
    about = {"function": "shop-pay", "reason": "rate_limit"}
    server = Server(record(Happening.NOT_STARTED, 0.0, "", **about))
    (line,) = told(server, a_moment)
    assert line.endswith("not started: it is rate limited")
    assert server.asked == 0


def test_its_history_is_what_happened_before() -> None:
    history = (queued(), started(), recorded("a"), recorded("b"))
    lines = told(Server(history[-1], history=history), a_moment)
    assert "1 step recorded before" in lines[1]


def test_what_happens_to_a_run_after_its_end_is_not_told() -> None:
    history = (queued(), started(), ended())
    assert told(Server(recorded("late"), history=history), a_moment) == []


def test_resuming_prints_where_a_run_stands() -> None:
    server = Server(history=(queued(), started(), recorded("a")))
    lines = told(server, lambda telling: telling.resume(RUN))
    assert "1 step recorded before" in lines[1]


def test_resuming_a_run_that_is_known_says_nothing() -> None:
    async def work(telling: Telling) -> None:
        await telling.resume(RUN)
        await telling.resume(RUN)

    server = Server(history=(queued(), started()))
    assert (len(told(server, work)), server.asked) == (2, 1)


def test_resuming_a_run_that_has_ended_meanwhile_says_nothing() -> None:
    server = Server(history=(queued(), started(), ended()))
    assert told(server, lambda telling: telling.resume(RUN)) == []


def test_a_run_that_is_introduced_from_two_sides_is_introduced_once() -> None:
    async def work(telling: Telling) -> None:
        await asyncio.gather(telling.resume(RUN), telling.resume(RUN))

    assert len(told(Server(history=(queued(), started())), work)) == 2


def test_waiting_for_ends_gives_them_when_they_were_printed() -> None:
    async def work(telling: Telling) -> None:
        telling.note_ends()
        ends.extend(await telling.ends_of([RUN, OTHER]))

    ends: list[Ended] = []
    other = queued(run_id=OTHER, name="ship")
    server = Server(queued(), other, ended(), ended(run_id=OTHER, status="Failed", output={}))
    lines = told(server, work)
    assert sorted(ends) == [Ended("shop-pay", "Completed"), Ended("shop-ship", "Failed")]
    assert [end.ok for end in sorted(ends)] == [True, False]
    assert sum(line.startswith("■") for line in lines) == 2


def test_the_failure_handler_of_a_run_is_waited_for() -> None:
    async def work(telling: Telling) -> None:
        telling.note_ends()
        await telling.ends_of([RUN])

    failed = ended(status="Failed", output={"name": "E", "message": "m"})
    server = Server(queued(), failed, handler_queued(), ended(run_id=HANDLING, output="told"))
    assert told(server, work)[-1] == '"told"'


def test_no_ends_are_kept_unless_somebody_waits() -> None:
    async def work(telling: Telling) -> None:
        await a_moment(telling)
        telling.note_ends()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(telling.ends_of([RUN]), 0)

    told(Server(queued(), ended()), work)


def test_briefly_only_failures_and_ends_are_told_without_outputs() -> None:
    error = {"name": "ValueError", "message": "no", "stack": "Traceback ..."}
    server = Server(
        queued(),
        started(),
        recorded("a"),
        ended(status="Failed", output=error),
        queued(run_id=OTHER),
        ended(run_id=OTHER, output="paid"),
    )
    lines = told(server, a_moment, brief=True)
    assert [line.split("  ")[0].strip() for line in lines] == ["■ shop-pay", "", "■ shop-pay"]
    assert lines[0].endswith(f"run {RUN} Failed")
    assert lines[1].strip() == "ValueError: no"


def test_briefly_nothing_is_told_of_where_runs_stand() -> None:
    server = Server(history=(queued(), started()))
    assert told(server, lambda telling: telling.resume(RUN), brief=True) == []


def test_as_json_each_record_is_a_line() -> None:
    happened = (queued(), started(), ended(output={"a": 1}))
    lines = told(Server(*happened), a_moment, json=True)
    documents = [loads(line) for line in lines]
    assert [one["kind"] for one in documents] == ["run_queued", "run_started", "run_ended"]
    assert documents[2] == {
        "seq": happened[2].seq,
        "at": NOW,
        "run_id": RUN,
        "event_id": "event",
        "kind": "run_ended",
        "details": {"status": "Completed", "output": {"a": 1}},
    }


def test_as_json_nothing_is_told_of_what_was_told_before() -> None:
    server = Server(history=(queued(), started()))
    assert told(server, lambda telling: telling.resume(RUN), json=True) == []
