"""Limits on calls and on runs: what waits, who is next, and that nothing is exceeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.dev.cancels import cancel_job
from inngest_asgi.dev.records import Changes
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import FakeApp, Reply, op, ops, output, sha1
from tests.dev.flow.fakes import Busy, numbers, played, send_many

if TYPE_CHECKING:
    from tests.dev.fakes import Call, World

A = sha1("a")


def users(*names: str) -> list[dict[str, Any]]:
    return [{"n": index, "user": name} for index, name in enumerate(names)]


def sleeper(call: Call) -> Reply:
    if A not in call.steps:
        return ops(op("Sleep", "a", opts={"duration": "1h"}))
    return output(None)


@pytest.mark.parametrize(
    "limit",
    [2, {"limit": 2}, [{"limit": 2}], {"step": [{"limit": 2}]}],
    ids=["number", "object", "array", "by-kind"],
)
def test_calls_beyond_the_limit_wait_and_start_in_order(limit: Any) -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *numbers(5))
        await here.pass_time(60)
        assert busy.began == [(0, 0), (0, 1), (10, 2), (10, 3), (20, 4)]

    played(FakeApp().add("one", busy, concurrency=limit), play, clock=clock)


def test_each_key_has_the_limit_for_itself() -> None:
    clock = ManualClock()
    busy = Busy(clock, group="user")

    async def play(here: World) -> None:
        await send_many(here, *users("ann", "ann", "bob", "ann", "bob"))
        await here.pass_time(60)
        assert busy.began == [(0, 0), (0, 2), (10, 1), (10, 4), (20, 3)]

    limit = {"limit": 1, "key": "event.data.user"}
    played(FakeApp().add("one", busy, concurrency=limit), play, clock=clock)


def test_two_limits_hold_both() -> None:
    clock = ManualClock()
    busy = Busy(clock, group="user")

    async def play(here: World) -> None:
        await send_many(here, *users("ann", "ann", "bob", "cid", "dan"))
        await here.pass_time(60)
        assert busy.began == [(0, 0), (0, 2), (10, 1), (10, 3), (20, 4)]

    limits = [{"limit": 2}, {"limit": 1, "key": "event.data.user"}]
    played(FakeApp().add("one", busy, concurrency=limits), play, clock=clock)


def test_two_limits_on_the_same_thing_count_once_and_the_lower_one_holds() -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *numbers(4))
        await here.pass_time(60)
        assert busy.times == [0, 0, 10, 10]

    limits = [{"limit": 4}, {"limit": 2}]
    played(FakeApp().add("one", busy, concurrency=limits), play, clock=clock)


@pytest.mark.parametrize("scope", ["env", "account"])
def test_functions_share_the_keys_of_a_scope(scope: str) -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *users("ann", "ann"))
        await here.pass_time(60)
        assert busy.times == [0, 10, 20, 30]

    app = FakeApp()
    for name in ("one", "two"):
        app.add(name, busy, concurrency={"limit": 1, "scope": scope, "key": "event.data.user"})
    played(app, play, clock=clock)


def test_those_who_share_a_key_are_held_to_limits_of_their_own() -> None:
    clock = ManualClock()
    wide, narrow = Busy(clock), Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *numbers(3), name="wide")
        await send_many(here, *numbers(1), name="narrow")
        await here.pass_time(60)
        assert wide.times == [0, 0, 0]
        assert narrow.times == [10]

    app = FakeApp()
    for name, busy, limit in (("wide", wide, 3), ("narrow", narrow, 1)):
        shared = {"limit": limit, "scope": "env", "key": "'openai'"}
        app.add(name, busy, event=name, concurrency=shared)
    played(app, play, clock=clock)


def test_functions_do_not_share_what_has_no_scope() -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        await send_many(here, *numbers(1))
        assert busy.times == [0, 0]

    app = FakeApp().add("one", busy, concurrency=1).add("two", busy, concurrency=1)
    played(app, play, clock=clock)


def test_runs_that_sleep_do_not_count_as_calls() -> None:
    async def play(here: World) -> None:
        await send_many(here, *numbers(3))
        assert len(here.app.calls) == 3

    played(FakeApp().add("one", sleeper, concurrency=1), play)


def test_a_limit_on_runs_holds_from_start_to_end_through_sleeps() -> None:
    async def play(here: World) -> None:
        start = here.clock.time()
        ids = await send_many(here, *numbers(3))
        assert len(here.app.calls) == 1
        runs = [run for one in ids for run in await here.finish(one)]
        begun = [run.started_at - start for run in runs if run.started_at is not None]
        assert begun == [0, 3_600, 7_200]

    played(FakeApp().add("one", sleeper, concurrency={"fn": [{"limit": 1}]}), play)


def test_a_limit_on_runs_may_have_keys() -> None:
    async def play(here: World) -> None:
        await send_many(here, *users("ann", "ann", "bob"))
        assert [call.body["event"]["data"]["n"] for call in here.app.calls] == [0, 2]

    limit = {"fn": [{"limit": 1, "key": "event.data.user"}], "step": [{"limit": 5}]}
    played(FakeApp().add("one", sleeper, concurrency=limit), play)


def test_a_run_that_waits_for_its_place_can_be_cancelled_and_the_next_gets_it() -> None:
    clock = ManualClock()
    busy = Busy(clock)

    async def play(here: World) -> None:
        ids = await send_many(here, *numbers(3))
        (run,) = await here.server.runs_of(ids[1])
        cancel = cancel_job(run.id, clock.time(), "Somebody cancelled it.")
        await here.server.commits.commit(Changes(jobs=[cancel]))
        await here.pass_time(60)
        assert busy.began == [(0, 0), (10, 2)]
        (run,) = await here.server.runs_of(ids[1])
        assert run.status is RunStatus.CANCELLED

    played(FakeApp().add("one", busy, concurrency=1), play, clock=clock)


def test_a_failed_attempt_gives_its_place_away_until_it_is_tried_again() -> None:
    clock = ManualClock()
    times: list[tuple[float, int]] = []

    def flaky(call: Call) -> Reply:
        times.append((clock.time() - start, call.body["event"]["data"]["n"]))
        if call.ctx["attempt"] == 0 and call.body["event"]["data"]["n"] == 0:
            return Reply(500, {"message": "no"}, {"retry-after": "60"})
        return output(None)

    start = clock.time()

    async def play(here: World) -> None:
        await send_many(here, *numbers(2))
        await here.pass_time(120)
        assert times == [(0, 0), (0, 1), (60, 0)]

    played(FakeApp().add("one", flaky, concurrency=1), play, clock=clock)
