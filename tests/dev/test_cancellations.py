"""Many runs cancelled at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.dev.apps.registry import app_id
from inngest_asgi.dev.cancellations import Cancellation
from inngest_asgi.errors import RequestError
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import FakeApp, World, op, ops, world
from tests.dev.web.asking import within

if TYPE_CHECKING:
    from pathlib import Path

NOW = "2025-01-01T00:00:{:02}Z"
UNTIL_5 = Cancellation("any", "shop-one", None, 1735689605.0, "")


def app() -> FakeApp:
    nap = ops(op("Sleep", "nap", opts={"duration": "1h"}))
    return FakeApp().add("one", lambda call: nap).add("two", lambda call: nap, event="other")


def about(**more: Any) -> dict[str, Any]:
    return {"app_id": "shop", "function_id": "one", "started_before": NOW.format(30)} | more


async def cancelled(here: World) -> list[int]:
    """Return the numbers of the events whose runs were cancelled."""
    await here.server.settle()
    numbers = []
    for row in await here.server.store._run_rows("ORDER BY rowid"):
        event = await here.server.store.event(row.event_id)
        assert event is not None
        if row.status is RunStatus.CANCELLED:
            numbers.append(event.ts // 10_000 % 10)
    return numbers


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [0, 1, 2]),
        ({"started_before": NOW.format(15)}, [0, 1]),
        ({"started_after": NOW.format(5)}, [1, 2]),
        ({"started_after": NOW.format(5), "started_before": NOW.format(15)}, [1]),
        ({"if": "event.data.n == 2"}, [2]),
        ({"if": "event.data.n.m > 2"}, []),
        ({"function_id": "shop-one", "app_id": app_id("shop"), "if": ""}, [0, 1, 2]),
        ({"function_id": "two"}, [3]),
    ],
    ids=str,
)
def test_runs_of_a_function_and_a_stretch_of_time_are_cancelled(
    given: dict[str, Any], expected: list[int]
) -> None:
    async def ask(here: World) -> None:
        for number in range(3):
            await here.send(data={"n": number})
            await here.pass_time(10)
        await here.send("other")
        await here.server.settle()
        asked = about(started_before=NOW.format(31)) | given
        await here.server.cancellations.create(asked)
        assert await cancelled(here) == expected

    within(app(), ask)


def test_runs_queued_until_the_end_of_the_stretch_are_cancelled_too() -> None:
    async def ask(here: World) -> None:
        await here.server.cancellations.create(about(started_before=NOW.format(5)))
        await here.send()
        assert await cancelled(here) == []
        await here.pass_time(6)
        await here.send()
        await here.pass_time(10)
        assert await cancelled(here) == [0]

    within(app(), ask)


def test_a_deleted_cancellation_cancels_no_more() -> None:
    async def ask(here: World) -> None:
        made = await here.server.cancellations.create(about(started_before=NOW.format(5)))
        await here.send()
        assert await here.server.cancellations.delete(made["id"])
        await here.pass_time(6)
        assert await cancelled(here) == []

    within(app(), ask)


def test_a_server_that_stops_leaves_the_rest() -> None:
    async def ask(here: World) -> None:
        await here.server.cancellations.create(about(started_before=NOW.format(5)))
        await here.send()
        here.server.cancellations._sweep_later(UNTIL_5)
        await here.server.cancellations.stop()
        assert await cancelled(here) == []

    within(app(), ask)


def test_more_runs_than_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inngest_asgi.dev.cancellations._PAGE", 2)

    async def ask(here: World) -> None:
        for _ in range(5):
            await here.send()
        await here.server.settle()
        await here.server.cancellations.create(about(started_before=NOW.format(3)))
        assert await cancelled(here) == [0] * 5

    within(app(), ask)


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({"app_id": ""}, 400, "app_id is required"),
        ({"function_id": 7}, 400, "function_id is required"),
        ({"started_before": None}, 400, "started_before is required"),
        ({"started_before": "soon"}, 400, "started_before is not a date: 'soon'"),
        ({"started_before": NOW.format(6)}, 400, "must not be in the future"),
        ({"started_before": NOW.format(5), "started_after": NOW.format(5)}, 400, "must be before"),
        ({"started_after": 5}, 400, "started_after is required"),
        ({"if": "event.data. =="}, 400, "invalid expression: "),
        ({"if": 7}, 400, "invalid expression: "),
        ({"function_id": "three"}, 404, "function not found"),
        ({"app_id": "none"}, 404, "function not found"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], status: int, says: str) -> None:
    async def ask(here: World) -> None:
        with pytest.raises(RequestError) as refusal:
            await here.server.cancellations.create(about(started_before=NOW.format(1)) | given)
        assert refusal.value.status == status
        assert says in str(refusal.value)

    within(app(), ask)


def test_a_record_tells_what_was_asked_for() -> None:
    async def ask(here: World) -> None:
        given = about(started_before=NOW.format(5), started_after="2024-12-31", **{"if": "true"})
        made = await here.server.cancellations.create(given)
        assert given.items() <= made.items()
        function = next(one for one in here.server.functions if one.slug == "shop-one")
        assert made["function_internal_id"] == function.id

    within(app(), ask)


def test_the_next_server_cancels_what_was_queued_until_the_end_of_the_stretch(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        apps, clock, db = app(), ManualClock(), str(tmp_path / "dev.db")
        async with world(apps, clock=clock, db=db) as here:
            await here.server.cancellations.create(about(started_before=NOW.format(5)))
        async with world(apps, clock=clock, db=db, sync=False) as here:
            for _ in range(2):
                await here.send()
                await here.pass_time(6)
            first, second = await here.server.store._run_rows("ORDER BY rowid")
            assert (first.status, second.status) == (RunStatus.CANCELLED, RunStatus.RUNNING)

    asyncio.run(main())
