"""Runs in REST v2."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dev.fakes import Call, FakeApp, Reply, World, crash, op, ops, output, planned, ran, sha1
from tests.dev.web.asking import ULID, asked, within

A, B, NAP = sha1("a"), sha1("b"), sha1("nap")


def two_steps(call: Call) -> Reply:
    if A not in call.steps:
        return ops(ran("a", {"n": 1}, opts={"input": [1]}))
    if "data" not in call.steps.get(B, {}):
        return ops(ran("b", call.steps.get(B, {}).get("input", "none")))
    return output([step["data"] for step in call.steps.values()])


def sleeps(call: Call) -> Reply:
    if NAP in call.steps:
        return output("rested")
    return ops(op("Sleep", "nap", opts={"duration": "1h"}))


async def get(here: World, path: str, **params: Any) -> Any:
    answer = await here.http.get(f"/v2{path}", params=params or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_run_is_shown_with_app_function_and_trigger() -> None:
    async def ask(here: World) -> None:
        run = await here.run_one(data={"n": 1})
        body = await get(here, f"/runs/{run.id}")
        assert body == {
            "data": {
                "id": run.id,
                "app": {"id": "shop"},
                "function": {"id": "two", "name": "two"},
                "status": "COMPLETED",
                "queuedAt": "2025-01-01T00:00:00.000Z",
                "startedAt": "2025-01-01T00:00:00.000Z",
                "endedAt": "2025-01-01T00:00:00.000Z",
                "durationMs": "0",
                "trigger": {"eventIds": [run.event_id], "eventName": "shop/paid"},
            },
            "metadata": {"fetchedAt": "2025-01-01T00:00:00.000Z"},
        }
        for name in ("include_output", "includeOutput"):
            body = await get(here, f"/runs/{run.id}", **{name: "true"})
            assert body["data"]["output"] == [{"n": 1}, "none"]

    within(FakeApp().add("two", two_steps), ask)


def test_both_prefixes_lead_there() -> None:
    async def ask(here: World) -> None:
        run = await here.run_one()
        old = (await here.http.get(f"/api/v2/runs/{run.id}")).json()
        assert old == await get(here, f"/runs/{run.id}")

    within(FakeApp().add("two", two_steps), ask)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["rested", "later", "boom", "two"]),
        ("order=ASC", ["two", "boom", "later", "rested"]),
        ("status=COMPLETED", ["two"]),
        ("status=failed&status=QUEUED", ["later", "boom"]),
        ("status[]=failed&status[]=QUEUED", ["later", "boom"]),
        ("status=RUNNING", ["rested"]),
        ("app_id=shop&function_id=two", ["two"]),
        ("appId=shop&functionId=shop-two&functionId=boom", ["boom", "two"]),
        ("from=2025-01-01T00:00:10Z&until=2025-01-01T00:00:30Z", ["later", "boom"]),
        ("time_field=endedAt", ["boom", "two"]),
        ("timeField=ENDED_AT&order=asc", ["two", "boom"]),
        ("time_field=started_at&status=RUNNING", ["rested"]),
        ("is_deferred=false&limit=1", ["rested"]),
        ("is_deferred=1", []),
    ],
)
def test_runs_are_listed(query: str, expected: list[str]) -> None:
    app = FakeApp().add("two", two_steps, event="two").add("rested", sleeps, event="rested")
    app.add("boom", lambda call: crash(no_retry=True), event="boom")
    app.add("later", sleeps, event="later")

    async def ask(here: World) -> None:
        for name in ("two", "boom", "later", "rested"):
            ts = int((here.clock.time() + 3600) * 1000) if name == "later" else 0
            await here.send(name, ts=ts)
            await here.pass_time(10)
        body = await get(here, f"/runs?{query}")
        assert [run["function"]["id"] for run in body["data"]] == expected

    within(app, ask)


def test_lists_go_on_where_the_cursor_leads() -> None:
    async def ask(here: World) -> None:
        for _ in range(3):
            await here.run_one()
        first = await get(here, "/runs", limit="2")
        assert first["page"] | {"cursor": ""} == {"cursor": "", "hasMore": True, "limit": 2}
        second = await get(here, "/runs", limit="2", cursor=first["page"]["cursor"])
        assert second["page"] == {"hasMore": False, "limit": 2}
        ids = [run["id"] for body in (first, second) for run in body["data"]]
        assert len(set(ids)) == len(ids) == 3

    within(FakeApp().add("one", lambda call: output(None)), ask)


def test_the_runs_of_an_event_are_in_order() -> None:
    async def ask(here: World) -> None:
        event_id = await here.send()
        await here.finish(event_id)
        body = await get(here, f"/events/{event_id}/runs", include_output="true")
        assert sorted(run["output"] for run in body["data"]) == ["one", "two"]
        assert body["page"] == {"hasMore": False, "limit": 20}

    app = FakeApp().add("one", lambda call: output("one")).add("two", lambda call: output("two"))
    within(app, ask)


def test_the_runs_of_a_function() -> None:
    async def ask(here: World) -> None:
        await here.finish(await here.send())
        body = await get(here, "/apps/shop/functions/two/runs")
        assert [run["function"]["id"] for run in body["data"]] == ["two"]

    app = FakeApp().add("one", lambda call: output("one")).add("two", lambda call: output("two"))
    within(app, ask)


def test_a_trace_is_a_tree_of_spans() -> None:
    async def ask(here: World) -> None:
        run = await here.run_one()
        path = f"/runs/{run.id}/trace"
        data = (await get(here, path, include_output="true"))["data"]
        assert data["runId"] == run.id
        root = data["rootSpan"]
        assert (root["id"], root["name"], root["status"]) == (run.id, "two", "COMPLETED")
        assert root["output"] == [{"n": 1}, "none"]
        first, second = [span for span in root["children"] if "stepOp" in span]
        assert (first["name"], first["stepOp"], first["stepId"]) == ("a", "RUN", A)
        assert (first["input"], first["output"]) == ([1], {"n": 1})
        assert first["children"][0]["status"] == "COMPLETED"
        assert second["output"] == "none"
        flat = (await get(here, path, max_depth="1"))["data"]["rootSpan"]
        assert flat["childrenTruncated"] is True
        assert {"children", "output"} & flat.keys() == set()

    within(FakeApp().add("two", two_steps), ask)


def test_a_trace_shows_waiting_and_failed_steps() -> None:
    def handler(call: Call) -> Reply:
        if NAP not in call.steps and call.target is None:
            return ops(op("Sleep", "nap", opts={"duration": "1h"}), planned("a"))
        return ops(op("StepFailed", "a", error={"name": "Error", "message": "no"}))

    async def ask(here: World) -> None:
        event_id = await here.send()
        await here.server.settle()
        (run,) = await here.server.runs_of(event_id)
        body = await get(here, f"/runs/{run.id}/trace", includeOutput="true")
        by_name = {span["name"]: span for span in body["data"]["rootSpan"]["children"]}
        assert (by_name["nap"]["status"], by_name["nap"]["stepOp"]) == ("WAITING", "SLEEP")
        assert by_name["a"]["status"] == "FAILED"
        assert by_name["a"]["output"]["error"]["message"] == "no"

    within(FakeApp().add("both", handler), ask)


def test_a_rerun_is_a_new_run_of_the_same_event() -> None:
    async def ask(here: World) -> None:
        run = await here.run_one(data={"n": 5})
        answer = await here.http.post(f"/v2/runs/{run.id}/rerun")
        new_id = answer.json()["data"]["runId"]
        assert [one.id for one in await here.finish(run.event_id)] == [run.id, new_id]
        shown = (await get(here, f"/runs/{new_id}", include_output="1"))["data"]
        assert (shown["originalRunId"], shown["output"]) == (run.id, [{"n": 1}, "none"])
        assert shown["trigger"]["eventIds"] == [run.event_id]
        assert len(here.app.calls) == 6

    within(FakeApp().add("two", two_steps), ask)


def test_a_rerun_from_a_step_takes_over_what_came_before() -> None:
    async def ask(here: World) -> None:
        run = await here.run_one()
        calls = len(here.app.calls)
        body = {"fromStep": {"stepId": "b", "input": ["new", 2]}}
        new_id = (await here.http.post(f"/v2/runs/{run.id}/rerun", json=body)).json()["data"][
            "runId"
        ]
        await here.finish(run.event_id)
        first, second = here.app.calls[calls:]
        assert first.steps == {A: {"data": {"n": 1}}, B: {"input": ["new", 2]}}
        assert first.ctx["stack"]["stack"] == [A]
        assert second.steps == {A: {"data": {"n": 1}}, B: {"data": ["new", 2]}}
        spans = (await get(here, f"/runs/{new_id}/trace"))["data"]["rootSpan"]["children"]
        assert [span["name"] for span in spans] == ["a", "b", "two"]

    within(FakeApp().add("two", two_steps), ask)


def test_a_run_that_goes_on_is_cancelled_once() -> None:
    async def ask(here: World) -> None:
        event_id = await here.send()
        await here.server.settle()
        (run,) = await here.server.runs_of(event_id)
        answer = await here.http.post(f"/v2/runs/{run.id}/cancel")
        assert answer.json()["data"] == {"runId": run.id}
        await here.server.settle()
        assert (await get(here, f"/runs/{run.id}"))["data"]["status"] == "CANCELLED"
        again = await here.http.post(f"/v2/runs/{run.id}/cancel")
        code = again.json()["errors"][0]["code"]
        assert (again.status_code, code) == (409, "run_already_cancelled")

    within(FakeApp().add("sleeps", sleeps), ask)


def test_a_run_that_has_ended_cannot_be_cancelled() -> None:
    async def ask(here: World) -> None:
        run = await here.run_one()
        answer = await here.http.post(f"/v2/runs/{run.id}/cancel")
        code = answer.json()["errors"][0]["code"]
        assert (answer.status_code, code) == (409, "run_already_ended")

    within(FakeApp().add("two", two_steps), ask)


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "says"),
    [
        ("GET", f"/runs/{ULID}", 404, "not_found", ULID),
        ("GET", f"/runs/{ULID}/trace", 404, "not_found", ULID),
        ("POST", f"/runs/{ULID}/cancel", 404, "not_found", ULID),
        ("POST", f"/runs/{ULID}/rerun", 404, "not_found", ULID),
        ("GET", "/runs/nope", 400, "invalid_field_format", "run_id must be a ULID"),
        ("GET", "/events/nope/runs", 400, "invalid_field_format", "event_id must be a ULID"),
        ("GET", "/runs?limit=0", 400, "invalid_field_format", "between 1 and 100"),
        ("GET", "/runs?limit=101", 400, "invalid_field_format", "between 1 and 100"),
        ("GET", "/runs?limit=x", 400, "invalid_field_format", "between 1 and 100"),
        ("GET", "/runs?cursor=x", 400, "invalid_field_format", "cursor"),
        ("GET", "/runs?status=DONE", 400, "invalid_field_format", "QUEUED, RUNNING"),
        ("GET", "/runs?from=tomorrow", 400, "invalid_field_format", "from must be a date"),
        ("GET", "/runs?time_field=x", 400, "invalid_field_format", "time_field"),
        ("GET", "/runs?order=x", 400, "invalid_field_format", "order must be DESC or ASC"),
        ("GET", "/runs?is_deferred=x", 400, "invalid_field_format", "true or false"),
        ("GET", "/runs?function_id=one", 400, "missing_field", "app_id"),
        ("GET", "/runs?app_id=none", 404, "not_found", "no app 'none'"),
        ("GET", "/runs?app_id=shop&function_id=x", 404, "not_found", "no function 'x'"),
        ("GET", "/runs?color=red", 400, "invalid_request", "'color'"),
        ("GET", f"/runs/{ULID}?limit=1", 400, "invalid_request", "'limit'"),
        ("GET", f"/runs/{ULID}/trace?max_depth=11", 400, "invalid_field_format", "max_depth"),
        ("GET", f"/events/{ULID}/runs?limit=41", 400, "invalid_field_format", "1 and 40"),
        ("PUT", "/runs", 405, "invalid_request", "does not take PUT"),
        ("GET", "/nothing", 404, "not_found", "/v2/nothing"),
    ],
)
def test_refusals_have_a_code_and_a_sentence(
    method: str, path: str, status: int, code: str, says: str
) -> None:
    answered, body = asked(method, f"/v2{path}")
    (error,) = body["errors"]
    assert (answered, error["code"]) == (status, code)
    assert says in error["message"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "invalid_request"),
        ({"step": "a"}, "invalid_request"),
        ({"from_step": "a"}, "invalid_request"),
        ({"from_step": {}}, "missing_field"),
        ({"from_step": {"step_id": 7}}, "invalid_field_format"),
        ({"from_step": {"step_id": "a", "input": {}}}, "invalid_field_format"),
        ({"from_step": {"step_id": "c"}}, "validation_error"),
    ],
    ids=str,
)
def test_a_rerun_that_makes_no_sense_is_refused(body: Any, code: str) -> None:
    async def ask(here: World) -> None:
        run = await here.run_one()
        answer = await here.http.post(f"/v2/runs/{run.id}/rerun", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)

    within(FakeApp().add("two", two_steps), ask)


def test_a_rerun_needs_json() -> None:
    status, body = asked("POST", f"/v2/runs/{ULID}/rerun", content=b"{")
    assert (status, body["errors"][0]["code"]) == (400, "invalid_request")
