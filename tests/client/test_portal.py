"""The background loop for blocking code: threads, running loops, context, errors, exit."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import traceback
from concurrent.futures import CancelledError, Future
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.client import portal
from inngest_asgi.client.portal import background_loop, run_sync
from inngest_asgi.errors import InngestError

if TYPE_CHECKING:
    from collections.abc import Coroutine

USER: ContextVar[str] = ContextVar("USER", default="nobody")


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


async def where() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
    return asyncio.get_running_loop(), threading.current_thread()


async def fail() -> None:
    raise LookupError("not there")


def test_it_returns_the_result() -> None:
    assert run_sync(double(21)) == 42


def test_all_calls_share_one_loop_in_one_daemon_thread() -> None:
    places = [run_sync(where()) for _ in range(3)]
    assert len({loop for loop, _ in places}) == 1
    assert len({thread for _, thread in places}) == 1
    assert places[0][1].daemon
    assert places[0][0] is background_loop()


def test_it_works_on_a_thread_whose_loop_is_running() -> None:
    async def main() -> int:
        return run_sync(double(1))

    assert asyncio.run(main()) == 2


def test_it_works_from_several_threads_at_once() -> None:
    together = threading.Barrier(8)
    results: list[int] = []

    def work(number: int) -> None:
        together.wait()
        results.append(run_sync(double(number)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 2, 4, 6, 8, 10, 12, 14]


def test_the_context_is_the_caller_s() -> None:
    async def user() -> str:
        return USER.get()

    token = USER.set("ann")
    try:
        assert run_sync(user()) == "ann"
    finally:
        USER.reset(token)


def test_the_context_is_a_copy() -> None:
    async def set_user() -> None:
        USER.set("bob")

    run_sync(set_user())
    assert USER.get() == "nobody"


def test_errors_arrive_with_their_traceback() -> None:
    with pytest.raises(LookupError, match="not there") as caught:
        run_sync(fail())
    assert "in fail" in "".join(traceback.format_exception(caught.value))


def test_it_refuses_to_wait_for_itself() -> None:
    async def main() -> int:
        return run_sync(double(1))

    with pytest.raises(InngestError, match="await the async form"):
        run_sync(main())


class Interrupted(Future[None]):
    """A future whose waiter presses Ctrl-C."""

    def result(self, timeout: float | None = None) -> None:
        raise KeyboardInterrupt


def test_an_interrupted_wait_cancels_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    future = Interrupted()

    def started(work: Coroutine[Any, Any, None], loop: object) -> Interrupted:
        work.close()
        return future

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", started)
    with pytest.raises(KeyboardInterrupt):
        run_sync(fail())
    assert future.cancelled()


def test_closing_ends_what_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    started, ended = threading.Event(), threading.Event()

    async def endless() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    def work() -> None:
        with pytest.raises(CancelledError):
            run_sync(endless())

    monkeypatch.setattr(portal, "_portals", {})
    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(5)
    loop = background_loop()
    portal._close_at_exit()
    thread.join()
    assert ended.is_set()
    assert loop is not None
    assert loop.is_closed()
    assert background_loop() is None


def test_closing_what_was_never_started_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal, "_portals", {os.getpid(): portal._Portal()})
    portal._close_at_exit()
    portal._close_at_exit()
    assert background_loop() is None


def test_without_a_thread_nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[asyncio.AbstractEventLoop] = []

    def new_loop() -> asyncio.AbstractEventLoop:
        made.append(asyncio.SelectorEventLoop())
        return made[0]

    def no_thread(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(portal, "_portals", {})
    monkeypatch.setattr(asyncio, "new_event_loop", new_loop)
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    work = double(1)
    with pytest.raises(RuntimeError, match="can't start"):
        run_sync(work)
    work.close()
    assert made[0].is_closed()


def test_there_is_no_loop_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal, "_portals", {})
    assert background_loop() is None


PROGRAM = """
import asyncio, atexit, os, sys, threading
from inngest_asgi.client.portal import run_sync, background_loop

async def name():
    return threading.current_thread().name

def exit():
    {at_exit}

atexit.register(exit)
{body}
"""


def program(body: str, at_exit: str = "pass") -> str:
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "dev",
            "-W",
            "error",
            "-c",
            PROGRAM.format(body=body, at_exit=at_exit),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.live
@pytest.mark.parametrize(
    ("body", "output"),
    [
        pytest.param("print(run_sync(name()))", "inngest-portal\n", id="used"),
        pytest.param("print(background_loop())", "None\n", id="not used"),
    ],
)
def test_the_interpreter_exits_cleanly(body: str, output: str) -> None:
    assert output in program(body)


@pytest.mark.live
def test_it_works_in_exit_handlers() -> None:
    assert program("run_sync(name())", at_exit="print(run_sync(name()))") == "inngest-portal\n"


@pytest.mark.live
def test_a_forked_child_starts_its_own() -> None:
    body = """
loop, _ = background_loop(), run_sync(name())
child = os.fork()
if child == 0:
    assert background_loop() is None
    print("child", run_sync(name()), flush=True)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
print("parent", run_sync(name()))
"""
    assert program(body) == "child inngest-portal\nparent inngest-portal\n"
