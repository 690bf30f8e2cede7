"""`inngest-asgi dev MODULE:APP` as users have it: code that changes, breaks and is mended."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import httpx
import pytest

from inngest_asgi.wire.codec import loads
from tests.live.commands import Command, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.live

APP = """
import inngest_asgi as inngest

client = inngest.Inngest("shop")

@client.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="paid"))
async def pay(ctx: inngest.Context) -> str:
    return await ctx.step.run("charge", lambda: {result!r})

app = inngest.serve(client)
"""


@pytest.fixture
def ports() -> list[int]:
    return free_ports(2)


@pytest.fixture
def start(tmp_path: Path, ports: list[int]) -> Callable[..., Command]:
    def start(*arguments: str) -> Command:
        where = ("--port", str(ports[0]), "--app-port", str(ports[1]), "--db", ":memory:")
        return Command("dev", "shop:app", *where, *arguments, folder=tmp_path)

    return start


def send(ports: list[int]) -> None:
    httpx.post(f"http://127.0.0.1:{ports[0]}/e/key", json={"name": "paid"}).raise_for_status()


def test_it_follows_the_code(
    start: Callable[..., Command], ports: list[int], tmp_path: Path
) -> None:
    code = tmp_path / "shop.py"
    code.write_text(APP.format(result="first"))
    with start("--verbose") as command:
        command.wait_for("Serving until Ctrl-C")
        assert "(shop, 1 function)" in command.output
        send(ports)
        command.wait_for('"first"')
        code.write_text("syntax error\n")
        command.wait_for("shop:app could not be started. Mend it and save.")
        assert "SyntaxError" in command.output
        code.write_text(APP.format(result="second"))
        command.wait_for("Reloading    shop.py\nApplication  ")
        send(ports)
        command.wait_for('"second"')
        command.send(signal.SIGINT)
        assert command.ended() == 0
    assert command.output.count("Reloading    shop.py") == 2


def test_as_json_it_tells_of_what_happens_for_programs(
    start: Callable[..., Command], ports: list[int], tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text(APP.format(result="paid"))
    with start("--json", "--no-reload") as command:
        command.wait_for("Serving until Ctrl-C")
        send(ports)
        command.wait_for("run_ended")
    records = [loads(line) for line in command.output.splitlines() if line.startswith("{")]
    assert records[0]["kind"] == "run_queued"
    assert records[-1]["details"] == {"status": "Completed", "output": "paid"}


def test_a_browser_reaches_it_by_the_name_of_a_tunnel(
    start: Callable[..., Command], ports: list[int], tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text(APP.format(result="paid"))
    with start("--no-reload", "--allow-host", "dev.example.com") as command:
        command.wait_for("Serving until Ctrl-C")
        url, tunnel = f"http://127.0.0.1:{ports[0]}/", {"host": "dev.example.com"}
        assert httpx.get(url, headers=tunnel).status_code == 200
        assert httpx.get(url, headers={"host": "other.example.com"}).status_code == 403


def test_an_application_does_not_outlive_a_command_that_was_killed(
    start: Callable[..., Command], ports: list[int], tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text(APP.format(result="paid"))
    with start() as command:
        command.wait_for("Serving until Ctrl-C")
        command.send(signal.SIGKILL)
        command.ended()
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{ports[1]}/api/inngest")
        except httpx.TransportError:
            return
