"""`ctx.logger` over whole runs: each line is logged in one call."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import inngest_asgi as inngest
from tests.middleware.behaviour.hooks import (
    COLOURS,
    DONE,
    body,
    served,
)
from tests.middleware.tracing import traced
from tests.routes.asking import Api, dev_client
from tests.runtime.running import document_of

colours = pytest.mark.parametrize("colour", COLOURS)


async def talking(ctx: Any) -> Any:
    ctx.logger.warning("start")
    await ctx.step.run("a", say, ctx, "in a")
    ctx.logger.warning("after a")
    await ctx.step.run("b", say, ctx, "in b")
    ctx.logger.warning("after b")


async def say(ctx: Any, text: str) -> None:
    ctx.logger.warning(text)


@colours
@pytest.mark.parametrize("hooks", [[], [traced([])]], ids=["plain", "with hooks"])
@pytest.mark.parametrize(
    ("memos", "said"),
    [
        ({}, ["start", "in a"]),
        ({"a": DONE}, ["after a", "in b"]),
        ({"a": DONE, "b": DONE}, ["after b"]),
    ],
    ids=["first call", "second call", "last call"],
)
def test_each_line_is_logged_in_one_call_of_a_run(
    memos: Any, said: list[str], hooks: Any, colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    served(talking, colour, middleware=hooks).call(memos)
    assert caplog.messages == said


def test_a_lost_race_does_not_keep_the_logger_silent(caplog: pytest.LogCaptureFixture) -> None:
    async def racing(ctx: inngest.Context) -> None:
        async def slow() -> None:
            await ctx.step.run("slow", body)
            await ctx.step.run("slower", body)

        async def fast() -> None:
            await ctx.step.run("fast", body)

        await ctx.group.race((slow, fast))
        ctx.logger.warning("decided")
        await ctx.step.run("last", body)
        ctx.logger.warning("end")

    app = served(racing)
    app.call({"fast": DONE})
    app.call({"fast": DONE, "slow": DONE})
    app.call({"fast": DONE, "slow": DONE, "slower": DONE, "last": DONE})
    assert caplog.messages == ["decided", "end"]


@colours
def test_sending_inside_a_function_does_not_silence_its_logger(
    colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "inngest_asgi")
    api = Api({"/e/NO_EVENT_KEY_SET": (200, {"ids": ["01J"]})})
    client = dev_client(api, middleware=[traced([])])

    async def program(ctx: Any) -> None:
        if colour == "async":
            await client.send(inngest.Event(name="shop/paid"))
        else:
            client.send_sync(inngest.Event(name="shop/paid"))
        ctx.logger.warning("sent")

    served(program, colour, client=client).call()
    assert caplog.messages == ["sent"]


@colours
def test_any_object_that_logs_will_do(colour: str) -> None:
    said: list[Any] = []

    class Loud:
        name = "loud"

        def warning(self, *args: Any, **kwargs: Any) -> None:
            said.append((*args, kwargs))

        debug = info = error = exception = warning

    async def program(ctx: Any) -> Any:
        ctx.logger.warning("hello", user=1)
        return ctx.logger.name

    client = dev_client()
    client.set_logger(Loud())
    assert document_of(served(program, colour, client=client).call()) == "loud"
    assert said == [("hello", {"user": 1})]
