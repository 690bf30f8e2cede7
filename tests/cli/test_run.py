"""The command in this process, with real sockets; `tests/live` has it as a process of its own."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest

from inngest_asgi.cli.run import Plan, exit_code, run
from inngest_asgi.cli.serving import listening
from inngest_asgi.dev.store import thread
from inngest_asgi.errors import DevServerError
from tests.cli import connected, programs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.live  # a real server and sockets, in this very process


@pytest.fixture(autouse=True)
def _nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_DEV", "")  # so that what the command sets is unset afterwards
    programs.ran.clear()


def plan(app: str = "app", **more: Any) -> Plan:
    about: dict[str, Any] = {
        "target": f"tests.cli.programs:{app}",
        "event": None,
        "data": {},
        "once": True,
        "app_port": 0,
        "path": None,
        "port": 0,
        "db": ":memory:",
    }
    return Plan(**about | more)


def test_it_does_not_wait_for_ever_when_nothing_can_be_saved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(thread, "_PRAGMAS", (*thread._PRAGMAS, "max_page_count = 70"))
    filling = plan(event="greeted", data={"name": "x" * 100_000}, db=str(tmp_path / "dev.db"))
    with pytest.raises(DevServerError, match="the disk is full"):
        run(filling)


def test_an_events_run_is_told_from_beginning_to_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("BASE_URL", "API_BASE_URL", "EVENT_API_BASE_URL", "SERVE_ORIGIN"):
        monkeypatch.setenv(f"INNGEST_{name}", "http://production.invalid")
    monkeypatch.setenv("INNGEST_SIGNING_KEY", "signkey-prod-12345678")
    assert run(plan(event="greeted", data={"name": "Ann"})) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith("/api/inngest (tried, 5 functions)")
    assert [line[:24].strip() for line in lines[2:]] == [
        "Event        greeted",
        "▶ tried-greet",
        "· waited in the queue",
        "✓ say hello",
        "■ tried-greet",
        '"hello Ann"',
    ]


def test_all_runs_of_an_event_are_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(plan("host", event="both")) == 0
    out = capsys.readouterr().out
    assert ('"hello world"' in out, '"waved"' in out) == (True, True)


def test_a_run_that_fails_is_exit_code_1_once_its_failure_was_handled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(plan(event="failed")) == 1
    out = capsys.readouterr().out
    assert "NonRetriableError: the card was refused\n" in out
    assert 'programs.py", line' in out
    assert out.endswith('"cleaned up"\n')


@pytest.mark.parametrize(
    ("number", "once", "code"),
    [(signal.SIGINT, True, 130), (signal.SIGTERM, False, 0)],
    ids=["Ctrl-C when it is to end by itself", "SIGTERM when it is to serve"],
)
def test_a_signal_ends_it_and_the_next_start_finishes_the_run(
    number: int,
    once: bool,  # noqa: FBT001
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with listening(0, option="", what="") as listener:
        app_port = listener.getsockname()[1]
    same = {"db": str(tmp_path / "dev.db"), "app_port": app_port}
    data = {"signal": int(number)}
    assert run(plan(event="interrupted", data=data, once=once, **same)) == code
    capsys.readouterr()
    assert run(plan(**same)) == 0
    assert programs.ran == ["first", "second", "second"]
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()[:3]) for line in lines[2:4]] == [
        "▶ tried-interrupt run",
        "· goes on",
    ]
    assert lines[-1] == '"done"'


def test_a_run_without_retries_goes_on_although_the_application_has_moved(tmp_path: Path) -> None:
    with listening(0, option="", what="") as first, listening(0, option="", what="") as second:
        ports = [listener.getsockname()[1] for listener in (first, second)]
    db, data = str(tmp_path / "dev.db"), {"signal": int(signal.SIGINT)}
    assert run(plan(event="interrupted", data=data, app_port=ports[0], db=db)) == 130
    assert run(plan(app_port=ports[1], db=db)) == 0
    assert programs.ran == ["first", "second", "second"]


@pytest.mark.parametrize(
    ("event", "last"),
    [("greeted", '"hello world"'), (None, "(tried, 5 functions)")],
    ids=["after an event", "from the start"],
)
def test_it_serves_until_it_is_stopped(
    event: str | None, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = programs.Interrupting("Serving until Ctrl-C; unfinished runs go on at the next start.")
    monkeypatch.setattr(sys, "stdout", output)
    assert run(plan(event=event, once=False)) == 0
    assert output.getvalue().splitlines()[-2].endswith(last)


@pytest.mark.parametrize(
    ("result", "number", "once", "code"),
    [
        (0, None, True, 0),
        (1, None, True, 1),
        (1, signal.SIGINT, True, 1),
        (None, signal.SIGINT, True, 130),
        (None, signal.SIGTERM, True, 143),
        (None, signal.SIGTERM, False, 0),
    ],
    ids=["well", "failed", "signal too late", "Ctrl-C", "SIGTERM", "SIGTERM while serving"],
)
def test_exit_codes(result: int | None, number: int | None, *, once: bool, code: int) -> None:
    assert exit_code(result, number, once=once) == code


def test_with_nothing_to_do_once_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(plan()) == 0
    assert capsys.readouterr().out.endswith("no unfinished run: nothing to do.\n")


def test_an_event_that_flow_control_drops_says_why(tmp_path: Path) -> None:
    about = {
        "event": "paid",
        "data": {"cart": 1},
        "db": str(tmp_path / "dev.db"),
        "gateway_port": 0,
    }
    assert run(plan("once_a_day", **about)) == 0
    with pytest.raises(click.ClickException) as caught:
        run(plan("once_a_day", **about))
    assert caught.value.message == (
        "The event 'paid' started no run: "
        "sparing-pay not started: it ran for this idempotency key before."
    )


def test_an_event_that_starts_nothing_is_refused_with_those_that_would() -> None:
    with pytest.raises(click.ClickException) as caught:
        run(plan(event="unheard-of"))
    assert caught.value.message == (
        "The event 'unheard-of' started no run. What tests.cli.programs:app is triggered by: "
        "both, failed, greeted, interrupted."
    )


def test_an_application_that_does_not_answer_is_one_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(click.ClickException, match=r"not as an Inngest app.*--path PATH"):
        run(plan("stranger"))
    assert caplog.records == []


def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    db = tmp_path / "dev.db"
    db.write_text("this is not a database, whatever its name says")
    with pytest.raises(DevServerError, match="is not a database"):
        run(plan(db=str(db)))


def test_a_step_that_a_worker_is_in_when_it_is_stopped_ends_and_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connected, "ran", [])
    linked: dict[str, Any] = {
        "target": "tests.cli.connected:app",
        "db": str(tmp_path / "dev.db"),
        "gateway_port": 0,
    }
    assert run(plan(event="begun", once=False, **linked)) == 0
    assert connected.ran == ["body"]
    assert run(plan(**linked)) == 0
    assert connected.ran == ["body"]
