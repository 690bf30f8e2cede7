"""What a bug of the server itself may cost: time, and never a run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inngest_asgi.dev import RunStatus
from tests.dev.fakes import FakeApp, output, script, world

if TYPE_CHECKING:
    import pytest


def test_a_bug_of_the_server_does_not_lose_the_run(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        app = FakeApp().add("one", script(output("ok")))
        async with world(app) as here:
            functions = here.server.registry._functions
            (known,) = functions.values()
            event_id = await here.send(ts=int((here.clock.time() + 5) * 1000))
            functions.clear()
            await here.pass_time(6)
            functions[known.id] = known
            (run,) = await here.finish(event_id)
            assert run.status is RunStatus.COMPLETED

    asyncio.run(main())
    assert "A bug in the server" in caplog.text


def test_a_bug_at_the_end_of_a_run_does_not_leave_it_running_for_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What the turn changed in memory before the bug was not saved, so it must not count."""

    async def main() -> None:
        app = FakeApp().add("one", lambda call: output(len(app.calls)))
        async with world(app) as here:
            listeners = here.server.registry._listeners
            listeners["inngest/function.finished"] = [None]  # type: ignore[list-item]
            event_id = await here.send()
            await here.server.settle()
            del listeners["inngest/function.finished"]
            (run,) = await here.finish(event_id)
            assert (run.status, run.output) == (RunStatus.COMPLETED, b"2")

    asyncio.run(main())
    assert "A bug in the server" in caplog.text
