"""POST /invoke/{slug} over HTTP: one function runs, whatever triggers it has."""

from __future__ import annotations

import asyncio

import pytest

from inngest_asgi.dev import RunStatus
from tests.dev.fakes import FakeApp, output, world


def echo() -> FakeApp:
    app = FakeApp().add("echo", lambda call: output(call.body["event"]), event="shop/never")
    return app.add("other", lambda call: output(None), event="shop/never")


def test_one_function_runs_with_the_event() -> None:
    async def main() -> None:
        app = echo()
        async with world(app) as here:
            sent = {"name": "any", "data": {"n": 1, "_inngest": {"x": 1}}, "user": {"id": "u"}}
            answer = await here.http.post("/invoke/shop-echo", json=sent)
            assert answer.status_code == 200
            event_id = answer.json()["id"]
            assert answer.json() == {"id": event_id, "status": 200}
            (run,) = await here.finish(event_id)
            assert run.status is RunStatus.COMPLETED
            assert [call.function for call in app.calls] == ["shop-echo"]
            assert app.calls[0].body["event"] == {
                "name": "inngest/function.invoked",
                "data": {"n": 1, "_inngest": {"fn_id": "shop-echo"}},
                "user": {"id": "u"},
                "id": event_id,
                "ts": int(here.clock.time() * 1000),
            }

    asyncio.run(main())


def test_a_slug_may_be_encoded() -> None:
    async def main() -> None:
        app = FakeApp().add("a b", lambda call: output(None), event="shop/never")
        async with world(app) as here:
            answer = await here.http.post("/invoke/shop-a%20b", json={})
            assert len(await here.finish(answer.json()["id"])) == 1

    asyncio.run(main())


def test_a_seed_makes_the_id_repeatable_and_the_run_single() -> None:
    async def main() -> None:
        app = echo()
        async with world(app) as here:
            headers = {"x-inngest-event-id-seed": "1743130137367,eii2YKXRVTJPuA=="}
            answers = [
                await here.http.post("/invoke/shop-echo", json={}, headers=headers)
                for _ in range(2)
            ]
            # the id of index 1 of this seed is 01JQDAE4RQF8MBCR55T5AK4KXS (http.md 14)
            assert [one.json()["id"] for one in answers] == ["01JQDAE4RQF8MBCR55T5AK4KXR"] * 2
            assert len(await here.finish(answers[0].json()["id"])) == 1

    asyncio.run(main())


def test_a_function_that_is_not_there_is_told_of_by_its_finished_event() -> None:
    async def main() -> None:
        expression = "event.data.function_id == 'shop-gone'"
        trigger = {"event": "inngest/function.finished", "expression": expression}
        app = FakeApp().add("sees", lambda call: output(None), triggers=[trigger])
        async with world(app) as here:
            answer = await here.http.post("/invoke/shop-gone", json={})
            assert answer.status_code == 200
            await here.server.settle()
            data = app.calls[0].body["event"]["data"]
            message = "could not find function with ID: shop-gone"
            assert (data["function_id"], data["error"]["message"]) == ("shop-gone", message)
            assert "correlation_id" not in data

    asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        ("/invoke/", b"{}", "no function"),
        ("/invoke/shop-echo", b"{", "JSON"),
        ("/invoke/shop-echo", b"[]", "must be a JSON object"),
        ("/invoke/shop-echo", b'{"data": 1}', "`data`"),
        ("/invoke/shop-echo", b'{"ts": 1}', "1980"),
        ("/invoke/shop-echo", b'{"data": {"x": "\\ud800"}}', "JSON"),
    ],
    ids=["no-slug", "no-json", "no-object", "no-data", "no-time", "no-text"],
)
def test_what_is_no_event_is_refused(path: str, content: bytes, says: str) -> None:
    async def main() -> None:
        app = echo()
        async with world(app) as here:
            answer = await here.http.post(path, content=content)
            assert answer.status_code == 400, answer.text
            assert says in answer.json()["error"]
            assert app.calls == []

    asyncio.run(main())
