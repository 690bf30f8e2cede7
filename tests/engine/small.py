"""Small programs for the tables of requests and outcomes, each written once for both shells."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from inngest_asgi.errors import NonRetriableError, StepError
from inngest_asgi.wire.events import Event

if TYPE_CHECKING:
    from tests.engine.calls import Program, Tools


def body_that_raises(error: BaseException, *, blocking: bool = False) -> Program:
    async def program(tools: Tools) -> Any:
        make = tools.blocking_body if blocking else tools.body
        return await tools.step.run("a", make("a", error))

    return program


async def blocking_body(tools: Tools) -> Any:
    return await tools.step.run("a", tools.blocking_body("a"), 1, k=2)


async def async_body(tools: Tools) -> Any:
    return await tools.step.run("a", tools.body("a"), 1, k=2)


async def body_giving_a_coroutine(tools: Tools) -> Any:
    return await tools.step.run("a", lambda: tools.body("a")(7))


async def sleep_until(tools: Tools) -> Any:
    await tools.step.sleep_until("nap", datetime(2026, 1, 2, tzinfo=UTC))
    return "awake"


async def sending(tools: Tools) -> Any:
    return await tools.step.send_event("send", [Event(name="e")])


async def raising(_: Tools) -> Any:
    raise KeyError("k")


async def returning(_: Tools) -> Any:
    return {"x": 1}


async def nothing(_: Tools) -> Any:
    return None


async def leaving(_: Tools) -> Any:
    raise SystemExit(1)


async def nested(tools: Tools) -> Any:
    async def outer() -> Any:
        return await tools.step.run("inner", tools.body("inner"))

    return await tools.step.run("outer", outer)


async def nested_and_swallowed(tools: Tools) -> Any:
    async def outer() -> Any:
        try:
            await tools.step.sleep("inner", "1s")
        except BaseException:  # noqa: BLE001 - that is the point
            return "fine"

    return await tools.step.run("outer", outer)


async def reraised_in_the_next(tools: Tools) -> Any:
    """Let a step's error pass as another one, as `raise ... from` does."""
    try:
        await tools.step.run("a", tools.body("a"))
    except StepError as error:
        raise ValueError("wrapped") from error


async def race_block(tools: Tools) -> Any:
    with tools.group.race():
        await tools.step.run("a", tools.body("a"))
    return await tools.step.run("b", tools.body("b"))


async def undumpable(tools: Tools) -> Any:
    return await tools.step.run("a", tools.body("a", {1, 2}))


async def bad_id(tools: Tools) -> Any:
    return await tools.step.run("", tools.body("a"))


async def error_in_a_branch(tools: Tools) -> Any:
    async def bad() -> Any:
        raise NonRetriableError("no")

    await tools.group.parallel([bad])


async def no_branches(tools: Tools) -> Any:
    return await tools.group.parallel([])


async def race_of_none(tools: Tools) -> Any:
    return await tools.group.race([])


async def cleaning_up(tools: Tools) -> Any:
    """Use a step in a `finally`, which every step boundary reaches."""
    try:
        return await tools.step.run("a", tools.body("a"))
    finally:
        await tools.step.run("clean", tools.body("clean"))
