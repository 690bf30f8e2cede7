"""Durable programs for the tables and the simulated runs, each written once for both shells."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from inngest_asgi.engine.group import ParallelMode
from inngest_asgi.errors import NonRetriableError, StepError

if TYPE_CHECKING:
    from tests.engine.calls import Program, Tools

RACE = ParallelMode.RACE


async def sequence(tools: Tools) -> Any:
    first = await tools.step.run("a", tools.body("a"))
    await tools.step.sleep("nap", "1h")
    return [first, await tools.step.run("b", tools.blocking_body("b"))]


async def repeats(tools: Tools) -> Any:
    """Use "a" three times, beside a literal "a:1"."""
    names = ["a", "a:1", "a", "a"]
    return [await tools.step.run(one, tools.body(str(at))) for at, one in enumerate(names)]


async def compensation(tools: Tools) -> Any:
    try:
        await tools.step.run("charge", tools.body("charge", NonRetriableError("no funds")))
    except StepError as error:
        return [error.name, error.message, await tools.step.run("refund", tools.body("refund"))]


async def exhausted(tools: Tools) -> Any:
    """Use up the attempts of a step that raises, and go on."""
    try:
        return await tools.step.run("flaky", tools.body("flaky", ValueError("again")))
    except StepError as error:
        return error.name


async def parallel(tools: Tools) -> Any:
    start = await tools.step.run("start", tools.body("start"))
    branches = [partial(tools.step.run, f"p{n}", tools.body(f"p{n}"), n) for n in range(4)]
    return [start, *await tools.group.parallel(branches)]


async def parallel_branches(tools: Tools) -> Any:
    """Run branches of several steps with the same ids, and one without steps."""

    async def branch(n: int) -> Any:
        fetched = await tools.step.run("fetch", tools.body(f"fetch {n}"))
        return [fetched, await tools.step.run("store", tools.body(f"store {n}"))]

    async def stepless() -> Any:
        return "nothing"

    branches = [stepless, *(partial(branch, n) for n in range(3))]
    ended = await tools.group.parallel(branches)
    return [*ended, await tools.step.run("end", tools.body("end"))]


async def uneven_branches(tools: Tools) -> Any:
    """Run branches of which one sleeps before it comes to an id that all have."""

    async def branch(n: int) -> Any:
        if n == 1:
            await tools.step.sleep("pause", "1m")
        return await tools.step.run("store", tools.body(f"store {n}"), n)

    return await tools.group.parallel([partial(branch, n) for n in range(3)])


async def nested_groups(tools: Tools) -> Any:
    async def inner(n: int) -> Any:
        steps = [partial(tools.step.run, f"{n}.{m}", tools.body(f"{n}.{m}")) for m in range(2)]
        await tools.step.run(f"{n}", tools.body(f"{n}"))
        return await tools.group.parallel(steps)

    return await tools.group.parallel([partial(inner, n) for n in range(3)])


async def racing_branches(tools: Tools) -> Any:
    """Run branches in race mode: each goes on while its siblings run."""

    async def branch(n: int) -> Any:
        await tools.step.run(f"one {n}", tools.body(f"one {n}"))
        return await tools.step.run(f"two {n}", tools.body(f"two {n}"))

    ended = await tools.group.parallel([partial(branch, n) for n in range(3)], parallel_mode=RACE)
    return [*ended, await tools.step.run("end", tools.body("end"))]


async def failing_branch(tools: Tools) -> Any:
    bad = tools.body("bad", NonRetriableError("no"))
    try:
        await tools.group.parallel(
            [
                partial(tools.step.run, "good", tools.body("good")),
                partial(tools.step.run, "bad", bad),
            ]
        )
    except StepError as error:
        return [error.step_id, await tools.step.run("mend", tools.body("mend"))]


async def swallowing(tools: Tools) -> Any:
    """Swallow what unwinds, once, and go on with data that is none."""
    given = None
    try:
        given = await tools.step.run("a", tools.body("a"))
    except BaseException:  # noqa: BLE001 - that is the point
        given = "swallowed"
    return await tools.step.run("b", tools.body("b"), given)


async def swallowing_branches(tools: Tools) -> Any:
    """Swallow what unwinds a branch, and go on in it with data that is none."""
    return await tools.group.parallel(
        [partial(swallowing, tools), partial(tools.step.run, "c", tools.body("c"))]
    )


DETERMINED: dict[str, Program] = {
    one.__name__: one
    for one in (
        sequence,
        repeats,
        compensation,
        exhausted,
        parallel,
        parallel_branches,
        nested_groups,
        racing_branches,
        failing_branch,
        swallowing,
        swallowing_branches,
    )
}
"""Programs whose result does not hang on which sibling ends first."""


async def race(tools: Tools) -> Any:
    """Let the first of three branches decide, and work on with what it gave."""

    async def branch(n: int) -> Any:
        for at in range(1 + n // 2):
            last = await tools.step.run(f"{n}.{at}", tools.body(f"{n}.{at}"))
        return last

    winner = await tools.group.race([partial(branch, n) for n in range(3)])
    return [winner, await tools.step.run("end", tools.body("end"))]


async def race_against_sleep(tools: Tools) -> Any:
    async def slow() -> Any:
        return await tools.step.run("work", tools.body("work"))

    async def limit() -> Any:
        await tools.step.sleep("limit", "1m")
        return "too late"

    winner = await tools.group.race([slow, limit])
    return [winner, await tools.step.run("end", tools.body("end"), winner)]


RACES: dict[str, Program] = {one.__name__: one for one in (race, race_against_sleep)}
"""Programs whose result hangs on which sibling ends first."""


async def gathered(tools: Tools) -> Any:
    """Use plain asyncio: gather in gather, branches with steps in a row."""

    async def branch(n: int) -> Any:
        one = await tools.step.run("one", tools.body(f"one {n}"))
        more = await asyncio.gather(
            *(tools.step.run(f"more {n}", tools.body(f"more {n}.{m}")) for m in range(2))
        )
        return [one, *more]

    ended = await asyncio.gather(*(branch(n) for n in range(3)))
    return [ended, await tools.step.run("end", tools.body("end"))]


async def task_group(tools: Tools) -> Any:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(tools.step.run(f"t{n}", tools.blocking_body(f"t{n}")))
            for n in range(3)
        ]
    return [task.result() for task in tasks]


async def completed_in_any_order(tools: Tools) -> Any:
    steps = [tools.step.run(f"s{n}", tools.body(f"s{n}")) for n in range(3)]
    return sorted([await one for one in asyncio.as_completed(steps)])


async def gathered_errors(tools: Tools) -> Any:
    bad = tools.body("bad", NonRetriableError("no"))
    ended = await asyncio.gather(
        tools.step.run("good", tools.body("good")),
        tools.step.run("bad", bad),
        return_exceptions=True,
    )
    return [one if isinstance(one, str) else repr(one) for one in ended]


async def background(tools: Tools) -> Any:
    """Return while a task is still at its steps."""
    seen: list[Any] = []

    async def aside() -> None:
        seen.append(await tools.step.run("aside", tools.body("aside")))
        seen.append(await tools.step.run("aside too", tools.body("aside too")))

    task = asyncio.create_task(aside())
    await tools.step.run("main", tools.body("main"))
    assert task is not None
    return "returned"


async def producer_and_consumer(tools: Tools) -> Any:
    """Hand results from task to task through a queue."""
    queue: asyncio.Queue[Any] = asyncio.Queue()

    async def produce() -> None:
        for n in range(3):
            await queue.put(await tools.step.run(f"make {n}", tools.body(f"make {n}")))

    async def consume() -> Any:
        return [
            await tools.step.run("use", tools.body(f"use {n}"), await queue.get()) for n in "012"
        ]

    _, used = await asyncio.gather(produce(), consume())
    return used


ASYNCIO: dict[str, Program] = {
    one.__name__: one
    for one in (
        gathered,
        task_group,
        completed_in_any_order,
        uneven_branches,
        gathered_errors,
        background,
        producer_and_consumer,
    )
}
"""Programs in plain asyncio, for the async shell."""


async def first_completed(tools: Tools) -> Any:
    """Race steps in plain asyncio, in race mode, and cancel what lost."""
    with tools.group.race():
        tasks = [
            asyncio.create_task(tools.step.run(f"r{n}", tools.body(f"r{n}"))) for n in range(3)
        ]
    done, lost = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for one in lost:
        one.cancel()
    winner = done.pop().result()
    return [winner, await tools.step.run("end", tools.body("end"), winner)]
