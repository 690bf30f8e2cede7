"""Steps that have the server ask somebody else: when, how often, and what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import Asked, Call, FakeApp, Reply, World, op, ops, output, ran, sha1, world
from tests.dev.remote import AI, MB, SECRET, A, asking, fetch, infer, memo

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["AiGateway", "aigateway", "AIGATEWAY"])
def test_opcodes_count_in_any_case(name: str) -> None:
    answer = Reply(200, 1, sdk=False)
    assert memo(asking(infer() | {"op": name}), lambda asked: answer) == {"data": 1}


def test_a_failing_request_is_made_again_with_backoff_until_it_goes_well() -> None:
    async def main() -> None:
        times: list[float] = []

        def answer(asked: Asked) -> Reply:
            times.append(here.clock.time())
            return Reply(200 if len(times) == 3 else 503, {"n": len(times)}, sdk=False)

        app = asking(infer(), retries=4)
        app.others = answer
        async with world(app, retry_interval=60) as here:
            run = await here.run_one()
            assert loads(run.output or b"") == {"data": {"n": 3}}
            assert [time - times[0] for time in times] == [0, 60, 120]
            history = await here.server.history(run.id)
        told = [
            (one.details["attempt"], one.details["retry_at"] - times[0])
            for one in history
            if one.kind == "step_failed"
        ]
        assert told == [(0, 60), (1, 120)]
        assert len(app.calls) == 2

    asyncio.run(main())


def test_a_request_that_never_goes_well_fails_its_step_not_its_run() -> None:
    app = asking(infer(), retries=2)
    error = memo(app, lambda asked: Reply(500, {}, sdk=False))["error"]
    assert error["name"] == "AIGatewayError"
    assert len(app.asked) == 3


@pytest.mark.parametrize("item", [fetch(body="x" * 4 * MB), infer(body="x" * 4 * MB)])
def test_a_request_that_is_too_large_is_a_failed_attempt(item: dict[str, Any]) -> None:
    async def main() -> dict[str, Any]:
        async with world(asking(item)) as here:
            run = await here.run_one()
            assert run.status is RunStatus.FAILED
            error: dict[str, Any] = loads(run.output or b"")
            return error

    error = asyncio.run(main())
    assert error["code"] == "output_too_large"
    assert "step 'a' is larger than 4 MB" in error["message"]


def test_requests_of_a_run_are_made_at_the_same_time_and_hold_up_no_calls() -> None:
    async def main() -> None:
        async def slowly(asked: Asked) -> Reply:
            await here.clock.sleep(60)
            return Reply(200, {}, sdk=False)

        items = [op("Gateway", name, opts={"url": f"http://api.test/{name}"}) for name in "abc"]
        app = asking(*items).add("other", lambda call: output("ok"), event="shop/other")
        app.others = slowly
        async with world(app, max_calls=1) as here:
            event_id = await here.send()
            await here.server.settle()
            (other,) = await here.finish(await here.send("shop/other"))
            assert other.ended_at == other.queued_at
            (run,) = await here.finish(event_id)
            assert run.ended_at == run.queued_at + 180
        assert len(app.calls) == 3

    asyncio.run(main())


def test_a_request_beside_other_steps_is_waited_for_with_them() -> None:
    item = op("StepPlanned", "b")

    def handler(call: Call) -> Reply:
        if call.target == sha1("b"):
            return ops(ran("b", 1))
        return output(call.steps) if call.steps else ops(fetch(), item)

    app = FakeApp().add("one", handler)
    assert set(memo(app, lambda asked: Reply(200, {}, sdk=False))) == {A, sha1("b")}


def test_a_request_that_races_has_the_function_called_at_once() -> None:
    async def main() -> None:
        async def slowly(asked: Asked) -> Reply:
            await here.clock.sleep(60 if "slow" in asked.url else 1)
            return Reply(200, {}, sdk=False)

        def item(name: str) -> dict[str, Any]:
            return op(
                "Gateway", name, opts={"url": f"http://x.test/{name}", "parallelMode": "race"}
            )

        app = FakeApp()
        app.add("one", lambda call: output(1) if call.steps else ops(item("fast"), item("slow")))
        app.others = slowly
        async with world(app) as here:
            run = await here.run_one()
            assert run.ended_at == run.queued_at + 1
            await here.pass_time(120)
            assert here.server.runs._held == {}

    asyncio.run(main())


def test_a_request_that_is_reported_again_is_made_once() -> None:
    async def main() -> None:
        async def slowly(asked: Asked) -> Reply:
            await here.clock.sleep(60)
            return Reply(200, {}, sdk=False)

        def handler(call: Call) -> Reply:
            if A in call.steps:
                return output(1)
            bad = op("Gateway", "bad", opts={"parallelMode": "race"})
            return ops(fetch(), bad, bad)

        app = FakeApp().add("one", handler)
        app.others = slowly
        async with world(app) as here:
            run = await here.run_one()
            assert run.ended_at == run.queued_at + 60
        assert (len(app.asked), len(app.calls)) == (1, 3)

    asyncio.run(main())


def test_what_is_answered_after_the_run_was_cancelled_is_dropped() -> None:
    async def main() -> None:
        async def slowly(asked: Asked) -> Reply:
            await here.clock.sleep(60)
            return Reply(200, {}, sdk=False)

        app = asking(fetch())
        app.others = slowly
        async with world(app) as here:
            event_id = await here.send()
            await here.server.settle()
            (run,) = await here.server.runs_of(event_id)
            assert (await here.http.delete(f"/v1/runs/{run.id}")).status_code == 200
            (ended,) = await here.finish(event_id)
            assert ended.status is RunStatus.CANCELLED
            await here.pass_time(120)
            kinds = [str(one.kind) for one in await here.server.history(run.id)]
            assert kinds[-1] == "run_ended"
            assert here.server.runs._held == {}
        assert len(app.calls) == 1

    asyncio.run(main())


def test_a_request_in_progress_is_made_again_by_the_next_server(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = asking(infer(headers={"x-extra": "1"}))

        async def answer(asked: Asked) -> Reply:
            if len(app.asked) == 1:
                await clock.sleep(3600)
            return Reply(200, {"n": len(app.asked)}, sdk=False)

        app.others = answer
        async with world(app, db=db, clock=clock) as here:
            event_id = await here.send()
            await here.server.settle()
        async with world(app, db=db, clock=clock, sync=False) as here:
            (run,) = await here.finish(event_id)
        assert loads(run.output or b"") == {"data": {"n": 2}}
        assert app.asked[0] == app.asked[1]

    asyncio.run(main())


def test_too_much_state_fails_the_run_when_a_request_brings_it() -> None:
    async def main() -> None:
        large = Reply(200, "x" * (4 * MB - 100), sdk=False)
        items = [op("AIGateway", str(n), opts={"url": f"http://x.test/{n}"}) for n in range(9)]
        app = asking(*items)
        app.others = lambda asked: large
        async with world(app) as here:
            run = await here.run_one()
            assert run.status is RunStatus.FAILED
            assert loads(run.output or b"")["name"] == "InngestErrStateOverflowed"

    asyncio.run(main())


def test_secrets_are_told_to_nobody_else(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    token, header = "tok-987654321", "hdr-abcdefgh"
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        def echo(asked: Asked) -> Reply:
            return Reply(401, {"said": [asked.url, dict(asked.headers)]}, sdk=False)

        item = infer(url=f"{AI}?token={token}", headers={"x-key": header})
        app = asking(item, retries=1)
        app.others = echo
        async with world(app, db=str(tmp_path / "dev.db")) as here:
            run = await here.run_one()
            told = repr([run.output, await here.server.history(run.id)])
            told += await everything(here, run.id)
        assert "[hidden]" in told
        for secret in (SECRET, token, header):
            assert secret not in told
            assert secret not in caplog.text

    asyncio.run(main())
    kept = (tmp_path / "dev.db").read_bytes()
    assert b"AIGatewayError" in kept


async def everything(here: World, run_id: str) -> str:
    """Return all that the API tells of a run."""
    paths = (f"/v1/runs/{run_id}", f"/v1/runs/{run_id}/jobs", f"/v2/runs/{run_id}/trace", "/dev")
    texts = []
    for path in paths:
        with contextlib.suppress(ValueError):
            texts.append((await here.http.get(path)).text)
    return "".join(texts)


def test_another_host_to_which_a_request_is_redirected_sees_no_keys() -> None:
    def answer(asked: Asked) -> Reply:
        if "other.test" in asked.url:
            return Reply(200, {}, sdk=False)
        if asked.url.endswith("/again"):
            return Reply(307, {}, {"location": "https://other.test/x"}, sdk=False)
        return Reply(307, {}, {"location": "/again"}, sdk=False)

    app = asking(infer(headers={"x-key": "k", "anthropic-version": "1"}))
    assert memo(app, answer) == {"data": {}}
    first, again, other = app.asked
    assert again.header("authorization") == first.header("authorization") == [f"Bearer {SECRET}"]
    assert (other.header("authorization"), other.header("x-key")) == ([], [])
    assert (other.header("anthropic-version"), other.body) == (["1"], first.body)


def test_another_host_sees_no_key_of_a_query_either() -> None:
    def answer(asked: Asked) -> Reply:
        elsewhere = Reply(307, {}, {"location": "https://other.test/x"}, sdk=False)
        return Reply(200, {}, sdk=False) if "other.test" in asked.url else elsewhere

    app = asking(infer(format="gemini"))
    memo(app, answer)
    assert [asked.url for asked in app.asked] == [f"{AI}?key={SECRET}", "https://other.test/x"]
