"""The line at the foot of a terminal."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from inngest_asgi.cli import status as module
from inngest_asgi.cli.console import Screen
from inngest_asgi.cli.status import Counts, Status
from inngest_asgi.cli.stopping import first_of
from inngest_asgi.dev import App
from tests.cli.records import OTHER, ended, queued, recorded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from inngest_asgi.dev import Function, Record, RunRow

ORIGIN = "http://127.0.0.1:8288"


class Server:
    """What a status needs of a server."""

    def __init__(self, *records: Record, apps: tuple[App, ...] = (), open_runs: int = 0) -> None:
        self._records = records
        self.apps = list(apps)
        self.functions: list[Function] = []
        self._open: list[Any] = [None] * open_runs

    async def unfinished(self) -> list[RunRow]:
        return self._open

    async def watch(self) -> AsyncIterator[Record]:
        for one in self._records:
            yield one
        await asyncio.get_running_loop().create_future()


def shown(server: Server, *, terminal: bool = True, json: bool = False) -> str:
    """Return what is written while the server's records come, and a moment after."""
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=200, color_system=None)
    status = Status(server, Screen(console, console, json), ORIGIN)

    async def a_moment() -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        status.refresh()
        for _ in range(20):
            await asyncio.sleep(0)

    asyncio.run(first_of(a_moment(), status.show()))
    return output.getvalue()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.0)


def test_it_counts_apps_functions_and_runs() -> None:
    apps = (App("1", "a", "http://a"), App("2", "b", "http://b", error="It is down."))
    server = Server(queued(), apps=apps, open_runs=1)
    assert f"{ORIGIN}  2 apps  0 functions  2 running  0 completed  1 app not in sync" in shown(
        server
    )


def test_it_tells_how_runs_ended() -> None:
    server = Server(
        ended(),
        ended(run_id=OTHER, status="Failed"),
        ended(status="Cancelled"),
        recorded("a"),
        open_runs=1,
    )
    assert "0 running  1 completed  1 failed  1 cancelled" in shown(server)


@pytest.mark.parametrize(("terminal", "json"), [(False, False), (True, True)], ids=["pipe", "json"])
def test_there_is_none_where_it_would_be_in_the_way(*, terminal: bool, json: bool) -> None:
    assert shown(Server(queued()), terminal=terminal, json=json) == ""


def test_a_run_that_ends_without_having_been_counted_makes_no_negative_number() -> None:
    counts = Counts()
    counts.note(ended())
    assert (counts.open, counts.completed) == (0, 1)
