"""Apps and functions that come, go and move, and the runs they have meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev import RunStatus
from inngest_asgi.dev.apps.registry import app_id
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import dump_text, loads
from tests.dev.fakes import URL, Call, FakeApp, Reply, World, crash, op, ops, output, sha1, world

if TYPE_CHECKING:
    from pathlib import Path

S = sha1("s")
MOVED = "http://elsewhere.test/api/inngest"


def sleeper(call: Call) -> Reply:
    return output("ok") if S in call.steps else ops(op("Sleep", "s", opts={"duration": "1h"}))


async def register(here: World, app: FakeApp, **changes: Any) -> dict[str, Any]:
    answer = await here.http.post("/fn/register", json=app.registration() | changes)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def slugs(here: World) -> list[str]:
    return [function.slug for function in here.server.functions]


def test_an_id_follows_from_the_name_of_an_app() -> None:
    assert app_id("shop") == "a8fd5300-06f2-541e-8b69-ded0c0c7c233"


def test_a_function_that_an_app_no_longer_has_starts_no_runs_and_ends_those_it_has() -> None:
    async def main() -> None:
        app = FakeApp().add("one", sleeper).add("two", sleeper)
        async with world(app) as here:
            event_id = await here.send()
            await here.server.settle()
            del app.functions["shop-two"]
            await register(here, app)
            assert slugs(here) == ["shop-one"]
            runs = await here.finish(event_id)
            assert [run.status for run in runs] == [RunStatus.COMPLETED] * 2
            assert len(await here.finish(await here.send())) == 1

    asyncio.run(main())


def test_runs_of_a_function_that_is_gone_from_the_app_fail_as_the_app_says() -> None:
    async def main() -> None:
        def gone(call: Call) -> Reply:
            return crash("There is no function 'shop-two'.") if S in call.steps else sleeper(call)

        app = FakeApp().add("two", gone, retries=1)
        async with world(app) as here:
            event_id = await here.send()
            await here.server.settle()
            app.functions.clear()
            await register(here, app)
            (run,) = await here.finish(event_id)
            assert run.status is RunStatus.FAILED
            assert "no function 'shop-two'" in loads(run.output or b"")["message"]

    asyncio.run(main())


def test_a_function_that_comes_back_is_the_one_it_was() -> None:
    async def main() -> None:
        app = FakeApp().add("one", sleeper)
        async with world(app) as here:
            (before,) = here.server.functions
            kept = dict(app.functions)
            app.functions.clear()
            await register(here, app)
            assert slugs(here) == []
            app.functions = kept
            here.clock.advance(60)
            await register(here, app)
            (after,) = here.server.functions
            assert (after.id, after.created_at) == (before.id, before.created_at)

    asyncio.run(main())


def test_runs_go_on_where_an_app_has_moved_to() -> None:
    async def main() -> None:
        app = FakeApp().add("one", sleeper)
        app.others = lambda asked: Reply(200, f"from {asked.url.partition('?')[0]}")
        async with world(app) as here:
            event_id = await here.send()
            await here.server.settle()
            text = dump_text(app.registration()).replace(URL, MOVED)
            await register(here, app, **loads(text))
            assert [one.url for one in here.server.apps] == [MOVED]
            (run,) = await here.finish(event_id)
            assert run.output == f'"from {MOVED}"'.encode()

    asyncio.run(main())


def test_apps_added_by_url_are_merged_when_they_register(tmp_path: Path) -> None:
    async def main() -> None:
        app, db = FakeApp().add("one", sleeper), str(tmp_path / "dev.db")
        given = (URL.replace("app.test", "app.test:80"),)
        async with world(app, sync=False, db=db, app_urls=given) as here:
            await here.server.settle()
            await here.server.sync(URL)
            assert [(one.name, one.url) for one in here.server.apps] == [("shop", URL)]
        async with world(app, sync=False, db=db, clock=ManualClock()) as here:
            assert [one.id for one in here.server.apps] == [app_id("shop")]

    asyncio.run(main())


def test_runs_of_an_app_that_was_forgotten_go_on() -> None:
    async def main() -> None:
        app = FakeApp().add("one", sleeper)
        async with world(app) as here:
            event_id = await here.send()
            await here.server.settle()
            assert (await here.http.delete("/fn/remove", params={"url": URL})).status_code == 200
            assert (here.server.apps, slugs(here)) == ([], [])
            (run,) = await here.finish(event_id)
            assert run.status is RunStatus.COMPLETED

    asyncio.run(main())


def test_a_refused_registration_changes_nothing() -> None:
    async def main() -> None:
        app = FakeApp().add("one", sleeper)
        async with world(app) as here:
            before = here.server.functions
            app.add("two", sleeper, retries=99)
            answer = await here.http.post("/fn/register", json=app.registration())
            assert (answer.status_code, answer.json()["code"]) == (400, "config_invalid")
            assert here.server.functions == before

    asyncio.run(main())
