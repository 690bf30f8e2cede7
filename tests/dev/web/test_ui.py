"""The routes that the page asks, over HTTP, of a server on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev.web.page import page_files
from tests.dev.fakes import URL, Call, FakeApp, World, crash, op, ops, output, ran, sha1, world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.dev.fakes import Reply

KEY = "signkey-test-0123456789abcdef"
UNKNOWN = "01JGGZP1E0RVNAAAAAAAAAAAAA"


def charge(call: Call) -> Reply:
    return output("done") if call.steps else ops(ran("pay", {"cents": 5}))


def shop(**config: Any) -> FakeApp:
    app = FakeApp().add("charge", charge, **config)
    return app.add("fail", lambda call: crash(no_retry=True), event="shop/failed")


def asked(
    work: Callable[[World], Awaitable[Any]], app: FakeApp | None = None, **options: Any
) -> Any:
    async def main() -> Any:
        async with world(app or shop(), **options) as here:
            return await work(here)

    return asyncio.run(main())


async def run_two(here: World) -> None:
    """Have a run that completes, and a second later one that fails."""
    await here.run_one()
    await here.pass_time(1)
    await here.run_one("shop/failed")


async def get(here: World, path: str, **query: Any) -> Any:
    reply = await here.http.get(path, params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def refused(here: World, method: str, path: str, **sent: Any) -> tuple[int, str]:
    reply = await here.http.request(method, path, **sent)
    return reply.status_code, reply.json()["error"]


def test_state_tells_of_apps_and_functions() -> None:
    state = asked(lambda here: get(here, "/ui/state"), shop(idempotency="event.data.id"))
    (app,) = state["apps"]
    assert (app["name"], app["functions"], app["error"]) == ("shop", 2, None)
    first = state["functions"][0]
    assert (first["slug"], first["app"]) == ("shop-charge", "shop")
    assert first["flow"][0]["text"] == "Starts once in 24 hours per event.data.id"
    assert state["db"] is None


def test_state_tells_where_it_is_kept(tmp_path: Any) -> None:
    path = str(tmp_path / "dev.db")
    assert asked(lambda here: get(here, "/ui/state"), db=path)["db"] == path


def test_runs_are_listed_with_counts_by_status() -> None:
    async def work(here: World) -> Any:
        await run_two(here)
        return await get(here, "/ui/runs")

    listed = asked(work)
    assert [run["status"] for run in listed["runs"]] == ["failed", "completed"]
    assert (listed["counts"]["failed"], listed["counts"]["completed"]) == (1, 1)
    assert listed["runs"][1]["event"] == "shop/paid"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "failed"}, ["shop-fail"]),
        ({"status": "failed,completed"}, ["shop-fail", "shop-charge"]),
        ({"status": "unheard-of"}, ["shop-fail", "shop-charge"]),
        ({"function": "shop-charge"}, ["shop-charge"]),
        ({"function": "shop-unknown"}, []),
        ({"q": "paid"}, ["shop-charge"]),
        ({"since": "0"}, ["shop-fail", "shop-charge"]),
        ({"since": "99999999999"}, []),
        ({"limit": "1"}, ["shop-fail"]),
        ({"limit": "100000"}, ["shop-fail", "shop-charge"]),
    ],
    ids=str,
)
def test_runs_are_filtered(query: dict[str, str], expected: list[str]) -> None:
    async def work(here: World) -> Any:
        await run_two(here)
        return await get(here, "/ui/runs", **query)

    assert [run["function"] for run in asked(work)["runs"]] == expected


def test_runs_come_in_pages() -> None:
    async def work(here: World) -> list[str]:
        await run_two(here)
        first = await get(here, "/ui/runs", limit=1)
        second = await get(here, "/ui/runs", limit=1, cursor=first["cursor"])
        assert second["cursor"] is None
        return [first["runs"][0]["function"], second["runs"][0]["function"]]

    assert asked(work) == ["shop-fail", "shop-charge"]


def test_a_run_comes_with_its_timeline_and_log() -> None:
    async def work(here: World) -> Any:
        run = await here.run_one()
        return await get(here, f"/ui/runs/{run.id}")

    shown = asked(work)
    assert shown["output"] == "done"
    assert shown["trace"]["status"] == "completed"
    assert [span["name"] for span in shown["trace"]["children"] if span["kind"] == "step"] == [
        "pay"
    ]
    assert (shown["log"][0]["kind"], shown["log"][-1]["kind"]) == ("run_queued", "run_ended")
    assert shown["events"][0]["body"]["name"] == "shop/paid"


def test_a_run_in_progress_has_no_output() -> None:
    async def work(here: World) -> Any:
        event_id = await here.send()
        await here.server.settle()
        (run,) = await here.server.runs_of(event_id)
        return await get(here, f"/ui/runs/{run.id}")

    sleeper = FakeApp().add("sleep", lambda call: ops(op("Sleep", "nap", opts={"duration": "1h"})))
    shown = asked(work, sleeper)
    assert (shown["run"]["status"], shown["output"]) == ("running", None)
    assert shown["trace"]["children"][-1]["until"] is not None


def test_a_step_is_shown_with_its_output() -> None:
    async def work(here: World) -> Any:
        run = await here.run_one()
        return await get(here, f"/ui/runs/{run.id}/steps/{sha1('pay')}")

    assert asked(work) == {"input": None, "output": {"cents": 5}, "error": None}


def test_previews_do_not_speak_python() -> None:
    async def work(here: World) -> Any:
        await here.send(data={"paid": True, "by": None, "cents": 1.5, "note": "None"})
        return await get(here, "/ui/events")

    assert asked(work)["events"][0]["preview"] == "paid: true, by: null, cents: 1.5, note: None"


def test_what_was_noted_of_a_run_is_shown() -> None:
    async def work(here: World) -> Any:
        run = await here.run_one()
        note = {"kind": "userland.shop", "op": "merge", "values": {"lane": 7}}
        document = {"target": {}, "metadata": [note]}
        reply = await here.http.post(f"/v1/runs/{run.id}/metadata", json=document)
        assert reply.status_code == 200, reply.text
        return await get(here, f"/ui/runs/{run.id}")

    assert asked(work)["trace"]["metadata"] == {"userland.shop": {"lane": 7}}


def test_events_are_listed_with_what_they_started() -> None:
    async def work(here: World) -> Any:
        await here.run_one(data={"id": 7, "items": [1, 2], "to": {"name": "ann"}})
        await here.pass_time(1)
        await here.send("shop/nobody.listens")
        return await get(here, "/ui/events")

    unheard, heard = asked(work)["events"]
    assert (unheard["runs"], unheard["preview"]) == ([], "")
    assert heard["preview"] == "id: 7, items: […], to: {…}"
    assert heard["runs"][0]["function"] == "shop-charge"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["shop/paid"]),
        ({"internal": "1"}, ["inngest/function.finished", "shop/paid"]),
        ({"name": "shop/paid"}, ["shop/paid"]),
        ({"name": "shop/other"}, []),
        ({"q": "PAI"}, ["shop/paid"]),
        ({"since": "99999999999"}, []),
    ],
    ids=str,
)
def test_events_are_filtered(query: dict[str, str], expected: list[str]) -> None:
    async def work(here: World) -> Any:
        await here.run_one()
        return await get(here, "/ui/events", **query)

    assert sorted(event["name"] for event in asked(work)["events"]) == expected


def test_an_event_comes_with_its_body_and_runs() -> None:
    async def work(here: World) -> Any:
        run = await here.run_one(data={"id": 7})
        return await get(here, f"/ui/events/{run.event_id}")

    shown = asked(work)
    assert shown["event"]["body"]["data"] == {"id": 7}
    assert [run["status"] for run in shown["runs"]] == ["completed"]


def test_an_event_that_starts_nothing_says_why() -> None:
    async def work(here: World) -> Any:
        await here.run_one(id="once")
        return await get(here, f"/ui/events/{await here.send(id='once')}")

    (held,) = asked(work)["held"]
    assert held["function"] == "shop-charge"
    assert held["text"] == "An event with this id started it within the last 24 hours"
    assert (held["run"], held["until"]) == (None, None)


def test_an_event_is_sent() -> None:
    async def work(here: World) -> Any:
        reply = await here.http.post("/ui/events", json={"name": "shop/paid"})
        return [run.status.label for run in await here.finish(reply.json()["ids"][0])]

    assert asked(work) == ["Completed"]


def test_an_app_is_added_and_removed() -> None:
    async def work(here: World) -> Any:
        added = await here.http.post("/ui/apps", json={"url": f" {URL} "})
        await here.http.delete("/ui/apps", params={"url": URL})
        return added.json(), (await get(here, "/ui/state"))["apps"]

    added, left = asked(work, sync=False)
    assert added == {"url": URL, "app": "shop", "functions": 2, "error": None, "advice": None}
    assert left == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("GET", f"/ui/runs/{UNKNOWN}", None, 404, "There is no run"),
        ("GET", "/ui/runs/nope", None, 400, "Invalid run ID: nope"),
        ("GET", f"/ui/runs/{UNKNOWN}/steps/x", None, 404, "There is no run"),
        ("GET", f"/ui/events/{UNKNOWN}", None, 404, "There is no event"),
        ("GET", "/ui/runs?since=x", None, 400, "'x' is not a number"),
        ("GET", "/ui/runs?cursor=x", None, 400, "Invalid cursor"),
        ("POST", "/ui/events", "[", 400, ""),
        ("POST", "/ui/events", '{"name": "inngest/x"}', 400, "reserved"),
        ("POST", "/ui/apps", "[]", 400, "Give the URL"),
        ("POST", "/ui/apps", '{"url": " "}', 400, "Give the URL"),
        ("POST", "/ui/apps", '{"url": "ftp://x"}', 400, "ftp"),
        ("POST", "/ui/apps", '{"url": "ws://connect"}', 400, "register by themselves"),
        ("DELETE", "/ui/apps?url=http://nowhere.test", None, 404, "There is no app at"),
    ],
)
def test_what_makes_no_sense_is_refused(
    method: str, path: str, body: str | None, status: int, sentence: str
) -> None:
    given, said = asked(lambda here: refused(here, method, path, content=body))
    assert given == status
    assert sentence in said


def test_an_unknown_step_of_a_run_is_refused() -> None:
    async def work(here: World) -> Any:
        run = await here.run_one()
        return await refused(here, "GET", f"/ui/runs/{run.id}/steps/{sha1('other')}")

    assert asked(work) == (404, "There is no such step.")


@pytest.mark.parametrize("path", ["/ui/state", "/ui/runs", "/ui/events", "/ui/feed"])
def test_with_a_key_nothing_is_told_without_it(path: str) -> None:
    async def work(here: World) -> Any:
        return (await here.http.get(path)).status_code

    assert asked(work, sync=False, signing_key=KEY) == 401


def test_with_a_key_the_page_is_told_what_it_asks_with_it() -> None:
    async def work(here: World) -> Any:
        bearer = {"authorization": f"Bearer {KEY}"}
        return (await here.http.get("/ui/state", headers=bearer)).status_code

    assert asked(work, sync=False, signing_key=KEY) == 200


def test_the_page_itself_needs_no_key() -> None:
    async def work(here: World) -> list[int]:
        document = await here.http.get("/")
        script = f"/ui/assets/{page_files().digest}/main.js"
        return [document.status_code, (await here.http.get(script)).status_code]

    assert asked(work, sync=False, signing_key=KEY) == [200, 200]
