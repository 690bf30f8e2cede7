"""Applications in processes of their own: started, replaced, broken."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from inngest_asgi.cli import hosted as module
from inngest_asgi.cli.hosted import Hosted, Program, how_it_ended
from inngest_asgi.cli.serving import listening, origin_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from tests.cli.conftest import Project

pytestmark = pytest.mark.live  # processes and sockets

SERVER = "http://127.0.0.1:1"
APP = """
import asyncio
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def say(request):
    if "slowly" in request.query_params:
        open("begun", "w").close()
        await asyncio.sleep(0.2)
    return PlainTextResponse({text!r})

app = Starlette(routes=[Route("/", say)])
"""


def appeared(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)


def hosting(work: Callable[[Hosted, str], Coroutine[Any, Any, None]], path: str = "/jobs") -> None:
    """Do something with a `Hosted` of `shop:app` and its origin; no process is left."""

    async def main(listener: socket.socket) -> None:
        hosted = Hosted(Program("shop:app", path, listener, SERVER))
        try:
            await work(hosted, origin_of(listener))
        finally:
            await hosted.stop()

    with listening(0, option="--app-port", what="it") as listener:
        asyncio.run(main(listener))


def test_the_next_process_serves_the_new_code_on_the_same_port(project: Project) -> None:
    project.write("shop.py", APP.format(text="old"))

    async def work(hosted: Hosted, origin: str) -> None:
        assert await hosted.start() == f"{origin}/jobs"
        async with httpx.AsyncClient(base_url=origin) as http:
            assert (await http.get("/")).text == "old"
            await hosted.stop()
            project.write("shop.py", APP.format(text="new"))
            waiting = asyncio.ensure_future(http.get("/"))  # while nobody serves
            await hosted.start()
            assert (await waiting).text == "new"

    hosting(work)


def test_a_request_in_progress_may_end_before_its_process_does(project: Project) -> None:
    project.write("shop.py", APP.format(text="done"))

    async def work(hosted: Hosted, origin: str) -> None:
        await hosted.start()
        async with httpx.AsyncClient(base_url=origin) as http:
            asking = asyncio.ensure_future(http.get("/?slowly"))
            await asyncio.to_thread(appeared, project.folder / "begun")
            await hosted.stop()
            assert (await asking).text == "done"

    hosting(work)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("app = 1 / 0\n", "ZeroDivisionError: division by zero"),
        ("other = 1\n", "Error: The module 'shop' has no 'app'."),
    ],
    ids=["error", "slip"],
)
def test_what_cannot_start_says_why_and_nobody_waits(
    code: str, told: str, project: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    project.write("shop.py", code)

    async def work(hosted: Hosted, origin: str) -> None:
        assert await hosted.start() is None

    hosting(work)
    error = capfd.readouterr().err
    assert told in error
    assert "cli/hosted.py" not in error


def test_a_process_that_ends_by_itself_is_noticed(project: Project) -> None:
    project.write(
        "shop.py",
        "import os\nfrom starlette.applications import Starlette\n"
        "from starlette.routing import Route\n"
        "app = Starlette(routes=[Route('/', lambda request: os._exit(9))])\n",
    )

    async def work(hosted: Hosted, origin: str) -> None:
        await hosted.start()
        async with httpx.AsyncClient(base_url=origin) as http:
            with pytest.raises(httpx.TransportError):
                await http.get("/")
        assert await asyncio.wait_for(hosted.ended(), 10) == "with exit code 9"

    hosting(work)


def test_one_that_never_started_does_not_end(project: Project) -> None:
    project.write("shop.py", "app = 1 / 0\n")

    async def work(hosted: Hosted, origin: str) -> None:
        await hosted.start()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hosted.ended(), 0.05)

    hosting(work)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "with exit code 0"),
        (9, "with exit code 9"),
        (-9, "by SIGKILL"),
        (-999, "with exit code -999"),
    ],
)
def test_how_a_process_ended_is_said_in_words(code: int, said: str) -> None:
    assert how_it_ended(code) == said


def test_a_process_that_does_not_end_is_killed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(
        "shop.py",
        "import signal\n"
        "def ignore(number, handler, _signal=signal.signal): return None\n"
        f"{APP.format(text='deaf')}\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n",
    )
    monkeypatch.setattr(module, "_LONGEST_END", 0.1)

    async def work(hosted: Hosted, origin: str) -> None:
        assert await hosted.start() is not None
        await asyncio.wait_for(hosted.stop(), 10)

    hosting(work)


def test_what_the_process_does(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, so that what it does is seen, too."""
    monkeypatch.setattr(module, "leave", lambda ended: None)  # it would end the tests' process
    project.write("shop.py", APP.format(text="here"))
    reports, reporter = get_context("spawn").Pipe(duplex=False)
    with listening(0, option="--app-port", what="it") as listener:
        program = Program("shop:app", None, listener, SERVER)

        def stop_when_up() -> None:
            assert reports.recv() == ("/api/inngest", True)
            os.kill(os.getpid(), signal.SIGTERM)

        stopping = threading.Thread(target=stop_when_up, daemon=True)
        stopping.start()
        module._serve(program, reporter)
        stopping.join()
        project.write("empty.py", "")
        module._serve(Program("empty:app", None, listener, SERVER), reporter)
    assert "has no 'app'" in capsys.readouterr().err
    project.write("broken.py", "1 / 0")
    module._serve(Program("broken:app", None, listener, SERVER), reporter)
    assert "ZeroDivisionError" in capsys.readouterr().err
