"""The server alone, in this process, beside an application in a thread."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import httpx
import pytest
from starlette.responses import Response

import inngest_asgi as inngest
from inngest_asgi.cli.dev import Plan, dev
from inngest_asgi.cli.run import run
from inngest_asgi.cli.serving import LOCALHOST, listening, origin_of, served
from inngest_asgi.dev import DevOptions
from inngest_asgi.errors import RequestError
from tests.cli import programs
from tests.cli.test_run import plan

pytestmark = pytest.mark.live  # real servers, sockets and processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Project

client = inngest.Inngest("stopped")


@client.create_function(fn_id="work", trigger=inngest.TriggerEvent(event="begun"))
async def work(ctx: inngest.Context) -> str:
    """Stop the program the first time, end the second time."""
    if not programs.ran:
        programs.ran.append("once")
        signal.raise_signal(signal.SIGINT)
        await asyncio.get_running_loop().create_future()
    return "done"


app = inngest.serve(client)


@pytest.fixture(autouse=True)
def _nothing_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_DEV", "")  # so that what the command sets is unset afterwards
    programs.ran.clear()


def asked_for(*, port: int = 0, db: str = ":memory:", hold: bool = False, **more: Any) -> Plan:
    """Return a plan, with all steps told of unless it says otherwise."""
    about: dict[str, Any] = {"host": LOCALHOST, "verbose": True}
    return Plan(options=DevOptions(db=db, hold=hold), port=port, **about | more)


def free_port() -> int:
    with listening(0, option="", what="") as listener:
        return int(listener.getsockname()[1])


@contextmanager
def beside(served_app: Any, port: int) -> Iterator[str]:
    """Serve an application on a loop of its own, in a thread, and give its URL."""
    started, stopped = threading.Event(), threading.Event()

    async def serve() -> None:
        async with served(served_app, listener):
            started.set()
            await asyncio.to_thread(stopped.wait)

    with listening(port, option="", what="") as listener:
        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        try:
            assert started.wait(10)
            yield origin_of(listener)
        finally:
            stopped.set()
            thread.join()


def test_it_syncs_goes_on_with_what_is_unfinished_and_serves_until_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, app_port, db = free_port(), free_port(), str(tmp_path / "dev.db")
    asked = plan(target="tests.cli.test_dev:app", event="begun", app_port=app_port, db=db)
    assert run(asked) == 130
    monkeypatch.setenv("INNGEST_DEV", f"http://127.0.0.1:{port}")
    serving = "Serving until Ctrl-C; unfinished runs go on at the next start.\n"
    output = programs.Interrupting(serving, '"done"')
    monkeypatch.setattr(sys, "stdout", output)
    with beside(app, app_port) as url:
        dev(asked_for(urls=(f"{url}/api/inngest", f"{url}/nothing"), port=port, db=db))
    lines = output.getvalue().splitlines()
    assert lines[:2] == [
        f"Server       http://127.0.0.1:{port}",
        f"             start applications with INNGEST_DEV=http://127.0.0.1:{port}",
    ]
    assert lines[2].endswith(f":{app_port}/api/inngest (stopped, 1 function)")
    assert lines[3].endswith("It is asked again every few seconds.")
    assert [line.split("  ")[0] for line in lines if "stopped-work" in line] == [
        "▶ stopped-work",
        "■ stopped-work",
    ]


def test_an_application_that_comes_up_after_the_server_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port, app_port = free_port(), free_port()
    asked: list[Any] = []

    async def late(scope: Any, receive: Any, send: Any) -> None:
        """Answer the first two requests as a host does that has not started yet."""
        if scope["type"] == "http":
            asked.append(scope["method"])
        await (Response(status_code=503) if 1 <= len(asked) <= 2 else app)(scope, receive, send)

    monkeypatch.setattr("inngest_asgi.cli.dev._PAUSE", 0.0)
    monkeypatch.setenv("INNGEST_DEV", f"http://127.0.0.1:{port}")
    output = programs.Interrupting("asked again", "(stopped, 1 function)")
    monkeypatch.setattr(sys, "stdout", output)
    with beside(late, app_port) as url:
        dev(asked_for(urls=(f"{url}/api/inngest",), port=port))
    assert asked == ["PUT"] * 3


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(RequestError, match="'nonsense' is not a URL"):
        dev(asked_for(urls=("nonsense",)))


def test_a_target_that_no_change_of_code_could_mend_is_refused_at_once() -> None:
    with pytest.raises(click.ClickException, match="write MODULE:APP, such as shop:app"):
        dev(asked_for(target="shop.py:app"))


def test_an_application_that_is_found_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    port, app_port = free_port(), free_port()
    monkeypatch.setenv("INNGEST_DEV", f"http://127.0.0.1:{port}")
    output = programs.Interrupting("(stopped, 1 function)")
    monkeypatch.setattr(sys, "stdout", output)
    with beside(app, app_port):
        dev(asked_for(port=port, ports=(app_port,)))
    assert f"Application  http://localhost:{app_port}/api/inngest" in output.getvalue()


def test_the_json_of_dev_is_not_mixed_with_what_is_for_people(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = programs.Interrupting("Serving until Ctrl-C")
    monkeypatch.setattr(sys, "stderr", errors)
    dev(asked_for(json=True))
    assert capsys.readouterr().out == ""
    assert errors.getvalue().startswith("Server       http://127.0.0.1:")


APP = """
import inngest_asgi as inngest
client = inngest.Inngest("shop")

