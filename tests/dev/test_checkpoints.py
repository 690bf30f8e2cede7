"""Steps recorded in the midst of a call, by an app that says no more about them afterwards."""

from __future__ import annotations

import asyncio
import base64
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import (
    Call,
    FakeApp,
    Reply,
    World,
    crash,
    kinds,
    op,
    ops,
    output,
    planned,
    ran,
    script,
    world,
)
from tests.dev.recording import MB, A, B, C, body, checkpoint, kept, playing, refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("prefix", ["/v1/checkpoint", "/v1/http/runs"])
def test_a_function_records_its_steps_and_returns_in_one_call(prefix: str) -> None:
    async def play(here: World, call: Call) -> Reply:
        path = f"{prefix}/{call.ctx['run_id']}/async"
        for name in ("a", "b"):
            answer = await here.http.post(path, json=body(call, ran(name, name.upper())))
            assert (answer.status_code, answer.content) == (200, b"")
        return ops(op("RunComplete", "complete", data="AB"))

    run, app = playing(play)
    assert (run.status, run.output) == (RunStatus.COMPLETED, b'"AB"')
    assert len(app.calls) == 1


def test_recorded_steps_are_memos_of_the_next_call_in_order() -> None:
    async def play(here: World, call: Call) -> Reply:
        if call.steps:
            return output(None)
        steps = (ran("b", 1), op("Step", "a", data={"as": "it is"}))
        assert (await checkpoint(here, call, *steps)).status_code == 200
        return ops(op("Sleep", "c", opts={"duration": "1h"}))

    _, app = playing(play)
    assert app.calls[-1].steps == {B: {"data": 1}, A: {"as": "it is"}, C: None}
    assert app.calls[-1].ctx["stack"] == {"stack": [B, A, C], "current": 3}


def test_what_happened_is_told_like_any_other_step() -> None:
    async def main() -> None:
        async def play(call: Call) -> Reply:
            await here.clock.sleep(5)
            timing = {"a": 0, "b": 2_000_000_000}
            await checkpoint(here, call, planned("b"), ran("a", 1, timing=timing))
            return output(None)

        app = FakeApp().add("one", play)
        async with world(app) as here:
            run = await here.run_one()
            history = await here.server.history(run.id)
            assert kinds(history)[3:5] == ["step_planned", "step_recorded"]
            assert history[4].at == run.queued_at + 5
            expected = {"id": A, "name": "a", "op": "StepRun", "attempt": 0, "duration": 2.0}
            assert history[4].details == expected
            assert here.server.runs._held == {}

    asyncio.run(main())


def test_a_step_that_is_only_planned_leaves_no_memo() -> None:
    assert refused(planned("a")).status_code == 200


def test_the_first_result_of_a_step_wins() -> None:
    async def play(here: World, call: Call) -> Reply:
        if call.steps:
            return output(call.steps)
        for value in (1, 2):
            answer = await checkpoint(here, call, ran("a", value), ran("a", 3), planned("a"))
            assert answer.status_code == 200
        return ops(ran("a", 4), ran("b", 5))

    run, app = playing(play)
    assert loads(run.output) == {A: {"data": 1}, B: {"data": 5}}
    assert len(app.calls) == 2


def test_an_answer_that_says_nothing_new_has_the_function_called_again() -> None:
    async def play(here: World, call: Call) -> Reply:
        if len(call.steps) == 4:
            return output("ok")
        await checkpoint(here, call, ran(f"step-{len(call.steps)}"))
        return ops()

    run, app = playing(play, retries=0)
    assert run.output == b'"ok"'
    assert len(app.calls) == 5


@pytest.mark.parametrize(
    "kind",
    [
        "None",
        "StepError",
        "Sleep",
        "WaitForEvent",
        "InvokeFunction",
        "AiGateway",
        "Gateway",
        "WaitForSignal",
        "DiscoveryRequest",
    ],
)
def test_nothing_is_stored_beside_an_op_that_ends_its_call(kind: str) -> None:
    answer = refused(ran("a", 1), op(kind, "b"))
    assert answer.status_code == 400
    assert answer.json()["error"] == "cannot checkpoint async steps"


@pytest.mark.parametrize("kind", ["StepFailed", "RunComplete", "SyncRunComplete"])
def test_ops_that_belong_into_answers_are_refused_when_their_turn_comes(kind: str) -> None:
    answer, memos = kept(ran("a", 1), op(kind, "b", error={}), ran("c", 1))
    assert answer.status_code == 400
    assert answer.json()["error"] == f"cannot checkpoint opcode: {kind}"
    assert memos == {A: {"data": 1}}


