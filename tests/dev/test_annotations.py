"""Metadata attached to runs by several at a time."""

from __future__ import annotations

import asyncio

from inngest_asgi.dev.metadata import Target, Update
from tests.dev.fakes import FakeApp, output, world


def test_those_who_add_at_the_same_time_do_not_lose_anything() -> None:
    async def main() -> None:
        async with world(FakeApp().add("one", lambda call: output(None))) as here:
            run = await here.run_one()
            add = [(Target(), [Update("userland.x", "add", {"n": 1})])]
            await asyncio.gather(*(here.server.annotations.add(run.id, add) for _ in range(20)))
            (note,) = await here.server.notes.metadata(run.id)
            assert note.values == {"n": 20}

    asyncio.run(main())
