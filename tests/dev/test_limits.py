"""The limits of server-api.md 11, each with what happens beyond it, as one table."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import RunStatus
from inngest_asgi.wire.codec import dumps, loads
from tests.dev.fakes import (
    Call,
    FakeApp,
    Handler,
    Reply,
    op,
    ops,
    output,
    ran,
    result,
    script,
    sha1,
    world,
)

if TYPE_CHECKING:
    import httpx

MB = 1024 * 1024
DAY = 86_400


def failed(handler: Handler, retries: int = 0) -> tuple[dict[str, Any], int]:
    """Return the error of a run that fails, and how many calls that took."""
    app = FakeApp().add("one", handler, retries=retries)
    status, error = result(app)
    assert status is RunStatus.FAILED
    return error, len(app.calls)


def returned(handler: Handler) -> Any:
    app = FakeApp().add("one", handler, retries=0)
    status, value = result(app)
    assert status is RunStatus.COMPLETED
    return value


def steps_at_once(count: int) -> Reply:
    return ops(*(ran(str(n)) for n in range(count)))


def done(call: Call) -> int:
    """Return how many steps are done, also where the app has to ask for what they returned."""
    return len(call.ctx["stack"]["stack"])


def steps_of(count: int, size: int) -> Handler:
    """A function that has `count` steps, a call each, whose results are `size` bytes large."""

    def handler(call: Call) -> Reply:
        done = len(call.body["ctx"]["stack"]["stack"])
        return (
            output("ok")
            if done == count
            else ops(ran(str(done), "x" * (size - len('{"data":""}'))))
        )

    return handler


@pytest.mark.parametrize(
    ("handler", "name", "code", "calls"),
    [
        (lambda call: steps_at_once(1001), "InngestErrFunctionOverflowed", None, 1),
        (
            script(steps_at_once(1000), ops(ran("one more"))),
            "InngestErrFunctionOverflowed",
            None,
            2,
        ),
        (steps_of(9, 4 * MB - 9), "InngestErrStateOverflowed", None, 9),
        (
            lambda call: ops(op("Sleep", "a", opts={"duration": "367d"})),
            "InngestErrTimeoutTooLong",
            None,
            1,
        ),
        (
            lambda call: ops(op("WaitForEvent", "a", opts={"event": "e", "timeout": "367d"})),
            "InngestErrTimeoutTooLong",
            None,
            1,
        ),
        (lambda call: ops(ran("a", "x" * 4 * MB)), "Error", "output_too_large", 3),
        (
            lambda call: ops(ran("a", opts={"input": ["x" * 4 * MB]})),
            "Error",
            "output_too_large",
            3,
        ),
        (lambda call: output("x" * 8 * MB), "Error", "output_too_large", 3),
    ],
    ids=[
        *("ops-in-one-response", "steps-of-a-run", "state", "sleep", "wait"),
        *("step-output", "step-input", "response"),
    ],
)
def test_beyond_a_limit_a_run_fails(
    handler: Handler, name: str, code: str | None, calls: int
) -> None:
    error, made = failed(handler, retries=2)
    assert (error["name"], error.get("code")) == (name, code)
    assert made == calls


@pytest.mark.parametrize(
    ("handler", "value"),
    [
        (lambda call: output("ok") if call.steps else steps_at_once(1000), "ok"),
        (steps_of(8, 4 * MB), "ok"),
        (lambda call: output("x" * (8 * MB - 2)), "x" * (8 * MB - 2)),
        (
            lambda call: output(1) if done(call) else ops(ran("a", "x" * (4 * MB - 2))),
            1,
        ),
        (
            lambda call: (
                output(1) if call.steps else ops(op("Sleep", "a", opts={"duration": "366d"}))
            ),
            1,
        ),
    ],
    ids=["steps", "state", "response", "step-output", "sleep"],
)
def test_at_a_limit_all_is_well(handler: Handler, value: Any) -> None:
    assert returned(handler) == value


@pytest.mark.parametrize(
    ("events", "status", "error"),
    [
        ([{"name": "a"}] * 5000, 200, None),
        ([{"name": "a"}] * 5001, 400, "5001 events in one request"),
        ([{"name": "x" * 512}], 200, None),
        ([{"name": "x" * 513}], 400, "longer than 512"),
        ([{"name": "a", "data": {"x": "x" * (3 * MB - 200)}}], 200, None),
        ([{"name": "a", "data": {"x": "x" * 3 * MB}}], 400, "Event is over the max size"),
    ],
    ids=["events", "too-many", "name", "long-name", "size", "too-large"],
)
def test_limits_of_events(events: list[Any], status: int, error: str | None) -> None:
    async def main() -> httpx.Response:
        async with world(FakeApp(), sync=False) as here:
            return await here.http.post("/e/key", content=dumps(events))

    answer = asyncio.run(main())
    assert answer.status_code == status
    if error is None:
        assert len(answer.json()["ids"]) == len(events)
    else:
        assert error in answer.json()["error"]


@pytest.mark.parametrize(
    ("size", "by_api"), [(3 * MB, False), (4 * MB - 1100, True)], ids=["inline", "by-api"]
)
def test_large_state_is_fetched_by_the_app(size: int, by_api: bool) -> None:  # noqa: FBT001
    """A request is 4 MB at most; its memos 1 KB less."""

    def handler(call: Call) -> Reply:
        return output(call.ctx["use_api"]) if done(call) else first

    first = ops(ran("a", "x" * size), ran("b", "x" * 1000))
    assert returned(handler) is by_api


def test_a_call_lasts_two_hours_at_most() -> None:
    async def main() -> None:
        async def hang(call: Call) -> Reply:
            await here.clock.sleep(DAY)
            return output("late")

        app = FakeApp().add("one", hang, retries=0)
        async with world(app) as here:
            run = await here.run_one()
            assert run.status is RunStatus.FAILED
            error = loads(run.output or b"")
            assert error["code"] == "request_duration_too_long"
            assert "did not answer within 2 hours." in error["message"]
            assert run.ended_at == run.queued_at + 7200

    asyncio.run(main())


def test_a_step_that_is_too_large_spoils_its_whole_response() -> None:
    """No step of it is kept, and the attempt is made again (server-api.md 11)."""
    replies = script(ops(ran("a"), ran("b", "x" * 4 * MB)), ops(ran("c")), output("ok"))
    app = FakeApp().add("one", replies)
    assert result(app) == (RunStatus.COMPLETED, "ok")
    assert [list(call.steps) for call in app.calls] == [[], [], [sha1("c")]]
