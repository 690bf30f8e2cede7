"""Saved first, then heard of: senders that give up, and a disk that is full."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inngest_asgi.dev import RunStatus
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import FakeApp, ops, output, ran, world

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    import pytest


def test_no_app_is_called_once_nothing_can_be_saved(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        app = FakeApp().add("one", lambda call: ops(ran("a", "x" * 100_000)))
        async with world(app, max_calls=1) as here:
            due = int((here.clock.time() + 60) * 1000)
            for _ in range(20):
                await here.send(ts=due)
            await here.server.store._thread.submit(leave_no_room)
            await here.pass_time(3600)
        assert len(app.calls) == 1

    asyncio.run(main())
    assert caplog.text.count("the disk is full. Make room, then start the server again.") == 1


def test_what_was_accepted_before_the_disk_was_full_is_gone_on_with(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = FakeApp().add("one", lambda call: output("x" * 50_000))
        due = int((clock.time() + 60) * 1000)
        async with world(app, db=db, clock=clock) as here:
            ids = [await here.send(ts=due) for _ in range(20)]
            await here.server.store._thread.submit(leave_no_room)
            await here.pass_time(61)
            refused = await here.http.post("/e/key", json={"name": "shop/paid"})
            assert refused.status_code == 503
        async with world(app, db=db, clock=clock, sync=False) as here:
            for event_id in ids:
                (run,) = await here.finish(event_id)
                assert run.status is RunStatus.COMPLETED

    asyncio.run(main())
    assert "the disk is full" in caplog.text


def leave_no_room(connection: sqlite3.Connection) -> None:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")


def test_an_event_whose_sender_gave_up_is_worked_on_all_the_same() -> None:
    async def main() -> None:
        app = FakeApp().add("one", lambda call: output("ok"))
        async with world(app) as here:
            sending = asyncio.ensure_future(here.server.send({"name": "shop/paid"}))
            await asyncio.sleep(0)
            sending.cancel()
            await here.server.settle()
            assert sending.cancelled()
        assert len(app.calls) == 1

    asyncio.run(main())
