"""Events in REST v1."""

from __future__ import annotations

import asyncio

import pytest

from tests.dev.fakes import Call, FakeApp, Reply, World, op, ops, output, script, world
from tests.dev.web.asking import ULID, asked, within


def idle(call: Call) -> Reply:
    return output(None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [4, 3, 2, 1]),
        ("?name=even", [4, 2]),
        ("?limit=2", [4, 3]),
        ("?limit=0", [4]),
        ("?limit=-5", [4]),
        ("?limit=999", [4, 3, 2, 1]),
        ("?limit=many", [4, 3, 2, 1]),
        ("?received_after=2025-01-01T00:00:15Z", [4, 3]),
        ("?received_before=Wed, 01 Jan 2025 00:00:15 GMT", [2, 1]),
        ("?received_before=2025-01-01T01:00:15%2B01:00", [2, 1]),
        ("?received_after=1735689615", [4, 3]),
        ("?received_after=1735689615000&received_before=1735689625000", [3]),
        ("?received_before=2025-01-01", []),
    ],
)
def test_events_are_listed_newest_first(query: str, expected: list[int]) -> None:
    async def ask(here: World) -> None:
        for number in range(1, 5):
            await here.send("odd" if number % 2 else "even", data={"number": number})
            await here.pass_time(10)
        answer = await here.http.get(f"/v1/events{query}")
        assert [event["data"]["number"] for event in answer.json()["data"]] == expected
        assert "cache-control" not in answer.headers
        assert set(answer.json()["metadata"]) == {"fetched_at"}

    within(FakeApp().add("one", idle), ask)


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/{}"])
def test_an_event_nested_as_deeply_as_can_be_does_not_break_the_list(path: str) -> None:
    async def ask(here: World) -> None:
        nested = '{"a":' * 251 + "7" + "}" * 251
        sent = await here.http.post("/e/key", content=f'{{"name":"deep","data":{nested}}}')
        (event_id,) = sent.json()["ids"]
        answer = await here.http.get(path.format(event_id))
        assert answer.status_code == 200
        assert nested in answer.text
        answer.json()

    within(FakeApp().add("one", idle), ask)


def test_a_cursor_leads_to_older_events() -> None:
    async def ask(here: World) -> None:
        first = await here.send()
        await here.pass_time(1)
        second = await here.send()
        answer = await here.http.get("/v1/events", params={"cursor": second, "name": "shop/paid"})
        assert [event["internal_id"] for event in answer.json()["data"]] == [first]

    within(FakeApp().add("one", idle), ask)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("cursor=nope", "Invalid cursor: nope"),
        ("received_after=soon", "Invalid received_after: soon"),
        ("received_before=2025-13-01", "Invalid received_before"),
    ],
)
def test_bad_cursors_and_dates_are_refused(query: str, says: str) -> None:
    status, body = asked("GET", f"/v1/events?{query}")
    assert (status, body["data"], body["status"]) == (400, None, 400)
    assert says in body["error"]


def test_runs_of_an_event_tell_cron_batch_and_what_they_repeat() -> None:
    async def ask(here: World) -> None:
        event_id = await here.send()
        await here.send()
        (run,) = await here.finish(event_id)
        new_id = await here.server.reruns.rerun(run.id)
        await here.server.settle()
        answer = await here.http.get(f"/v1/events/{event_id}/runs")
        first, second = answer.json()["data"]
        assert first["batch_id"] == second["batch_id"]
        assert (second["run_id"], second["original_run_id"]) == (new_id, run.id)
        assert "original_run_id" not in first

    batch = {"maxSize": 2, "timeout": "60s"}
    within(FakeApp().add("one", idle, batchEvents=batch), ask)


def test_a_run_of_a_schedule_names_it() -> None:
    app = FakeApp().add("tidy", idle, triggers=[{"cron": "0 * * * *"}])

    async def ask(here: World) -> None:
        await here.pass_time(3600)
        (event,) = (await here.http.get("/v1/events?name=inngest/scheduled.timer")).json()["data"]
        path = f"/v1/events/{event['internal_id']}/runs"
        (run,) = (await here.http.get(path)).json()["data"]
        assert run["cron"] == "0 * * * *"

    within(app, ask)


def test_an_unknown_event_started_nothing() -> None:
    assert asked("GET", f"/v1/events/{ULID}/runs")[1]["data"] == []


def test_a_run_that_sleeps_has_no_output_yet() -> None:
    app = FakeApp().add("one", lambda call: ops(op("Sleep", "nap", opts={"duration": "1h"})))

    async def ask(here: World) -> None:
        event_id = await here.send()
        await here.server.settle()
        (run,) = (await here.http.get(f"/v1/events/{event_id}/runs")).json()["data"]
        assert run["status"] == "Running"
        assert "output" not in run

    within(app, ask)


def test_events_and_runs_as_tools_poll_them() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script(output({"ok": True})))
        async with world(app) as here:
            event_id = await here.send(id="mine", data={"n": 1})
            (run,) = await here.finish(event_id)
            answer = await here.http.get(f"/v1/events/{event_id}/runs")
            assert answer.headers["cache-control"] == "private, max-age=15"
            body = answer.json()
            assert body["metadata"] == {
                "fetched_at": "2025-01-01T00:00:00.000Z",
                "cached_until": "2025-01-01T00:00:15.000Z",
            }
            (shown,) = body["data"]
            assert shown == {
                "run_id": run.id,
                "run_started_at": "2025-01-01T00:00:00.000Z",
                "function_id": run.function_id,
                "function_version": 1,
                "environment_id": "00000000-0000-4000-b000-000000000000",
                "event_id": event_id,
                "status": "Completed",
                "ended_at": "2025-01-01T00:00:00.000Z",
                "output": {"ok": True},
            }
            alone = await here.http.get(f"/v1/runs/{run.id}")
            assert alone.json()["data"] == shown
            assert alone.headers["cache-control"] == "private, max-age=3"
            event = (await here.http.get(f"/v1/events/{event_id}")).json()["data"]
            assert (event["internal_id"], event["id"]) == (event_id, "mine")
            assert event["data"] == {"n": 1}
            assert event["received_at"] == "2025-01-01T00:00:00.000Z"

    asyncio.run(main())
