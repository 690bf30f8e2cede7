"""Apps that record steps in the midst of a call, and what the server answers them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from inngest_asgi.wire.codec import loads
from tests.dev.fakes import (
    Call,
    FakeApp,
    Reply,
    World,
    output,
    sha1,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

A, B, C = sha1("a"), sha1("b"), sha1("c")
MB = 1024 * 1024


def body(call: Call, *steps: Any, **more: Any) -> dict[str, Any]:
    names = ("run_id", "fn_id", "qi_id", "generation_id")
    return {name: call.ctx[name] for name in names} | {"steps": list(steps), **more}


async def checkpoint(here: World, call: Call, *steps: Any, **more: Any) -> httpx.Response:
    path = f"/v1/checkpoint/{call.ctx['run_id']}/async"
    return await here.http.post(path, json=body(call, *steps, **more))


def playing(play: Callable[[World, Call], Awaitable[Reply]], **options: Any) -> tuple[Any, FakeApp]:
    """See one run through that does `play` in all its calls; return its row and the app."""

    async def main() -> Any:
        async with world(app) as here:
            worlds.append(here)
            return await here.run_one()

    worlds: list[World] = []
    app = FakeApp().add("one", lambda call: play(worlds[0], call), **options)
    return asyncio.run(main()), app


def refused(*steps: Any, **more: Any) -> httpx.Response:
    """Return the answer to a checkpoint, after which the run ends with no memo."""
    answer, memos = kept(*steps, **more)
    assert memos == {}
    return answer


def kept(*steps: Any, **more: Any) -> tuple[httpx.Response, Any]:
    """Return the answer to a checkpoint, and the memos of its run afterwards."""
    answers = []

    async def play(here: World, call: Call) -> Reply:
        answers.append(await checkpoint(here, call, *steps, **more))
        state = await here.http.get(f"/v0/runs/{call.ctx['run_id']}/actions")
        return output(state.json())

    run, _ = playing(play)
    return answers[0], loads(run.output)