def test_nothing_is_stored_beside_an_op_that_nobody_knows() -> None:
    answer = refused(ran("a", 1), op("Teleport", "b"))
    assert (answer.status_code, answer.json()["error"]) == (400, "There is no opcode 'Teleport'.")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"run_id": 7}, "run_id"),
        ({"fn_id": None}, "fn_id"),
        ({"steps": {}}, "steps"),
        ({"qi_id": 7}, "qi_id"),
        ({"generation_id": "1"}, "generation_id"),
        ({"steps": [None]}, "not a step"),
        ({"steps": [{"op": "StepRun"}]}, "without an id"),
        ({"run_id": "nobody"}, "no run 'nobody'"),
    ],
    ids=["run", "function", "steps", "job", "generation", "null", "nameless", "unknown"],
)
def test_what_makes_no_sense_is_refused_in_the_shape_of_the_api(
    change: dict[str, Any], says: str
) -> None:
    answer = refused(**change)
    document = answer.json()
    assert (answer.status_code, document["status"]) == (400, 400)
    assert says in document["error"]
    assert answer.request.url.path == f"/v1/checkpoint/{document['data']['run_id']}/async"


@pytest.mark.parametrize("content", [b"{", b"[]"])
def test_a_body_that_is_no_object_is_refused(content: bytes) -> None:
    async def main() -> int:
        async with world(FakeApp(), sync=False) as here:
            answer = await here.http.post("/v1/checkpoint/any/async", content=content)
            return answer.status_code

    assert asyncio.run(main()) == 400


def test_a_run_that_has_ended_records_nothing_more() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script(output("ok")))
        async with world(app) as here:
            await here.run_one()
            answer = await checkpoint(here, app.calls[0], ran("a"))
            assert answer.status_code == 400
            assert "that has not ended" in answer.json()["error"]
            assert here.server.runs._held == {}

    asyncio.run(main())


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"generation_id": 2}, 409),
        ({"qi_id": base64.b64encode(b"gone::dev").decode()}, 409),
        ({"qi_id": base64.b64encode(b"gone::dev").decode(), "generation_id": 0}, 200),
        ({"generation_id": None}, 200),
        ({"qi_id": None}, 200),
        ({"qi_id": "\N{SNOWMAN}"}, 200),
        ({"qi_id": base64.b64encode(b"\xff").decode()}, 200),
    ],
    ids=["its-own", "another", "gone", "not-said", "null", "no-job", "no-base64", "no-text"],
)
def test_a_call_that_was_given_up_records_nothing(change: dict[str, Any], status: int) -> None:
    async def play(here: World, call: Call) -> Reply:
        answer = await checkpoint(here, call, ran("a", 1), **change)
        assert answer.status_code == status
        state = await here.http.get(f"/v0/runs/{call.ctx['run_id']}/actions")
        return output(sorted(state.json()))

    run, _ = playing(play)
    assert loads(run.output) == ([A] if status == 200 else [])


def test_a_call_of_an_earlier_server_is_stale(tmp_path: Path) -> None:
    async def main() -> None:
        async def play(call: Call) -> Reply:
            await here.clock.sleep(600)
            return output("ok")

        app, clock, db = FakeApp().add("one", play), ManualClock(), str(tmp_path / "dev.db")
        async with world(app, clock=clock, db=db) as here:
            event_id = await here.send()
            await here.server.settle()
        async with world(app, clock=clock, db=db) as here:
            answer = await checkpoint(here, app.calls[0], ran("a"))
            assert (answer.status_code, answer.json()["status"]) == (409, 409)
            await here.finish(event_id)

    asyncio.run(main())


def test_a_recorded_step_gives_the_call_all_its_attempts_again() -> None:
    async def play(here: World, call: Call) -> Reply:
        if len(here.app.calls) == 2:
            answer = await checkpoint(here, call, ran("a", 1))
            assert answer.status_code == 200
        return crash("no", retry_after="60")

    run, app = playing(play, retries=1)
    assert run.status is RunStatus.FAILED
    assert [call.ctx["attempt"] for call in app.calls] == [0, 1, 1]
    assert [call.ctx["generation_id"] for call in app.calls] == [1, 2, 3]


def test_attempts_are_told_as_they_count() -> None:
    async def main() -> None:
        async def play(call: Call) -> Reply:
            if call.ctx["attempt"] == 1 and not call.steps:
                await checkpoint(here, call, ran("a", 1), ran("b", 2))
            return crash("no", retry_after="60")

        app = FakeApp().add("one", play, retries=1)
        async with world(app) as here:
            run = await here.run_one()
            told = [
                (str(record.kind), record.details["attempt"])
                for record in await here.server.history(run.id)
                if record.kind in ("step_recorded", "attempt_failed")
            ]
        recorded = [("step_recorded", 1), ("step_recorded", 1)]
        assert told == [("attempt_failed", 0), *recorded, ("attempt_failed", 0)]

    asyncio.run(main())


