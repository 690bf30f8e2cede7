"""`inngest-asgi run` as users have it: killed, stopped, started again, in everybody's way."""

from __future__ import annotations

import signal
import socket
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live.commands import Command, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.live

APP = "tests.live.apps.carried:app"


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Command]:
    """Give what starts the command, time and again, on the same ports and the same file."""
    port, app_port = free_ports(2)

    def start(*arguments: str, target: str = APP, **env: str) -> Command:
        ports = ("--port", str(port), "--app-port", str(app_port))
        steps = str(tmp_path / "steps.txt")
        return Command("run", target, *ports, *arguments, folder=tmp_path, STEPS=steps, **env)

    return start


def steps(folder: Path) -> Counter[str]:
    return Counter((folder / "steps.txt").read_text(encoding="utf-8").split())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "SIGTERM"])
def test_stopped_in_a_sleep_it_goes_on_and_repeats_no_step(
    number: signal.Signals, start: Callable[..., Command], tmp_path: Path
) -> None:
    with start("--event", "sleep") as command:
        command.wait_for("sleeps until")
        command.send(number)
        command.ended()
    with start("--once") as command:
        assert command.ended() == 0
    assert steps(tmp_path) == {"first": 1, "left": 1, "right": 1, "last": 1}
    for line in ("goes on", "steps recorded before", "✓ last", '"rested"'):
        assert line in command.output


def test_killed_in_a_step_body_it_runs_that_body_again_and_no_other(
    start: Callable[..., Command], tmp_path: Path
) -> None:
    with start("--event", "work") as command:
        command.wait_for("long began")
        command.send(signal.SIGKILL)
        assert command.ended() == -signal.SIGKILL
    with start("--once") as command:
        assert command.ended() == 0
    assert steps(tmp_path) == {"first": 1, "long": 2}
    assert '"worked"' in command.output


@pytest.mark.parametrize("event", ["work", "block", "thread"])
def test_stopped_in_a_step_body_it_ends_at_once_and_quietly(
    event: str, start: Callable[..., Command]
) -> None:
    name = "long" if event == "work" else event
    with start("--event", event) as command:
        command.wait_for(f"{name} began")
        command.send(signal.SIGINT)
        assert command.ended() == 128 + signal.SIGINT
    assert command.output.splitlines()[-1] == f"{name} began"


def test_the_second_signal_ends_the_process_without_further_ado(
    start: Callable[..., Command], tmp_path: Path
) -> None:
    (tmp_path / "hanging.py").write_text(HANGING)
    with start(target="hanging:app") as command:
        command.wait_for("Serving")
        command.send(signal.SIGTERM)
        command.wait_for("cleaning up")
        command.send(signal.SIGINT)
        assert command.ended() == -signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_serving_ends_well(number: signal.Signals, start: Callable[..., Command]) -> None:
    with start() as command:
        command.wait_for("Serving")
        command.send(number)
        assert command.ended() == 0
    assert len(command.output.splitlines()) == 3


def test_a_run_that_fails_is_exit_code_1_and_shows_the_users_frames(
    start: Callable[..., Command],
) -> None:
    with start("--event", "fail", PYTHONUTF8="0", PYTHONIOENCODING="ascii") as command:
        assert command.ended() == 1
    told = command.output.partition("= carried-fail")[2].splitlines()[1:]
    assert [line.strip() for line in told] == [
        "Traceback (most recent call last):",
        f'File "{Path(__file__).with_name("apps") / "carried.py"}", line {line_of_the_error()}, '
        "in charge",
        'raise ValueError("the card was refused")',
        "ValueError: the card was refused",
    ]


@pytest.mark.parametrize(
    ("option", "what"), [("--port", "the server"), ("--app-port", "the application")]
)
def test_a_taken_port_is_one_line(option: str, what: str, start: Callable[..., Command]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(option, str(port)) as command:
            assert command.ended() == 1
    assert command.output == (
        f"Error: Port {port}, meant for {what}, cannot be used: Address already in use. "
        f"Stop what uses it, or choose another with {option} PORT (0 takes any free one).\n"
    )


def test_an_error_at_import_shows_the_users_frames_alone(
    start: Callable[..., Command], tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("raise ValueError('boom')\n")
    with start(target="broken:app") as command:
        assert command.ended() == 1
    assert command.output.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{tmp_path / "broken.py"}", line 1, in <module>',
        "    raise ValueError('boom')",
        "ValueError: boom",
    ]


HANGING = """
from contextlib import asynccontextmanager
import asyncio
import inngest_asgi as inngest
from starlette.applications import Starlette

@asynccontextmanager
async def lifespan(app):
    yield
    print("cleaning up", flush=True)
    await asyncio.get_running_loop().create_future()

app = Starlette(lifespan=lifespan)
inngest.attach(app, inngest.serve(inngest.Inngest("hanging")))
"""


def line_of_the_error() -> int:
    text = Path(__file__).with_name("apps").joinpath("carried.py").read_text(encoding="utf-8")
    return next(n for n, line in enumerate(text.splitlines(), 1) if "raise ValueError" in line)
