"""Functions deferred until a run has ended: which are kept, which are refused, when they start."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import (
    Call,
    FakeApp,
    Handler,
    Reply,
    crash,
    op,
    ops,
    output,
    ran,
    script,
    sha1,
    world,
)

if TYPE_CHECKING:
    from pathlib import Path

A, B, R = sha1("a"), sha1("b"), sha1("r")
MB = 1024 * 1024


def add(name: str, **opts: Any) -> dict[str, Any]:
    return op("DeferAdd", name, opts={"fn_slug": "shop-later", "input": {"n": name}, **opts})


def abort(name: str) -> dict[str, Any]:
    return op("DeferAbort", f"no {name}", opts={"target_hashed_id": sha1(name)})


def app_of(handler: Handler, **options: Any) -> FakeApp:
    """An app with a function, and another one that is deferred."""
    match = "event.data._inngest.fn_slug == 'shop-later'"
    trigger = {"event": "inngest/deferred.schedule", "expression": match}
    app = FakeApp().add("one", handler, **options)
    return app.add("later", lambda call: output("ok"), triggers=[trigger])


def started(app: FakeApp) -> list[dict[str, Any]]:
    """See a run through; return the data of the events that started what it deferred."""

    async def main() -> list[dict[str, Any]]:
        async with world(app) as here:
            await here.run_one()
            await here.server.settle()
            return [call.body["event"]["data"] for call in app.of("later")]

    return asyncio.run(main())


def inputs(app: FakeApp) -> list[Any]:
    return [data["n"] for data in started(app)]


def refusals(app: FakeApp) -> list[str]:
    """See a run through; return why some of what it deferred was refused."""

    async def main() -> list[str]:
        async with world(app) as here:
            run = await here.run_one()
            assert run.status is RunStatus.COMPLETED
            history = await here.server.history(run.id)
            return [one.details["error"] for one in history if one.kind == "defer_refused"]

    return asyncio.run(main())


def test_a_deferred_function_starts_when_its_run_has_ended() -> None:
    async def main() -> None:
        slept = op("Sleep", "s", opts={"duration": "1h"})
        app = app_of(script(ops(add("a"), slept), output("ok")))
        async with world(app) as here:
            run = await here.run_one()
            await here.server.settle()
            (call,) = app.of("later")
            assert call.body["event"]["name"] == "inngest/deferred.schedule"
            assert call.body["event"]["ts"] == int((run.ended_at or 0) * 1000)
            (function,) = [one for one in here.server.functions if one.slug == "shop-one"]
            assert call.body["event"]["data"] == {
                "n": "a",
                "_inngest": {
                    "fn_slug": "shop-later",
                    "parent_fn_slug": "shop-one",
                    "parent_fn_id": function.id,
                    "parent_app_id": function.app_id,
                    "parent_run_id": run.id,
                    "hashed_id": A,
                },
            }

    asyncio.run(main())


@pytest.mark.parametrize(
    "handler",
    [
        script(ops(add("a"), op("RunComplete", "complete", data=1))),
        script(ops(op("RunComplete", "complete", data=1), add("a"))),
        script(ops(add("a"), ran("r")), output(1)),
        script(ops(add("a"), ran("r")), crash(no_retry=True)),
        script(ops(add("a")), output(1)),
        script(ops(add("a") | {"op": "deferadd"}), output(1)),
    ],
    ids=["with-the-end", "after-the-end", "with-a-step", "of-a-failed-run", "alone", "other-case"],
)
def test_whatever_it_comes_with_it_is_started_once(handler: Handler) -> None:
    assert inputs(app_of(handler)) == ["a"]


def test_it_does_not_count_as_a_step() -> None:
    def handler(call: Call) -> Reply:
        if call.steps:
            return output(call.ctx["disable_immediate_execution"])
        return ops(add("a"), add("b"), ran("r"))

    app = app_of(handler)
    assert inputs(app) == ["a", "b"]
    assert [call.ctx["disable_immediate_execution"] for call in app.of("one")] == [False, False]
    assert [list(call.steps) for call in app.of("one")] == [[], [R]]


def test_calls_are_told_what_is_deferred_already() -> None:
    app = app_of(script(ops(add("a"), add("b"), ran("r")), ops(abort("b"), ran("s")), output(1)))
    assert inputs(app) == ["a"]
    told = [call.body.get("defers") for call in app.of("one")]
    first = {A: {"abortable": True}, B: {"abortable": True}}
    assert told == [None, first, {A: {"abortable": True}, B: {"abortable": False}}]


def test_what_was_aborted_or_added_before_is_not_added_again() -> None:
    again = ops(add("a", input={"n": "other"}), add("b"), abort("b"), ran("s"))
    app = app_of(script(ops(add("a"), add("b"), abort("b"), ran("r")), again, output(1)))
    assert inputs(app) == ["a"]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (add("a", fn_slug=""), "its fn_slug is missing."),
        (add("a", fn_slug=7), "its fn_slug is missing."),
        (add("a", input=[1]), "the input of 'shop-later' is no JSON object."),
        (add("a", input=None), "the input of 'shop-later' is no JSON object."),
        (add("a", meta=[]), "the meta of 'shop-later' is no JSON object of at most 32 kB."),
        (
            add("a", meta={"x": "x" * 32 * 1024}),
            "the meta of 'shop-later' is no JSON object of at most 32 kB.",
        ),
        (
            add("a", input={"x": "x" * 4 * MB}),
            "what a run gives its deferred functions is at most 4 MB.",
        ),
        (abort("a"), "there is none to abort."),
    ],
    ids=[
        *("no-function", "odd-function", "input", "null-input", "meta", "large-meta"),
        *("large-input", "nothing-to-abort"),
    ],
)
def test_a_bad_one_is_refused_and_the_run_goes_on(
    item: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(script(ops(item, ran("r")), output(1)))
    assert refusals(app) == [why]
    assert app.of("later") == []
    assert f"goes on without a deferred function: {why}" in caplog.text


def test_meta_may_be_given() -> None:
    assert inputs(app_of(script(ops(add("a", meta={"k": 1}), ran("r")), output(1)))) == ["a"]


def test_a_run_defers_at_most_20_functions() -> None:
    items = [add(str(n)) for n in range(22)]
    app = app_of(script(ops(*items, ran("r")), output(1)))
    assert refusals(app) == ["a run defers at most 20 functions."] * 2
    app = app_of(script(ops(*items, ran("r")), output(1)))
    assert len(inputs(app)) == 20


def test_inputs_of_all_share_4_mb_and_aborting_gives_room() -> None:
    def large(name: str) -> dict[str, Any]:
        return add(name, input={"n": name, "x": "x" * 2_500_000})

    items = (large("a"), large("b"), abort("a"), large("c"))
    app = app_of(script(ops(*items, ran("r")), ops(add("b"), ran("s")), output(1)))
    assert inputs(app) == ["c"]
    assert list(app.of("one")[-1].body["defers"]) == [A, B, sha1("c")]


def test_they_outlive_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        slept = op("Sleep", "s", opts={"duration": "1h"})
        app = app_of(script(ops(add("a"), add("b"), abort("b"), slept), output("ok")))
        async with world(app, db=db, clock=clock) as here:
            event_id = await here.send()
            await here.server.settle()
        async with world(app, db=db, clock=clock, sync=False) as here:
            await here.finish(event_id)
            await here.server.settle()
            thread = here.server.store._thread
            left = await thread.submit(lambda conn: conn.execute("SELECT * FROM defers").fetchall())
        assert [call.body["event"]["data"]["n"] for call in app.of("later")] == ["a"]
        assert app.of("one")[1].body["defers"] == {A: {"abortable": True}, B: {"abortable": False}}
        assert left == []

    asyncio.run(main())


def test_those_of_a_cancelled_run_start_too() -> None:
    async def main() -> None:
        slept = op("Sleep", "s", opts={"duration": "1h"})
        app = app_of(script(ops(add("a"), slept)))
        async with world(app) as here:
            event_id = await here.send()
            await here.server.settle()
            (run,) = await here.server.runs_of(event_id)
            assert (await here.http.delete(f"/v1/runs/{run.id}")).status_code == 200
            await here.finish(event_id)
            await here.server.settle()
        assert len(app.of("later")) == 1

    asyncio.run(main())


def test_they_are_told_of_in_the_history() -> None:
    async def main() -> None:
        app = app_of(script(ops(add("a"), abort("a"), ran("r")), output(1)))
        async with world(app) as here:
            run = await here.run_one()
            told = [
                (str(one.kind), one.details["function"])
                for one in await here.server.history(run.id)
                if one.kind.startswith("defer")
            ]
            assert told == [("defer_added", "shop-later"), ("defer_aborted", "shop-later")]
            assert loads(run.output or b"") == 1

    asyncio.run(main())