def test_a_late_checkpoint_leaves_the_attempts_of_a_waiting_call_alone() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script(crash(retry_after="60"), output("ok")))
        async with world(app) as here:
            event_id = await here.send()
            await here.server.settle()
            answer = await checkpoint(here, app.calls[0], ran("a", 1), generation_id=0)
            assert answer.status_code == 200
            await here.finish(event_id)
        assert [call.ctx["attempt"] for call in app.calls] == [0, 1]
        assert app.calls[1].steps == {A: {"data": 1}}

    asyncio.run(main())


def test_a_step_that_is_too_large_is_refused_and_those_before_it_are_kept() -> None:
    answer, memos = kept(ran("b", 1), ran("a", "x" * 4 * MB), ran("c", 1))
    assert memos == {B: {"data": 1}}
    assert (answer.status_code, answer.json()["status"]) == (413, 413)
    assert "step 'a' is larger than 4 MB" in answer.json()["error"]


def test_deferred_functions_are_noted_and_a_bad_one_is_passed_over() -> None:
    def later(name: str, **opts: Any) -> dict[str, Any]:
        return op("DeferAdd", name, opts={"fn_slug": "shop-later", "input": {}, **opts})

    async def play(here: World, call: Call) -> Reply:
        if call.steps:
            return output(call.body["defers"])
        gone = op("DeferAbort", "b2", opts={"target_hashed_id": B})
        bad = later("c", input=7)
        answer = await checkpoint(here, call, later("a"), later("b"), bad, gone, ran("d"))
        assert answer.status_code == 200
        return ops()

    run, _ = playing(play)
    assert loads(run.output) == {A: {"abortable": True}, B: {"abortable": False}}


def test_a_run_that_gets_too_large_is_refused_and_its_last_steps_with_it() -> None:
    async def play(here: World, call: Call) -> Reply:
        large = "x" * (4 * MB - 100)
        steps = [ran(str(n), large) for n in range(9)]
        answers = [(await checkpoint(here, call, step)).status_code for step in steps]
        assert answers == [200] * 8 + [413]
        repeated = await checkpoint(here, call, steps[0])
        assert repeated.status_code == 200
        return output("ok")

    run, _ = playing(play)
    assert run.output == b'"ok"'


def test_a_lower_limit_of_a_function_holds_for_what_it_records() -> None:
    async def play(here: World, call: Call) -> Reply:
        (function,) = here.server.functions
        here.server.limits.state[function.id] = 20
        refused = await checkpoint(here, call, ran("a", "short"), ran("b", "too long for it"))
        assert refused.status_code == 413
        assert "more than 20 bytes" in refused.json()["error"]
        return output("ok")

    run, _ = playing(play)
    assert run.output == b'"ok"'


def test_a_planned_step_that_another_call_records_is_no_longer_waited_for() -> None:
    async def main() -> None:
        async def play(call: Call) -> Reply:
            if call.target == A:
                await checkpoint(here, call, ran("b", 2))
                return ops(ran("a", 1))
            if call.target == B:
                await here.clock.sleep(60)
                return ops(ran("b", 3))
            return output(call.steps) if call.steps else ops(planned("a"), planned("b"))

        app = FakeApp().add("one", play)
        async with world(app) as here:
            run = await here.run_one()
            assert loads(run.output or b"") == {B: {"data": 2}, A: {"data": 1}}

    asyncio.run(main())


def test_what_was_answered_survives_the_death_of_the_server(tmp_path: Path) -> None:
    async def main() -> None:
        bodies: list[str] = []

        async def play(call: Call) -> Reply:
            name = "b" if A in call.steps else "a"
            bodies.append(name)
            answer = await checkpoint(here, call, ran(name, name))
            assert answer.status_code == 200
            if name == "a":  # what a server leaves that is killed now
                shutil.copytree(tmp_path / "killed", tmp_path / "left")
                await here.clock.sleep(3600)
            return ops(op("RunComplete", "complete", data="done"))

        app, clock = FakeApp().add("one", play), ManualClock()
        async with world(app, clock=clock, db=str(tmp_path / "killed" / "dev.db")) as here:
            event_id = await here.send()
            await here.server.settle()
        left = str(tmp_path / "left" / "dev.db")
        async with world(app, clock=clock, db=left, sync=False) as here:
            (run,) = await here.finish(event_id)
        assert run.output == b'"done"'
        assert bodies == ["a", "b"]
        assert app.calls[1].steps == {A: {"data": "a"}}
        assert app.calls[1].ctx["attempt"] == 0

    asyncio.run(main())
