"""The examples as `make run` starts them, in a process of its own."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import httpx
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


def test_the_readme_shows_what_make_run_prints(tmp_path: Path) -> None:
    event = ("--event", "shop/orders.uploaded", "--data", f"@{ROOT}/examples/data/upload.json")
    with command("examples.quickstart:inngest_app", *event, folder=tmp_path) as run:
        assert run.ended() == 0
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    sample = readme.partition("```text\n")[2].partition("```")[0]
    assert _without_chance(run.output) == _without_chance(sample)


def test_a_file_that_is_not_there_fails_the_run_at_once(tmp_path: Path) -> None:
    event = ("--event", "shop/orders.uploaded", "--data", '{"file": "nothing.csv"}')
    with command("examples.quickstart:inngest_app", *event, folder=tmp_path) as run:
        assert run.ended() == 1
    assert "NonRetriableError: nothing.csv is not in" in run.output


def test_a_request_to_the_fastapi_application_starts_a_run(tmp_path: Path) -> None:
    port, app_port = free_ports(2)
    ports = ("--port", str(port), "--app-port", str(app_port))
    with Command("run", "examples.fastapi_app:app", *ports, folder=tmp_path) as run:
        run.wait_for("Serving")
        signup = {"email": "ann@example.com", "plan": "team"}
        answer = httpx.post(f"http://127.0.0.1:{app_port}/signups", json=signup)
        assert (answer.status_code, len(answer.json()["events"])) == (202, 1)
        run.wait_for('"ann@example.com: How do you like it?"')


def test_an_application_that_is_started_after_the_server_is_greeted(tmp_path: Path) -> None:
    port, app_port = free_ports(2)
    dev = ("dev", "-v", "-u", f"http://localhost:{app_port}", "--port", str(port))
    options = ("examples.quickstart:inngest_app", "--port", str(app_port))
    with Command(*dev, folder=tmp_path) as server:
        server.wait_for("It is asked again every few seconds.")
        url = f"http://127.0.0.1:{port}"
        start = "import uvicorn; uvicorn.main()"
        with Command(*options, folder=tmp_path, start=start, INNGEST_DEV=url):
            server.wait_for("(shop, 1 function)")


def test_the_quickstart_under_uvicorn_beside_the_server_alone(tmp_path: Path) -> None:
    port, app_port = free_ports(2)
    url = f"http://127.0.0.1:{port}"
    uvicorn = "import uvicorn; uvicorn.main()"
    options = ("examples.quickstart:inngest_app", "--port", str(app_port))
    dev = ("dev", "-v", "-u", f"http://localhost:{app_port}", "--port", str(port))
    with Command(*options, folder=tmp_path, start=uvicorn, INNGEST_DEV=url) as app:
        app.wait_for("Uvicorn running")
        with Command(*dev, folder=tmp_path) as server:
            server.wait_for("(shop, 1 function)")
            event = ("shop/orders.uploaded", "--data", '{"file": "orders.csv"}', "--url", url)
            with Command("send", *event, folder=tmp_path) as send:
                assert send.ended() == 0
            server.wait_for("◷ wait for late orders")


def _without_chance(shown: str) -> list[str]:
    """Return lines without ids, ports, times and where the report went, in an order that stays."""
    chance = r"\b[0-9A-Z]{26}\b|:[0-9]{4,5}\b| *<?\b[0-9.]+ m?s\b|[0-9:]{8}|\"report\": .*"
    return sorted(re.sub(chance, "", shown).splitlines())
