"""Functions that start by the clock: time zones, jitter, restarts, changed crons."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev.crons import next_time
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import URL, FakeApp, World, output, world

if TYPE_CHECKING:
    from pathlib import Path

HOUR, DAY = 3600.0, 86_400.0


def scheduled(**trigger: Any) -> FakeApp:
    return FakeApp().add("timed", lambda call: output(None), triggers=[trigger])


def starts(here: World) -> list[str]:
    return [call.body["event"]["data"]["scheduledAt"][:16] for call in here.app.calls]


@pytest.mark.parametrize(
    ("cron", "due"),
    [
        ("0 9 * * *", "2025-01-01T09:00"),
        ("*/15 * * * *", "2025-01-01T00:15"),
        ("TZ=Asia/Tokyo 0 12 * * *", "2025-01-01T03:00"),
        ("0 0 30 6 *", "2025-06-30T00:00"),
    ],
)
def test_when_a_cron_is_due(cron: str, due: str) -> None:
    expected = datetime.fromisoformat(due).replace(tzinfo=UTC).timestamp()
    assert next_time(cron, 1_735_689_600.0) == expected


def test_a_week_of_a_daily_cron() -> None:
    async def main() -> None:
        app = scheduled(cron="TZ=Europe/Paris 0 9 * * *")
        async with world(app) as here:
            await here.pass_time(7 * DAY)
            assert starts(here) == [f"2025-01-0{day}T08:00" for day in range(1, 8)]
            event = app.calls[0].body["event"]
            assert event["name"] == "inngest/scheduled.timer"
            assert event["id"] == "2025-01-01T08:00:00.000Z"
            assert event["ts"] == 1_735_718_400_000
            assert event["data"]["cron"] == "TZ=Europe/Paris 0 9 * * *"

    asyncio.run(main())


def test_jitter_spreads_the_start() -> None:
    async def main() -> None:
        app = scheduled(cron="0 * * * *", jitter="5m")
        async with world(app) as here:
            await here.pass_time(20 * HOUR)
            late = [call.body["event"]["ts"] / 1000 % HOUR for call in app.calls]
            assert len(late) >= 19
            assert all(0 <= seconds < 300 for seconds in late)
            assert len({round(seconds) for seconds in late}) > 5

    asyncio.run(main())


def test_a_cron_goes_on_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        db, clock = str(tmp_path / "dev.db"), ManualClock()
        app = scheduled(cron="0 * * * *")
        for _ in range(2):
            async with world(app, db=db, clock=clock, sync=not app.calls) as here:
                await here.pass_time(2 * HOUR + 60)
        assert starts(here) == [f"2025-01-01T0{hour}:00" for hour in range(1, 5)]

    asyncio.run(main())


def test_a_cron_that_was_changed_or_removed_fires_no_more() -> None:
    async def main() -> None:
        app = scheduled(cron="0 * * * *")
        async with world(app) as here:
            await here.pass_time(HOUR)
            app.functions["shop-timed"]["triggers"] = [{"cron": "30 * * * *"}]
            await here.server.sync(URL)
            await here.pass_time(HOUR)
            del app.functions["shop-timed"]
            await here.server.sync(URL)
            await here.pass_time(DAY)
            assert starts(here) == ["2025-01-01T01:00", "2025-01-01T01:30"]

    asyncio.run(main())


def test_a_store_that_fails_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with world(scheduled(cron="0 * * * *")) as here:
            thread = here.server.store._thread
            await thread.submit(lambda connection: connection.execute("DROP TABLE events"))
            await here.pass_time(2 * HOUR)

    asyncio.run(main())
    assert "A scheduled function could not be started" in caplog.text
