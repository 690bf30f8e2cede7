"""Routes of tools that look after the server: health, cancelling, limits, metrics."""

from __future__ import annotations

import asyncio

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import (
    URL,
    Call,
    FakeApp,
    Reply,
    World,
    op,
    ops,
    output,
    ran,
    script,
    sha1,
    world,
)
from tests.dev.web.asking import ULID, asked, within


def sleeps(call: Call) -> Reply:
    return ops(op("Sleep", "nap", opts={"duration": "1h"}))


def many_steps(call: Call) -> Reply:
    done = len(call.steps)
    return output(done) if done == 3 else ops(ran(f"step {done}", "x" * 100))


def test_a_broken_store_is_not_healthy() -> None:
    async def ask(here: World) -> None:
        assert (await here.http.get("/health")).status_code == 200
        await here.server.stop()
        answer = await here.http.get("/health")
        assert answer.status_code == 503
        assert "has stopped" in answer.json()["error"]

    within(FakeApp(), ask, sync=False)


def test_a_run_is_cancelled_once() -> None:
    async def ask(here: World) -> None:
        event_id = await here.send()
        await here.server.settle()
        (run,) = await here.server.runs_of(event_id)
        answer = await here.http.delete(f"/v0/runs/{run.id}")
        assert (answer.status_code, answer.content) == (204, b"")
        await here.server.settle()
        again = await here.http.delete(f"/v0/runs/{run.id}")
        assert again.status_code == 409
        assert "Cancelled" in again.json()["error"]

    within(FakeApp().add("one", sleeps), ask)


def test_cancelling_what_is_not_there_is_a_404() -> None:
    assert asked("DELETE", f"/v0/runs/{ULID}")[0] == 404


@pytest.mark.parametrize(
    ("path", "limit", "error"),
    [
        ("/fn/step-limit", "2", "InngestErrFunctionOverflowed"),
        ("/fn/state-size-limit", "250", "InngestErrStateOverflowed"),
    ],
)
def test_a_function_may_get_lower_limits(path: str, limit: str, error: str) -> None:
    async def ask(here: World) -> None:
        form = {"functionId": here.server.functions[0].id, "limit": limit}
        assert (await here.http.post(path, data=form)).status_code == 200
        run = await here.run_one()
        assert (run.status, loads(run.output or b"{}")["name"]) == (RunStatus.FAILED, error)
        gone = await here.http.delete(path, params={"functionId": "shop-one"})
        assert (gone.status_code, gone.content) == (200, b"")
        assert (await here.run_one()).status is RunStatus.COMPLETED

    within(FakeApp().add("one", many_steps), ask)


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [
        ({}, 400, "functionId names no function"),
        ({"functionId": "x", "limit": "1"}, 404, "no function 'x'"),
        ({"functionId": "shop-one"}, 400, "between 1 and 1000"),
        ({"functionId": "shop-one", "limit": "0"}, 400, "not '0'"),
        ({"functionId": "shop-one", "limit": "1001"}, 400, "not '1001'"),
        ({"functionId": "shop-one", "limit": "-1"}, 400, "not '-1'"),
    ],
    ids=str,
)
def test_limits_that_make_no_sense_are_refused(
    form: dict[str, str], status: int, says: str
) -> None:
    answered, body = asked("POST", "/fn/step-limit", data=form)
    assert answered == status
    assert says in body["error"]


@pytest.mark.parametrize("path", ["/metrics", "/v1/prom/dev"])
def test_metrics_are_text_for_prometheus(path: str) -> None:
    async def ask(here: World) -> None:
        await here.run_one("quick")
        await here.send()
        await here.server.settle()
        answer = await here.http.get(path)
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        lines = answer.text.splitlines()
        assert 'inngest_dev_runs{status="completed"} 1' in lines
        assert 'inngest_dev_runs{status="running"} 1' in lines
        assert 'inngest_dev_queue_jobs{kind="sleep"} 1' in lines
        assert "inngest_dev_calls_in_progress 0" in lines
        assert answer.text.endswith("\n")

    quick = script(ops(ran("a")), output(sha1("a")))
    within(FakeApp().add("one", sleeps).add("quick", quick, event="quick"), ask)


def test_dev_lists_functions_and_handlers() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script())
        async with world(app) as here:
            body = (await here.http.get("/dev")).json()
            (function,) = body["functions"]
            assert (function["slug"], function["triggers"]) == (
                "shop-one",
                [{"event": "shop/paid"}],
            )
            (handler,) = body["handlers"]
            assert (handler["url"], handler["connected"], handler["error"]) == (URL, True, None)
            assert handler["sdk"]["appName"] == "shop"
            assert body["startOpts"]["persist"] is False
            assert body["isSingleNodeService"] is True

    asyncio.run(main())


def test_dev_tells_of_an_app_that_never_registered() -> None:
    async def main() -> None:
        async with world(FakeApp(), sync=False) as here:
            here.app.server = None
            await here.server.sync(URL)
            (handler,) = (await here.http.get("/dev")).json()["handlers"]
            assert handler["connected"] is False
            assert handler["synced_at"] is None
            assert handler["error"]

    asyncio.run(main())


def test_a_forgotten_app_starts_nothing() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script())
        async with world(app) as here:
            gone = await here.http.delete("/fn/remove", params={"url": URL})
            assert (gone.status_code, gone.content) == (200, b"")
            assert await here.finish(await here.send()) == []
            assert here.server.apps == []
            assert (await here.server.sync(URL)).ok

    asyncio.run(main())
