"""Steps that run, fail and race: when an app is called again, and with what."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from inngest_asgi.dev import RunStatus
from tests.dev.fakes import (
    Call,
    FakeApp,
    Reply,
    op,
    ops,
    output,
    parallel,
    planned,
    ran,
    result,
    script,
    sha1,
    world,
)

A, B, C = sha1("a"), sha1("b"), sha1("c")


def test_parallel_steps_are_called_each_and_the_function_once_after_them() -> None:
    app = FakeApp().add("both", parallel("a", "b", "c"))
    assert result(app) == (RunStatus.COMPLETED, ["A", "B", "C"])
    assert [call.target for call in app.calls] == [None, A, B, C, None]
    plan_only = [call.ctx["disable_immediate_execution"] for call in app.calls]
    assert plan_only == [False, True, True, True, False]


def test_planned_steps_run_at_the_same_time() -> None:
    async def main() -> float:
        app = FakeApp()
        plan = parallel("a", "b", "c")

        async def slow(call: Call) -> Reply:
            if call.target:
                await here.clock.sleep(60)
            reply: Reply = plan(call)
            return reply

        app.add("slow", slow)
        async with world(app) as here:
            began = here.clock.time()
            await here.run_one()
            return here.clock.time() - began

    assert asyncio.run(main()) == 60


def test_before_version_2_the_function_is_called_after_every_step() -> None:
    async def main() -> list[str | None]:
        app = FakeApp(version="1")
        plan = parallel("a", "b")

        async def handler(call: Call) -> Reply:
            await here.clock.sleep({A: 1, B: 5}.get(call.target or "", 0))
            reply: Reply = plan(call)
            return reply

        app.add("both", handler)
        async with world(app) as here:
            run = await here.run_one()
            assert run.output == b'["A","B"]'
        assert app.calls[-1].body["version"] == 1
        return [call.target for call in app.calls]

    assert asyncio.run(main()) == [None, A, B, None, None]


def race(call: Call) -> Reply:
    """Two branches: a then c; b alone. The function returns when a and c are done."""
    mode = {"parallelMode": "race"}
    names = {A: "a", B: "b", C: "c"}
    if call.target:
        return ops(ran(names[call.target], None, opts=mode))
    if C in call.steps:
        return output("won")
    if A in call.steps:
        return ops(planned("c", opts=mode))
    return ops(planned("a", opts=mode), planned("b", opts=mode))


def test_in_race_mode_the_function_is_called_after_the_first_step() -> None:
    async def main() -> tuple[list[str | None], list[bool], float]:
        app = FakeApp()

        async def handler(call: Call) -> Reply:
            await here.clock.sleep({A: 5, B: 3600}.get(call.target or "", 1))
            return race(call)

        app.add("race", handler)
        async with world(app) as here:
            began = here.clock.time()
            run = await here.run_one()
            assert run.output == b'"won"'
            plan_only = [call.ctx["disable_immediate_execution"] for call in app.calls]
            targets = [call.target for call in app.calls]
            took = here.clock.time() - began
            await here.pass_time(3600)
            assert len(app.calls) == len(targets)
            return targets, plan_only, took

    targets, plan_only, took = asyncio.run(main())
    assert targets == [None, A, B, None, C, None]
    assert plan_only == [False, True, True, True, True, True]
    assert took == 9


def test_the_plan_alone_in_race_mode_behaves_as_wait() -> None:
    plan = parallel("a", "b", opts={"parallelMode": "race"})
    wait = parallel("a", "b")
    app = FakeApp().add("both", lambda call: wait(call) if call.target else plan(call))
    assert result(app)[0] is RunStatus.COMPLETED
    assert [call.target for call in app.calls] == [None, A, B, None]


def test_the_second_result_of_a_step_is_ignored() -> None:
    def handler(call: Call) -> Reply:
        if not call.steps:
            return ops(ran("a", "first"), ran("a", "second"))
        return output(call.steps[A]["data"])

    assert result(FakeApp().add("twice", handler)) == (RunStatus.COMPLETED, "first")


def test_the_timeline_tells_when_a_sleep_began_and_when_it_was_over() -> None:
    async def main() -> None:
        nap = ops(op("Sleep", "nap", opts={"duration": "1h"}))
        app = FakeApp().add("naps", script(nap, output("ok")))
        async with world(app) as here:
            run = await here.run_one()
            told = [one for one in await here.server.history(run.id) if "until" in one.details]
            over = [one for one in await here.server.history(run.id) if one.kind == "step_recorded"]
            assert [one.details["until"] for one in told] == [run.queued_at + 3600]
            assert [(one.at, one.details["name"]) for one in over] == [(told[0].at + 3600, "nap")]

    asyncio.run(main())


def failing_step(name: str, **more: Any) -> dict[str, Any]:
    return op("StepError", name, error={"name": "Error", "message": "no", "noRetry": False}, **more)


def test_a_step_that_throws_is_tried_again_in_the_same_request() -> None:
    app = FakeApp().add(
        "flaky", script(ops(failing_step("a"), retry_after="5"), ops(ran("a", 1)), output("ok"))
    )
    assert result(app) == (RunStatus.COMPLETED, "ok")
    assert [call.ctx["attempt"] for call in app.calls] == [0, 1, 0]
    assert [call.ctx["disable_immediate_execution"] for call in app.calls] == [False] * 3


def test_the_timeline_tells_why_a_step_is_tried_again_and_when() -> None:
    async def main() -> None:
        failing = ops(failing_step("a"), retry_after="5")
        app = FakeApp().add("flaky", script(failing, ops(ran("a")), output("ok")), retries=1)
        async with world(app) as here:
            run = await here.run_one()
            told = await here.server.history(run.id)
            (failed,) = [one.details for one in told if one.kind == "step_failed"]
            assert (failed["name"], failed["attempt"]) == ("a", 0)
            assert failed["error"]["message"] == "no"
            assert failed["retry_at"] == run.queued_at + 5

    asyncio.run(main())


def caught(call: Call) -> Reply:
    if A in call.steps:
        return output({"caught": call.steps[A]["error"]["message"]})
    return ops(failing_step("a"), retry_after="1")


def test_an_exhausted_step_becomes_a_memo_and_the_function_is_called_once_more() -> None:
    app = FakeApp().add("catches", caught, retries=1)
    assert result(app) == (RunStatus.COMPLETED, {"caught": "no"})
    assert [call.ctx["attempt"] for call in app.calls] == [0, 1, 0]
    assert app.calls[2].steps[A] == {"error": {"name": "Error", "message": "no"}}


def test_a_step_error_that_must_not_be_retried_fails_the_step_for_good() -> None:
    def handler(call: Call) -> Reply:
        return caught(call) if call.steps else ops(failing_step("a"), x_inngest_no_retry="true")

    app = FakeApp().add("catches", handler)
    assert result(app) == (RunStatus.COMPLETED, {"caught": "no"})
    assert len(app.calls) == 2


def test_a_failed_step_is_kept_as_an_error() -> None:
    failed = op("StepFailed", "a", error={"name": "Error", "message": "no"}, data={"x": 1})
    app = FakeApp().add("catches", lambda call: caught(call) if call.steps else ops(failed))
    assert result(app) == (RunStatus.COMPLETED, {"caught": "no"})


def test_a_planned_step_that_throws_is_tried_again_alone() -> None:
    attempts: list[int] = []
    plan = parallel("a", "b")

    def handler(call: Call) -> Reply:
        if call.target == A:
            attempts.append(call.ctx["attempt"])
            if len(attempts) < 3:
                return ops(failing_step("a"), retry_after="10")
        reply: Reply = plan(call)
        return reply

    app = FakeApp().add("both", handler)
    assert result(app) == (RunStatus.COMPLETED, ["A", "B"])
    assert attempts == [0, 1, 2]
    assert [call.target for call in app.calls] == [None, A, B, A, A, None]


def test_steps_that_fail_among_others_are_tried_again_in_calls_of_their_own() -> None:
    def handler(call: Call) -> Reply:
        if call.target == B:
            return ops(ran("b", 2))
        if not call.steps:
            return ops(ran("a", 1), failing_step("b"), retry_after="10")
        return output(sorted(memo["data"] for memo in call.steps.values()))

    app = FakeApp().add("mixed", handler)
    assert result(app) == (RunStatus.COMPLETED, [1, 2])
    assert [(call.target, call.ctx["attempt"]) for call in app.calls] == [
        (None, 0),
        (B, 1),
        (None, 0),
    ]


def test_an_answer_with_nothing_to_do_is_asked_for_once_more() -> None:
    app = FakeApp().add("shy", script(ops(), output("ok")))
    assert result(app) == (RunStatus.COMPLETED, "ok")


def test_an_app_that_never_has_anything_to_do_fails_in_the_end() -> None:
    app = FakeApp().add("idle", lambda call: ops(op("None", "")), retries=1)
    status, error = result(app)
    assert status is RunStatus.FAILED
    assert "nothing to do" in error["message"]
    assert len(app.calls) == 3


def test_a_target_that_the_app_does_not_run_does_not_hang_the_run() -> None:
    def handler(call: Call) -> Reply:
        return ops() if call.target else ops(planned("a"))

    app = FakeApp().add("lost", handler, retries=0)
    assert result(app)[0] is RunStatus.FAILED


@pytest.mark.parametrize(
    "step_id", ["é ✓", "a\r\nx-evil: 1", " "], ids=["unicode", "lines", "blank"]
)
def test_an_id_that_is_no_hash_is_no_bug_of_the_server(
    step_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(call: Call) -> Reply:
        if call.target == step_id:
            assert "x-evil" not in call.headers
            return ops({"op": "StepRun", "id": step_id, "data": 1})
        if step_id in call.steps:
            return output("ok")
        return ops({"op": "StepPlanned", "id": step_id})

    result(FakeApp().add("odd", handler, retries=0))
    assert caplog.text == ""


def test_a_planned_step_that_another_call_ran_is_not_called_for() -> None:
    """An app that runs a step in place although it was told to plan, while the step's own call
    waits for its next attempt."""

    def handler(call: Call) -> Reply:
        if call.target == A:
            assert A not in call.steps
            return ops(op("StepError", "a", error={"name": "E", "message": "m"}))
        if call.target == B:
            return ops(ran("b", opts={"parallelMode": "race"}))
        if not call.steps:
            return ops(planned("a"), planned("b"))
        if A not in call.steps:
            return ops(ran("a"))
        return output("ok") if C in call.steps else ops(op("Sleep", "c", opts={"duration": "5m"}))

    app = FakeApp().add("hasty", handler, retries=1)
    assert result(app) == (RunStatus.COMPLETED, "ok")
    assert [call.target for call in app.calls].count(A) == 1
