"""The example of a stand-alone worker: what it prints from its start to its end."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from examples import connect_worker

if TYPE_CHECKING:
    import pytest


def test_it_tells_how_it_goes_until_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INNGEST_DEV", "http://127.0.0.1:9")

    async def run() -> None:
        running = asyncio.create_task(connect_worker.main())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        signal.raise_signal(signal.SIGINT)
        await running

    asyncio.run(run())
    assert capsys.readouterr().out.splitlines() == [
        "CLOSING: no connection",
        "CLOSED: no connection",
        "0 requests answered",
    ]
