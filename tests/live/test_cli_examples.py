"""The examples as `make run` starts them, in a process of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.house.source import ROOT
from tests.live.commands import Command, free_ports

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.live


def command(*arguments: str, folder: Path) -> Command:
    port, app_port = free_ports(2)
    ports = ("--port", str(port), "--app-port", str(app_port))
    return Command("run", *arguments, *ports, folder=folder, ONCE="1")


def test_the_quickstart_shows_a_timeline_and_a_summary(tmp_path: Path) -> None:
    event = ("--event", "shop/orders.uploaded", "--data", f"@{ROOT}/examples/data/upload.json")
    with command("examples.quickstart:inngest_app", *event, folder=tmp_path) as run:
        assert run.ended() == 0
    timeline, _, summary = run.output.partition("Completed\n")
    for line in (
        "✓ read the file",
        "✓ total of Benelux",
        "◷ wait for late orders          2.0 s  sleeps until",
        "attempt 1 failed, next in 1.0 s\n      RetryAfterError: the ledger is still starting",
        "■ shop-summarise-orders",
    ):
        assert line in timeline
    assert json.loads(summary)["orders"] == 305


def test_a_file_that_is_not_there_fails_the_run_at_once(tmp_path: Path) -> None:
    event = ("--event", "shop/orders.uploaded", "--data", '{"file": "nothing.csv"}')
    with command("examples.quickstart:inngest_app", *event, folder=tmp_path) as run:
        assert run.ended() == 1
    assert "NonRetriableError: nothing.csv is not in" in run.output
