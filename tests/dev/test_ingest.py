"""Events in: what is accepted, which ids they get, what is refused and how."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from inngest_asgi.wire.codec import loads
from tests.dev.fakes import FakeApp, output, world

SEEDS = loads((Path(__file__).parents[1] / "vectors" / "event_ids.json").read_bytes())["seeds"]
LARGE = "x" * (3 * 1024 * 1024)


def post(body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    async def main() -> tuple[int, dict[str, Any]]:
        async with world(FakeApp(), sync=False) as here:
            named = {key.replace("_", "-"): value for key, value in headers.items()}
            content = {"content": body} if isinstance(body, bytes) else {"json": body}
            answer = await here.http.post("/e/key", headers=named, **content)
            return answer.status_code, answer.json()

    return asyncio.run(main())


@pytest.mark.parametrize("vector", SEEDS, ids=[vector["seed"] for vector in SEEDS])
def test_a_seed_makes_ids_repeatable(vector: dict[str, Any]) -> None:
    events = [{"name": "a"}] * len(vector["ids"])
    assert post(events, x_inngest_event_id_seed=vector["seed"]) == (
        200,
        {"ids": vector["ids"], "status": 200},
    )


def test_an_invalid_seed_is_ignored() -> None:
    status, body = post({"name": "a"}, x_inngest_event_id_seed="soon,!")
    assert status == 200
    assert len(body["ids"][0]) == 26


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (7, "JSON object"),
        ({}, "name is empty"),
        ({"name": ""}, "name is empty"),
        ({"name": "x" * 513}, "longer than 512"),
        ({"name": "inngest/function.finished"}, "reserved"),
        ({"name": "a", "data": [1]}, "`data`"),
        ({"name": "a", "user": "ann"}, "`user`"),
        ({"name": "a", "id": 7}, "`id`"),
        ({"name": "a", "ts": "now"}, "`ts`"),
        ({"name": "a", "ts": True}, "`ts`"),
        ({"name": "a", "ts": 1.5}, "`ts`"),
        ({"name": "a", "ts": 1_000}, "1980 and 2100"),
        ({"name": "a", "ts": 9_999_999_999_999}, "1980 and 2100"),
        ({"name": "a", "data": {"x": LARGE}}, "Event is over the max size"),
    ],
    ids=[
        *("no-object", "no-name", "empty-name", "long-name", "internal-name", "data", "user"),
        *("id", "ts-text", "ts-bool", "ts-fraction", "ts-early", "ts-late", "too-large"),
    ],
)
def test_what_is_no_event_is_refused(event: Any, says: str) -> None:
    status, body = post(event)
    assert status == 400
    assert (body["ids"], body["status"]) == ([], 400)
    assert says in body["error"]


def test_a_body_that_is_not_json_is_refused() -> None:
    status, body = post(b"{")
    assert (status, body["ids"]) == (400, [])


def test_at_most_5000_events_come_in_one_request() -> None:
    status, body = post([{"name": "a"}] * 5001)
    assert (status, body["ids"]) == (400, [])
    assert "5000" in body["error"]


def test_events_before_a_bad_one_are_accepted() -> None:
    async def main() -> None:
        async with world(FakeApp(), sync=False) as here:
            answer = await here.http.post(
                "/e/key", json=[{"name": "a"}, {"name": ""}, {"name": "b"}]
            )
            assert answer.status_code == 400
            (accepted,) = answer.json()["ids"]
            event = (await here.http.get(f"/v1/events/{accepted}")).json()["data"]
            assert event["name"] == "a"

    asyncio.run(main())


def test_what_functions_see_of_an_event() -> None:
    async def main() -> dict[str, Any]:
        app = FakeApp().add("one", lambda call: output(None))
        async with world(app) as here:
            await here.http.post(
                "/e/key",
                json={
                    "NAME": "shop/paid",
                    "data": {"n": 1, "_inngest": {"fn_id": "x"}},
                    "v": "2",
                    "meta": {"sessions": {"s": "1"}},
                    "other": 1,
                },
            )
            await here.server.settle()
            seen: dict[str, Any] = app.calls[0].body["event"]
            assert seen.pop("id")
            assert seen.pop("ts") == int(here.clock.time() * 1000)
            return seen

    assert asyncio.run(main()) == {
        "name": "shop/paid",
        "data": {"n": 1},
        "user": {},
        "v": "2",
        "meta": {"sessions": {"s": "1"}},
    }


def test_what_an_event_says_of_its_time_is_kept() -> None:
    async def main() -> Any:
        async with world(FakeApp(), sync=False) as here:
            event_id = await here.send(ts=1_600_000_000_000.0)
            return (await here.http.get(f"/v1/events/{event_id}")).json()["data"]["ts"]

    assert asyncio.run(main()) == 1_600_000_000_000


def test_an_event_without_data_has_an_empty_object() -> None:
    async def main() -> Any:
        async with world(FakeApp(), sync=False) as here:
            event_id = await here.send(data=None, ts=0)
            return (await here.http.get(f"/v1/events/{event_id}")).json()["data"]

    event = asyncio.run(main())
    assert event["data"] == {}
    assert event["id"] == event["internal_id"]


def test_an_event_nested_too_deeply_is_refused_and_those_before_it_start_their_runs() -> None:
    async def main() -> None:
        app = FakeApp().add("one", lambda call: output(None))
        deep = b"[" * 300 + b"]" * 300
        body = b'[{"name":"shop/paid","id":"once"},{"name":"a","data":{"x":' + deep + b"}}]"
        async with world(app) as here:
            answer = await here.http.post("/e/key", content=body)
            assert answer.status_code == 400
            assert "no JSON a server can keep" in answer.json()["error"]
            (accepted,) = answer.json()["ids"]
            assert len(await here.finish(accepted)) == 1

    asyncio.run(main())


def test_what_a_sender_passes_stays_as_it_is() -> None:
    async def main() -> None:
        async with world(FakeApp(), sync=False) as here:
            event = {"name": "a", "data": {"_inngest": 1, "n": 2}}
            await here.server.send(event)
            assert event == {"name": "a", "data": {"_inngest": 1, "n": 2}}

    asyncio.run(main())
