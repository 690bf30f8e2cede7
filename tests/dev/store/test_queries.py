"""Lists of runs and events: filters, text, order, pages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from inngest_asgi.dev.records import Changes, Function, Memo, Run, RunStatus, Start, StoredEvent
from inngest_asgi.dev.store.filters import EventQuery, RunQuery, TimeField
from inngest_asgi.dev.store.queries import Queries
from inngest_asgi.dev.store.store import Store
from inngest_asgi.wire.codec import dumps

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

PAID, SENT, TIMER = "shop/paid", "shop/sent_100%", "inngest/scheduled.timer"


def event(number: int, name: str = PAID, data: dict[str, Any] | None = None) -> StoredEvent:
    body = dumps({"name": name, "data": data or {}})
    return StoredEvent(f"E{number}", f"mine-{number}", name, number, float(number), body)


def run(
    number: int,
    function: str,
    about: StoredEvent,
    status: RunStatus,
    started: float | None = None,
    ended: float | None = None,
) -> Run:
    made = Run(f"R{number}", function, about, float(number), status, started, ended)
    made.output = b'"out"' if status.ended else None
    return made


def function(name: str, app: str) -> Function:
    return Function(name, app, f"{app}-{name}", f"The {name} function", "url", 1, [], {})


EVENTS = [event(1), event(2, SENT), event(3), event(4, TIMER, {"cron": "0 9 * * *"})]
RUNS = [
    run(1, "pay", EVENTS[0], RunStatus.COMPLETED, started=10.0, ended=40.0),
    run(2, "mail", EVENTS[1], RunStatus.FAILED, started=9.0, ended=20.0),
    run(3, "pay", EVENTS[2], RunStatus.RUNNING, started=8.0),
    run(4, "mail", EVENTS[2], RunStatus.SCHEDULED),
    run(5, "tidy", EVENTS[3], RunStatus.COMPLETED, started=7.0, ended=30.0),
]
FUNCTIONS = [function("pay", "shop"), function("mail", "shop"), function("tidy", "home")]


def asking(ask: Callable[[Queries], Awaitable[T]]) -> T:
    """Ask a store that holds all of the above."""

    async def main() -> T:
        store = await Store.open(":memory:")
        starts = [Start("pay", "mine-1", "R1", 1.0)]
        changes = Changes(events=EVENTS, new_runs=RUNS, functions=FUNCTIONS, starts=starts)
        await store.save(changes)
        await store.read(note_rerun)
        try:
            return await ask(Queries(store))
        finally:
            await store.close()

    return asyncio.run(main())


def note_rerun(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO reruns VALUES ('R3', 'R1', NULL, NULL)")


def listed(**filters: Any) -> list[int]:
    page = asking(lambda queries: queries.runs(RunQuery(**filters)))
    return [int(item.run.id[1:]) for item in page.items]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"newest_first": False}, [1, 2, 3, 4, 5]),
        ({"statuses": (RunStatus.COMPLETED,)}, [5, 1]),
        ({"statuses": (RunStatus.RUNNING, RunStatus.SCHEDULED)}, [4, 3]),
        ({"function_ids": ("pay", "tidy")}, [5, 3, 1]),
        ({"function_ids": ()}, []),
        ({"app_ids": ("shop",)}, [4, 3, 2, 1]),
        ({"app_ids": ("shop",), "function_ids": ("mail", "tidy")}, [4, 2]),
        ({"event_id": "E3"}, [4, 3]),
        ({"since": 2.0, "until": 4.0}, [3, 2]),
        ({"time": TimeField.STARTED}, [1, 2, 3, 5]),
        ({"time": TimeField.ENDED}, [1, 5, 2]),
        ({"time": TimeField.ENDED, "newest_first": False, "since": 30.0}, [5, 1]),
        ({"deferred": True}, []),
        ({"deferred": False, "limit": 2}, [5, 4]),
        ({"text": "R2"}, [2]),
        ({"text": "r2"}, [2]),
        ({"text": "R"}, [5, 4, 3, 2, 1]),
        ({"text": "e3"}, [4, 3]),
        ({"text": "mine-3"}, [4, 3]),
        ({"text": "mine"}, []),
        ({"text": "home-"}, [5]),
        ({"text": "THE MAIL"}, [4, 2]),
        ({"text": "sent_100%"}, [2]),
        ({"text": "sent%"}, []),
        ({"text": "shop_sent"}, []),
        ({"text": "\\"}, []),
        ({"text": "timer", "statuses": (RunStatus.FAILED,)}, []),
    ],
    ids=str,
)
def test_runs_are_filtered_and_ordered(filters: dict[str, Any], expected: list[int]) -> None:
    assert listed(**filters) == expected


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("time", TimeField)
def test_pages_of_runs_follow_each_other(newest_first: bool, time: TimeField) -> None:  # noqa: FBT001
    async def ask(queries: Queries) -> list[str]:
        found: list[str] = []
        cursor = None
        while True:
            query = RunQuery(limit=2, cursor=cursor, newest_first=newest_first, time=time)
            page = await queries.runs(query)
            assert 1 <= len(page.items) <= 2
            found += [item.run.id for item in page.items]
            cursor = page.cursor
            if cursor is None:
                return found

    whole = listed(newest_first=newest_first, time=time)
    assert asking(ask) == [f"R{number}" for number in whole]


def test_runs_of_one_moment_are_split_into_pages_by_their_ids() -> None:
    runs = [run(number, "pay", EVENTS[0], RunStatus.RUNNING) for number in range(6)]
    for one in runs:
        one.queued_at = 1.0

    async def main() -> list[str]:
        store = await Store.open(":memory:")
        await store.save(Changes(events=EVENTS, new_runs=runs))
        first = await Queries(store).runs(RunQuery(limit=4))
        second = await Queries(store).runs(RunQuery(limit=4, cursor=first.cursor))
        await store.close()
        return [item.run.id for item in first.items + second.items]

    assert asyncio.run(main()) == ["R5", "R4", "R3", "R2", "R1", "R0"]


@pytest.mark.parametrize("cursor", ["", "no", "W10", "WzEsMl0", "bnVsbA", "é", "WyJhIiwgImIiXQ"])
def test_a_cursor_of_somebody_else_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        asking(lambda queries: queries.runs(RunQuery(cursor=cursor)))


def test_a_text_that_is_very_long_finds_nothing_and_breaks_nothing() -> None:
    assert listed(text="%" * 100_000) == []
    page = asking(lambda queries: queries.events(EventQuery(text="x" * 100_000)))
    assert page.items == []


def test_as_many_ids_as_there_may_be_are_looked_for() -> None:
    ids = [f"X{number}" for number in range(40_000)]
    assert asking(lambda queries: queries.known_runs([*ids, "R1"])) == {"R1"}


def test_items_tell_how_a_run_began() -> None:
    page = asking(lambda queries: queries.runs(RunQuery()))
    about = {item.run.id: (item.event_name, item.cron, item.original_run_id) for item in page.items}
    assert about["R5"] == (TIMER, "0 9 * * *", None)
    assert about["R3"] == (PAID, None, "R1")
    assert about["R2"] == (SENT, None, None)


def test_outputs_are_read_when_asked_for() -> None:
    async def ask(queries: Queries) -> list[bytes | None]:
        without = await queries.runs(RunQuery(event_id="E1"))
        with_output = await queries.runs(RunQuery(event_id="E1", outputs=True))
        return [page.items[0].run.output for page in (without, with_output)]

    assert asking(ask) == [None, b'"out"']


def test_one_run_has_its_output() -> None:
    item = asking(lambda queries: queries.run("R1"))
    assert item is not None
    assert (item.run.output, item.run.status) == (b'"out"', RunStatus.COMPLETED)
    assert asking(lambda queries: queries.run("R9")) is None


def test_runs_of_several_events() -> None:
    found = asking(lambda queries: queries.runs_of_events(["E3", "E1", "E9"]))
    ids = {event_id: [item.run.id for item in items] for event_id, items in found.items()}
    assert ids == {"E3": ["R3", "R4"], "E1": ["R1"], "E9": []}


def test_a_batch_is_the_run_of_each_of_its_events() -> None:
    batched = run(9, "pay", EVENTS[0], RunStatus.RUNNING)
    batched.batch_id, batched.batch = "BATCH", (EVENTS[0], EVENTS[2])

    async def main() -> None:
        store = await Store.open(":memory:")
        await store.save(Changes(events=EVENTS, new_runs=[RUNS[0], batched]))
        queries = Queries(store)
        found = await queries.runs_of_events(["E1", "E3"])
        assert [item.run.id for item in found["E1"]] == ["R1", "R9"]
        assert [item.run.batch_id for item in found["E3"]] == ["BATCH"]
        (item,) = (await queries.runs(RunQuery(event_id="E3"))).items
        assert item.run.id == "R9"
        assert await queries.events_of_run("R9") == [EVENTS[0], EVENTS[2]]
        assert await queries.events_of_run("R1") == [EVENTS[0]]
        assert await queries.events_of_run("R2") == []
        await store.close()

    asyncio.run(main())


def test_a_run_whose_event_is_gone_is_still_listed() -> None:
    async def main() -> tuple[str, str | None]:
        store = await Store.open(":memory:")
        await store.save(Changes(new_runs=RUNS[:1]))
        page = await Queries(store).runs(RunQuery())
        await store.close()
        return page.items[0].event_name, page.items[0].cron

    assert asyncio.run(main()) == ("", None)


def test_memos_come_with_or_without_values() -> None:
    memos = [Memo("b", "B", "StepRun", b'{"data":1}'), Memo("a", "A", "Sleep", b"null")]

    async def main() -> None:
        store = await Store.open(":memory:")
        await store.save(Changes(memos=[("R1", at, memo) for at, memo in enumerate(memos)]))
        queries = Queries(store)
        assert list((await queries.memos("R1", values=True)).values()) == memos
        without = await queries.memos("R1", values=False)
        assert [(memo.name, memo.value) for memo in without.values()] == [("B", b""), ("A", b"")]
        assert await queries.memos("R2", values=True) == {}
        await store.close()

    asyncio.run(main())


def test_runs_are_counted_by_status() -> None:
    assert asking(lambda queries: queries.run_counts()) == {
        RunStatus.RUNNING: 1,
        RunStatus.COMPLETED: 2,
        RunStatus.FAILED: 1,
        RunStatus.SCHEDULED: 1,
    }


def test_the_run_that_an_event_id_started() -> None:
    assert asking(lambda queries: queries.started_by("pay", "mine-1")) == "R1"
    assert asking(lambda queries: queries.started_by("mail", "mine-1")) is None


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [4, 3, 2, 1]),
        ({"name": PAID}, [3, 1]),
        ({"since": 1.0, "until": 4.0}, [3, 2]),
        ({"internal": False}, [3, 2, 1]),
        ({"cursor": "E3"}, [2, 1]),
        ({"text": "e2"}, [2]),
        ({"text": "mine-3"}, [3]),
        ({"text": "SENT_"}, [2]),
        ({"text": "_ent"}, []),
        ({"text": "shop", "name": PAID, "limit": 1}, [3]),
    ],
    ids=str,
)
def test_events_are_filtered_newest_first(filters: dict[str, Any], expected: list[int]) -> None:
    page = asking(lambda queries: queries.events(EventQuery(**filters)))
    assert page.items == [EVENTS[number - 1] for number in expected]


def test_pages_of_events_follow_each_other() -> None:
    async def ask(queries: Queries) -> list[Any]:
        first = await queries.events(EventQuery(limit=2))
        second = await queries.events(EventQuery(limit=2, cursor=first.cursor))
        return [len(first.items), first.cursor, len(second.items), second.cursor]

    assert asking(ask) == [2, "E3", 2, None]


def test_the_names_of_events() -> None:
    assert asking(lambda queries: queries.event_names()) == [TIMER, PAID, SENT]
