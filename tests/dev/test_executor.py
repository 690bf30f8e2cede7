"""The run loop as an app sees it: which calls come, with what, and when."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import httpx
import pytest

from inngest_asgi.dev import RunStatus
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
    parallel,
    ran,
    result,
    script,
    sha1,
    world,
)

A, B, C = sha1("a"), sha1("b"), sha1("c")


def sequential(call: Call) -> Reply:
    if A not in call.steps:
        return ops(ran("a", "one"))
    if B not in call.steps:
        return ops(op("Sleep", "b", opts={"duration": "2s"}))
    return output({"ok": True})


def test_two_steps_and_a_sleep_make_the_calls_of_the_protocol() -> None:
    app = FakeApp().add("two", sequential)
    assert result(app) == (RunStatus.COMPLETED, {"ok": True})
    assert [call.target for call in app.calls] == [None] * 3
    assert [call.steps for call in app.calls] == [
        {},
        {A: {"data": "one"}},
        {A: {"data": "one"}, B: None},
    ]
    assert [call.ctx["stack"] for call in app.calls] == [
        {"stack": [], "current": 0},
        {"stack": [A], "current": 1},
        {"stack": [A, B], "current": 2},
    ]
    assert [call.body["version"] for call in app.calls] == [-1, 2, 2]


def test_the_first_call_carries_all_that_the_protocol_names() -> None:
    app = FakeApp().add("one", script(output(None)), retries=2)
    result(app, data={"k": "v"}, id="e1", ts=1_735_689_600_000)
    call = app.calls[0]
    event = {
        "name": "shop/paid",
        "data": {"k": "v"},
        "user": {},
        "id": "e1",
        "ts": 1_735_689_600_000,
    }
    assert call.body["event"] == event
    assert call.body["events"] == [event]
    assert call.ctx["attempt"] == 0
    assert call.ctx["max_attempts"] == 3
    assert call.ctx["disable_immediate_execution"] is False
    assert call.ctx["use_api"] is False
    assert call.body["use_api"] is False
    assert call.headers["x-inngest-req-version"] == "-1"
    assert call.headers["x-inngest-step-id"] == "step"
    assert call.headers["x-run-id"] == call.ctx["run_id"]
    assert call.headers["x-request-id"] == call.ctx["request_id"]
    assert call.headers["x-inngest-job-id"] == call.ctx["job_id"]
    assert call.headers["x-inngest-generation-id"] == "1"
    assert "x-inngest-signature" not in call.headers


@pytest.mark.parametrize("query", ["stepId=step", "step=step"], ids=["js-and-py", "go"])
def test_a_target_goes_into_the_query_as_the_sdk_names_it(query: str) -> None:
    app = FakeApp().add("one", parallel("a", "b"), query=query)
    assert result(app)[0] is RunStatus.COMPLETED
    assert {call.target for call in app.calls} == {None, A, B}
    assert {call.headers["x-inngest-step-id"] for call in app.calls} == {"step", A, B}


def test_a_function_that_throws_is_tried_again_by_the_backoff_table() -> None:
    async def main() -> None:
        app = FakeApp().add("flaky", script(crash("one"), crash("two"), output("ok")))
        async with world(app) as here:
            times = timed(here, "flaky")
            run = await here.run_one()
            assert run.output == b'"ok"'
            assert [call.ctx["attempt"] for call in app.calls] == [0, 1, 2]
            assert [call.ctx["job_id"] for call in app.calls] == [f"{run.id}-start"] * 3
            assert [call.ctx["generation_id"] for call in app.calls] == [1, 2, 3]
            gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
            assert 15 <= gaps[0] <= 45
            assert 30 <= gaps[1] <= 60

    asyncio.run(main())


def timed(here: World, name: str) -> list[float]:
    """Note when a function is called."""
    times: list[float] = []
    handler = here.app.handlers[f"{here.app.name}-{name}"]

    def noting(call: Call) -> Any:
        times.append(here.clock.time())
        return handler(call)

    here.app.handlers[f"{here.app.name}-{name}"] = noting
    return times


def test_a_day_of_retries_passes_in_no_time() -> None:
    app = FakeApp().add("never", lambda call: crash("again"), retries=20)
    status, error = result(app)
    assert status is RunStatus.FAILED
    assert error["message"] == "again"
    assert error["error"] == "Error: again"
    assert error["stack"] == "here"
    assert [call.ctx["attempt"] for call in app.calls] == list(range(21))


@pytest.mark.parametrize(
    ("asked", "waited"),
    [("90", 90), ("0.2", None), ("999999", 86_400), ("2025-01-01T00:10:00Z", 600)],
    ids=["seconds", "nothing-readable", "clamped", "date"],
)
def test_retry_after_replaces_the_table(asked: str, waited: float | None) -> None:
    async def main() -> float:
        app = FakeApp().add("later", script(crash(retry_after=asked), output("ok")))
        async with world(app) as here:
            times = timed(here, "later")
            await here.run_one()
            return times[1] - times[0]

    gap = asyncio.run(main())
    assert gap == waited if waited is not None else 15 <= gap <= 45


@pytest.mark.parametrize("status", [400, 500])
def test_no_retry_fails_the_run_at_once(status: int) -> None:
    body = {"name": "NonRetriableError", "message": "card declined"}
    reply = Reply(status, body, {"x-inngest-no-retry": "true"})
    app = FakeApp().add("final", script(reply))
    failed, error = result(app)
    assert failed is RunStatus.FAILED
    assert error["error"] == "NonRetriableError: card declined"
    assert len(app.calls) == 1


def test_a_success_that_must_not_be_retried_is_a_failure() -> None:
    app = FakeApp().add("odd", script(Reply(200, None, {"x-inngest-no-retry": "true"})))
    status, error = result(app)
    assert status is RunStatus.FAILED
    assert error["name"] == "NonRetriableError"


@pytest.mark.parametrize(
    ("reply", "code", "says"),
    [
        (Reply(200, {"hi": 1}, sdk=False), "not_sdk", "X-Inngest-SDK"),
        (Reply(206, b""), "unknown", "not valid JSON"),
        (Reply(206, b"[{"), "unknown", "not valid JSON"),
        (Reply(206, [None]), "unknown", "not a step"),
        (ops(op("StepError", "a")), "unknown", "without an error"),
        (ops(op("Sleep", "a", opts={"duration": "soon"})), "unknown", "no readable time"),
        (Reply(200, b"{"), "unknown", "not valid JSON"),
        (Reply(503, b"<html>", sdk=False), "http_not_ok", "503"),
        (Reply(200, b"x" * (8 * 1024 * 1024 + 1)), "output_too_large", "8 MB"),
        (ops(ran("a", "x" * (4 * 1024 * 1024))), "output_too_large", "4 MB"),
        (ops(ran("b"), op("Teleport", "a")), "unknown", "does not know: 'Teleport'"),
    ],
    ids=[
        "not-an-sdk",
        "empty-206",
        "malformed-206",
        "null-entry",
        "error-without-error",
        "unreadable-sleep",
        "malformed-output",
        "gateway-page",
        "body-too-large",
        "step-too-large",
        "unknown-op",
    ],
)
def test_an_answer_that_makes_no_sense_is_a_failed_attempt(
    reply: Reply, code: str, says: str
) -> None:
    app = FakeApp().add("odd", lambda call: reply, retries=1)
    status, error = result(app)
    assert status is RunStatus.FAILED
    assert error["code"] == code
    assert says in error["message"]
    assert len(app.calls) == 2


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        (Reply(206, [ran(str(n)) for n in range(1001)]), "InngestErrFunctionOverflowed"),
        (ops(op("Sleep", "a", opts={"duration": "367d"})), "InngestErrTimeoutTooLong"),
    ],
    ids=["too-many-ops", "sleep-too-long"],
)
def test_what_exceeds_a_limit_fails_the_run_without_a_retry(reply: Reply, name: str) -> None:
    app = FakeApp().add("too-much", lambda call: reply)
    status, error = result(app)
    assert status is RunStatus.FAILED
    assert error["name"] == name
    assert len(app.calls) == 1


def test_a_run_has_at_most_a_thousand_steps() -> None:
    def handler(call: Call) -> Reply:
        done = len(call.steps)
        return ops(*(ran(f"step-{done + n}") for n in range(500)))

    app = FakeApp().add("endless", handler)
    status, error = result(app)
    assert status is RunStatus.FAILED
    assert error["name"] == "InngestErrFunctionOverflowed"
    assert len(app.calls) == 3


def test_a_large_state_is_fetched_by_the_app() -> None:
    async def main() -> None:
        large = "x" * (3 * 1024 * 1024)
        seen: list[Any] = []

        async def handler(call: Call) -> Reply:
            if not call.body["use_api"]:
                return ops(ran(f"large-{len(call.steps)}", large))
            run_id = call.ctx["run_id"]
            seen.append((await here.http.get(f"/v0/runs/{run_id}/actions")).json())
            seen.append((await here.http.get(f"/v0/runs/{run_id}/batch")).json())
            return output(None)

        app = FakeApp().add("large", handler)
        async with world(app) as here:
            run = await here.run_one(data={"n": 1})
            gone = await here.http.get(f"/v0/runs/{run.id}/actions")
        last = app.calls[-1]
        assert (last.steps, last.body["events"], last.ctx["use_api"]) == ({}, [], True)
        assert last.body["event"]["data"] == {"n": 1}
        assert seen[0] == {sha1("large-0"): {"data": large}, sha1("large-1"): {"data": large}}
        assert seen[1] == [last.body["event"]]
        assert gone.status_code == 410

    asyncio.run(main())


def test_a_run_that_holds_too_much_fails() -> None:
    large = "x" * (4 * 1024 * 1024 - 2)
    count = iter(range(100))
    app = FakeApp().add("hoards", lambda call: ops(ran(f"large-{next(count)}", large)))
    status, error = result(app)
    assert status is RunStatus.FAILED
    assert error["name"] == "InngestErrStateOverflowed"


def test_an_app_that_cannot_be_reached_costs_attempts() -> None:
    def broken(call: Call) -> Reply:
        raise httpx.ConnectError("Connection refused")

    app = FakeApp().add("down", broken, retries=1)
    status, error = result(app)
    assert status is RunStatus.FAILED
    assert error["code"] == "http_unreachable"
    assert len(app.calls) == 2


def test_a_call_may_last_two_hours() -> None:
    async def main() -> Any:
        async def handler(call: Call) -> Reply:
            await here.clock.sleep(3 * 3600)
            return output("late")

        app = FakeApp().add("slow", handler, retries=0)
        async with world(app) as here:
            run = await here.run_one()
            return loads(run.output or b""), here.clock.time() - run.queued_at

    error, took = asyncio.run(main())
    assert error["code"] == "request_duration_too_long"
    assert took == 2 * 3600


def test_a_streamed_answer_counts_as_what_is_in_it() -> None:
    inside = {"status": 206, "headers": {}, "body": [ran("a", 1)]}
    replies = script(
        Reply(201, b"  \n" + json.dumps(inside).encode()), Reply(201, {"status": 200, "body": "7"})
    )
    assert result(FakeApp().add("streams", replies)) == (RunStatus.COMPLETED, 7)


def test_an_event_of_the_future_starts_its_run_then() -> None:
    async def main() -> None:
        app = FakeApp().add("later", script(output("ok")))
        async with world(app) as here:
            due = here.clock.time() + 86_400
            event_id = await here.send(ts=int(due * 1000))
            (waiting,) = await here.server.runs_of(event_id)
            assert waiting.status is RunStatus.SCHEDULED
            (run,) = await here.finish(event_id)
            assert run.started_at == due

    asyncio.run(main())


def test_timelines_tell_what_happened_in_order() -> None:
    async def main() -> None:
        app = FakeApp().add("flaky", script(crash(), ops(ran("a")), output("ok")))
        async with world(app) as here:
            run = await here.run_one()
            told = await here.server.history(run.id)
            assert kinds(told) == [
                *("run_queued", "run_started", "call_started", "call_ended", "attempt_failed"),
                *("call_started", "call_ended", "step_recorded"),
                *("call_started", "call_ended", "run_ended"),
            ]
            failed = told[4].details
            assert failed["attempt"] == 0
            assert failed["error"]["message"] == "boom"
            assert failed["retry_at"] == told[5].at

    asyncio.run(main())


def test_a_large_event_is_fetched_by_the_app() -> None:
    app = FakeApp().add("large", script(output(None)))
    result(app, data={"x": "x" * (2 * 1024 * 1024)})
    (call,) = app.calls
    assert (call.body["use_api"], call.body["events"]) == (True, [])


def test_no_more_calls_are_in_progress_than_allowed() -> None:
    async def main() -> int:
        most = now = 0

        async def handler(call: Call) -> Reply:
            nonlocal most, now
            now += 1
            most = max(most, now)
            await here.clock.sleep(60)
            now -= 1
            return output(None)

        app = FakeApp().add("slow", handler)
        async with world(app, max_calls=3) as here:
            ids = [await here.send() for _ in range(10)]
            for event_id in ids:
                await here.finish(event_id)
        assert len(app.calls) == 10
        return most

    assert asyncio.run(main()) == 3
