"""Functions that steps, or the API, ask for by name: who runs, what comes back, and when."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.dev.cancels import cancel_job
from inngest_asgi.dev.failures import failure
from inngest_asgi.dev.records import Changes
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import (
    Call,
    FakeApp,
    Handler,
    Reply,
    World,
    crash,
    kinds,
    op,
    ops,
    output,
    sha1,
    world,
)

if TYPE_CHECKING:
    from pathlib import Path

    from inngest_asgi.dev import RunRow

A, B = sha1("a"), sha1("b")


def invoke(name: str = "a", function: str = "shop-child", **opts: Any) -> dict[str, Any]:
    given = {"function_id": function, "payload": {"data": {"n": 1}}} | opts
    return op("InvokeFunction", name, opts=given)


def parent(*names: str, **opts: Any) -> Handler:
    """A function that invokes the child once per name, all at a time, and returns the memos."""

    def handler(call: Call) -> Reply:
        if all(sha1(name) in call.steps for name in names):
            memos = [call.steps[sha1(name)] for name in names]
            return output(memos[0] if len(memos) == 1 else memos)
        return ops(*(invoke(name, **opts) for name in names))

    return handler


def family(child: Handler, *names: str, retries: int = 0, **opts: Any) -> FakeApp:
    app = FakeApp().add("parent", parent(*(names or ("a",)), **opts))
    return app.add("child", child, event="shop/never", retries=retries)


def run(app: FakeApp) -> tuple[RunStatus, Any]:
    """See one run of the parent through; return its status and its output."""

    async def main() -> tuple[RunStatus, Any]:
        async with world(app) as here:
            return outcome(await here.run_one())

    return asyncio.run(main())


def outcome(row: RunRow | None) -> tuple[RunStatus, Any]:
    assert row is not None
    return row.status, loads(row.output or b"null")


async def started(here: World, **event: Any) -> str:
    event_id = await here.send(**event)
    await here.server.settle()
    return event_id


def test_what_the_child_returns_is_what_the_step_returns() -> None:
    app = family(lambda call: output({"twice": call.body["event"]["data"]["n"] * 2}))
    assert run(app) == (RunStatus.COMPLETED, {"data": {"twice": 2}})
    assert [call.function for call in app.calls] == ["shop-parent", "shop-child", "shop-parent"]


def test_the_event_of_an_invoked_run_names_who_asked() -> None:
    async def main() -> None:
        payload = {"data": {"n": 1, "_inngest": {"fn_id": "x"}}, "user": {"id": "u"}, "v": "3"}
        app = family(lambda call: output(None), payload=payload | {"id": "ignored"}, timeout="1h")
        async with world(app) as here:
            began = here.clock.time()
            event_id = await here.send()
            (row,) = await here.finish(event_id)
            functions = {function.slug: function for function in here.server.functions}
            caller = functions["shop-parent"]
            event = app.of("child")[0].body["event"]
            about = event["data"].pop("_inngest")
            gid = about.pop("gid")
            assert gid
            assert about == {
                "fn_id": "shop-child",
                "source_app_id": caller.app_id,
                "source_fn_id": caller.id,
                "source_fn_v": 1,
                "correlation_id": f"{row.id}.{A}",
                "expire": int((began + 3600) * 1000),
                "name": "a",
            }
            assert event == {
                "name": "inngest/function.invoked",
                "data": {"n": 1},
                "user": {"id": "u"},
                "id": event["id"],
                "ts": int(began * 1000),
                "v": "3",
            }
            assert event["id"] != "ignored"

    asyncio.run(main())


def test_a_function_is_found_by_its_uuid_too() -> None:
    async def main() -> None:
        app = FakeApp().add("child", lambda call: output(5), event="shop/never")
        async with world(app) as here:
            (child,) = here.server.functions
            app.add("parent", parent("a", function=child.id))
            await here.server.sync("http://app.test/api/inngest")
            assert outcome(await here.run_one()) == (RunStatus.COMPLETED, {"data": 5})

    asyncio.run(main())


def test_a_child_that_fails_gives_its_error() -> None:
    status, memo = run(family(lambda call: crash("boom")))
    assert status is RunStatus.COMPLETED
    assert memo == {
        "error": {"error": "Error: boom", "name": "Error", "message": "boom", "stack": "here"}
    }


def test_timelines_tell_which_run_a_step_waits_for_and_that_it_failed() -> None:
    async def main() -> None:
        app = family(lambda call: crash("boom"))
        async with world(app) as here:
            row = await here.run_one()
            history = await here.server.history(row.id)
            (waiting,) = [one.details for one in history if one.kind == "step_waiting"]
            child = await here.server.run(waiting["child_run_id"])
            assert child is not None
            assert child.status is RunStatus.FAILED
            assert waiting["input"] == {"function": "shop-child"}
            (failed,) = [one.details for one in history if one.kind == "step_failed"]
            assert (failed["name"], failed["error"]["message"]) == ("a", "boom")

    asyncio.run(main())


def test_a_function_that_is_not_there_is_an_error_at_once() -> None:
    async def main() -> None:
        app = FakeApp().add("parent", parent("a", function="shop-gone"))
        finished = "event.data.function_id == 'shop-gone'"
        triggers = [{"event": "inngest/function.finished", "expression": finished}]
        app.add("listens", lambda call: output(None), triggers=triggers)
        async with world(app) as here:
            began = here.clock.time()
            row = await here.run_one()
            await here.server.settle()
            error = {
                "error": "Error: could not find function with ID: shop-gone",
                "name": "Error",
                "message": "could not find function with ID: shop-gone",
            }
            assert outcome(row) == (RunStatus.COMPLETED, {"error": error})
            assert here.clock.time() == began
            (told,) = app.of("listens")
            data = told.body["event"]["data"]
            assert (data["error"], data["correlation_id"]) == (error, f"{row.id}.{A}")

    asyncio.run(main())


def test_a_function_that_was_removed_is_not_there() -> None:
    async def main() -> None:
        app = FakeApp().add("parent", parent("a")).add("child", lambda call: output(1), event="x")
        async with world(app) as here:
            del app.functions["shop-child"]
            await here.server.sync("http://app.test/api/inngest")
            assert "could not find" in outcome(await here.run_one())[1]["error"]["message"]

    asyncio.run(main())


def test_after_the_time_out_the_step_fails_and_the_child_goes_on() -> None:
    async def main() -> None:
        async def child(call: Call) -> Reply:
            await here.clock.sleep(60)
            return output("late")

        app = family(child, timeout="5s")
        async with world(app) as here:
            began = here.clock.time()
            row = await here.run_one()
            assert outcome(row)[1] == {
                "error": {
                    "error": "InngestInvokeTimeoutError: "
                    "Timed out waiting for invoked function to complete",
                    "name": "InngestInvokeTimeoutError",
                    "message": "Timed out waiting for invoked function to complete",
                }
            }
            assert here.clock.time() == began + 5
            await here.pass_time(60)
            (late,) = [one for one in await rows(here) if one.output == b'"late"']
            assert late.status is RunStatus.COMPLETED

    asyncio.run(main())


async def rows(here: World) -> list[RunRow]:
    """Return all runs."""
    found = await here.server.store._thread.submit(
        lambda connection: connection.execute("SELECT id FROM runs").fetchall()
    )
    runs = [await here.server.run(row[0]) for row in found]
    return [one for one in runs if one is not None]


def test_children_run_at_the_same_time() -> None:
    async def main() -> None:
        async def child(call: Call) -> Reply:
            await here.clock.sleep(60)
            return output(call.body["event"]["data"]["_inngest"]["name"])

        app = family(child, "a", "b", "c")
        async with world(app) as here:
            began = here.clock.time()
            memos = [{"data": "a"}, {"data": "b"}, {"data": "c"}]
            assert outcome(await here.run_one()) == (RunStatus.COMPLETED, memos)
            assert here.clock.time() == began + 60
            assert len(app.of("parent")) == 2

    asyncio.run(main())


def test_children_may_invoke_functions_themselves() -> None:
    app = FakeApp().add("parent", parent("a"))
    app.add("child", parent("b", function="shop-grandchild"), event="x")
    app.add("grandchild", lambda call: output("deep"), event="x")
    assert run(app) == (RunStatus.COMPLETED, {"data": {"data": "deep"}})


def test_a_function_may_invoke_itself() -> None:
    def countdown(call: Call) -> Reply:
        left = call.body["event"]["data"].get("n", 3)
        if left == 0:
            return output("done")
        if A in call.steps:
            return output(call.steps[A]["data"])
        return ops(invoke(function="shop-countdown", payload={"data": {"n": left - 1}}))

    app = FakeApp().add("countdown", countdown)
    assert run(app) == (RunStatus.COMPLETED, "done")
    assert len(app.calls) == 7


def test_a_cancelled_child_is_an_error() -> None:
    async def main() -> None:
        async def child(call: Call) -> Reply:
            await here.clock.sleep(3600)
            return output(None)

        app = family(child)
        async with world(app) as here:
            event_id = await started(here)
            child_id = app.of("child")[0].ctx["run_id"]
            job = cancel_job(child_id, here.clock.time(), "Enough.")
            await here.server.commits.commit(Changes(jobs=[job]))
            (row,) = await here.finish(event_id)
            status, memo = outcome(row)
            assert (status, memo["error"]["message"]) == (RunStatus.COMPLETED, "Enough.")

    asyncio.run(main())


def test_a_run_that_is_refused_is_an_error() -> None:
    async def main() -> None:
        app = FakeApp().add("parent", parent("a"))
        app.add("child", lambda call: ops(op("Sleep", "s", opts={"duration": "1h"})), event="x")
        async with world(app) as here:
            event_id = await started(here)
            run_id = app.of("child")[0].ctx["run_id"]
            child = await here.server.runs.get(run_id)
            assert child is not None
            changes = Changes()
            schedule = here.server.invokes.schedule
            schedule.refuse(child.event, "shop-child", failure("Error", "Not now."), changes)
            await here.server.commits.commit(changes)
            (row,) = await here.finish(event_id)
            message = outcome(row)[1]["error"]["message"]
            assert message == "Not now."

    asyncio.run(main())


def test_who_waits_for_the_event_of_an_invocation_gets_it() -> None:
    async def main() -> None:
        def waits(call: Call) -> Reply:
            if A in call.steps:
                return output(call.steps[A]["data"]["n"])
            opts = {"event": "inngest/function.invoked", "timeout": "1h"}
            return ops(op("WaitForEvent", "a", opts=opts))

        app = family(lambda call: output(None))
        app.add("waits", waits, event="shop/other")
        app.add("listens", lambda call: output(None), event="inngest/function.invoked")
        async with world(app) as here:
            event_id = await started(here, name="shop/other")
            await here.run_one()
            (row,) = await here.finish(event_id)
            assert outcome(row) == (RunStatus.COMPLETED, 1)
            assert len(app.of("listens")) == 1

    asyncio.run(main())


def test_a_child_that_listens_to_invocations_runs_once() -> None:
    app = family(lambda call: output(1))
    app.functions["shop-child"]["triggers"] = [{"event": "inngest/function.invoked"}]
    assert run(app) == (RunStatus.COMPLETED, {"data": 1})
    assert len(app.of("child")) == 1


@pytest.mark.parametrize("ended", ["child-running", "child-done"])
def test_invocations_go_on_under_the_next_server(tmp_path: Path, ended: str) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()

        async def child(call: Call) -> Reply:
            if len(app.of("child")) == 1 and ended == "child-running":
                await clock.sleep(3600)
            return output("back")

        async def slow_parent(call: Call) -> Reply:
            if A in call.steps and len(app.of("parent")) == 2:
                await clock.sleep(3600)
            reply: Reply = parent("a")(call)  # type: ignore[assignment]
            return reply

        app = FakeApp().add("parent", slow_parent).add("child", child, event="x")
        async with world(app, db=db, clock=clock) as here:
            event_id = await started(here)
        async with world(app, db=db, clock=clock, sync=False) as here:
            (row,) = await here.finish(event_id)
        assert outcome(row) == (RunStatus.COMPLETED, {"data": "back"})
        assert len(app.of("child")) == (2 if ended == "child-running" else 1)

    asyncio.run(main())


def test_a_step_that_is_reported_again_invokes_nobody_twice() -> None:
    def handler(call: Call) -> Reply:
        if A in call.steps and B in call.steps:
            return output(call.steps[A]["data"])
        mode = {"parallelMode": "race"}
        nap = op("Sleep", "b", opts={"duration": "1s"} | mode)
        return ops(invoke("a", **mode), *([] if B in call.steps else [nap]))

    async def main() -> None:
        async def child(call: Call) -> Reply:
            await here.clock.sleep(60)
            return output("once")

        app = FakeApp().add("parent", handler).add("child", child, event="x")
        async with world(app) as here:
            assert outcome(await here.run_one()) == (RunStatus.COMPLETED, "once")
            assert len(app.of("child")) == 1
            assert len(app.of("parent")) == 3
            assert len(await rows(here)) == 2

    asyncio.run(main())


def test_the_records_of_parent_and_child_are_in_order() -> None:
    async def main() -> None:
        app = family(lambda call: output(None))
        async with world(app) as here:
            row = await here.run_one()
            told = kinds(await here.server.history(row.id))
            call = ["call_started", "call_ended"]
            steps = ["step_waiting", "step_recorded"]
            assert told == ["run_queued", "run_started", *call, *steps, *call, "run_ended"]

    asyncio.run(main())