@client.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="paid"))
async def pay(ctx): ...

{name} = inngest.serve(client, serve_path={path!r})
"""


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def test_an_application_of_its_own_is_started_anew_when_its_code_changes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(name: str, path: str | None = None) -> None:
        project.write("shop.py", APP.format(name=name, path=path))

    write("app")
    output = programs.Acting(
        ("Serving until Ctrl-C", lambda: write("other")),
        ("could not be started. Mend it and save.", lambda: write("app", "/moved")),
        ("/moved (shop, 1 function)", interrupt),
    )
    monkeypatch.setattr(sys, "stdout", output)
    dev(asked_for(target="shop:app", reload=True, hold=True))
    assert output.getvalue().count("Reloading    shop.py\n") == 2


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("", "shop:app could not be started. Mend it and start again."),
        ("async def app(scope, receive, send): ...", "is told by --path PATH."),
        (APP.format(name="app", path=None), "(shop, 1 function)"),
    ],
    ids=["broken", "stranger", "good"],
)
def test_an_application_of_its_own_without_reload(
    code: str, told: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("shop.py", code)
    output = programs.Interrupting(told, "Serving until Ctrl-C")
    monkeypatch.setattr(sys, "stdout", output)
    dev(asked_for(target="shop:app", hold=True))
    assert told in output.getvalue()


DYING = """
import os, pathlib
import inngest_asgi as inngest
client = inngest.Inngest("shop")

@client.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="paid"))
async def pay(ctx: inngest.Context) -> str:
    try:
        pathlib.Path("died").touch(exist_ok=False)
    except FileExistsError:
        return "alive"
    os._exit(9)

app = inngest.serve(client)
"""


def test_an_application_that_died_in_a_call_is_started_again_and_the_run_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("shop.py", DYING)
    port = free_port()

    def pay() -> None:
        httpx.post(f"http://127.0.0.1:{port}/e/key", json={"name": "paid"}).raise_for_status()

    sending = threading.Thread(target=pay)
    output = programs.Acting(("Serving until Ctrl-C", sending.start), ('"alive"', interrupt))
    monkeypatch.setattr(sys, "stdout", output)
    options = DevOptions(hold=True, retry_interval=1)
    dev(Plan(options=options, port=port, host=LOCALHOST, verbose=True, target="shop:app"))
    sending.join()
    assert "shop:app has ended with exit code 9. It is started again." in output.getvalue()
