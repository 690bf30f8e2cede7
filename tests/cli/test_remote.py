"""Commands that ask a server: a real embedded one, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner, Result
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from inngest_asgi.cli.commands import commands
from inngest_asgi.cli.serving import listening, origin_of, served
from inngest_asgi.dev import DevOptions, DevServer
from inngest_asgi.dev.outbound import HttpOutbound
from inngest_asgi.wire.codec import dump_text, loads
from tests.dev.fakes import URL, FakeApp, crash, ops, output, ran

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from tests.dev.fakes import Call, Reply

pytestmark = pytest.mark.live  # sockets and a thread


def charge(call: Call) -> Reply:
    """Run one step, then return what came of it; fail where the event says so."""
    if call.body["event"]["data"].get("fail"):
        return crash("no card", no_retry=True)
    return output("paid") if len(call.steps) else ops(ran("charge", 3))


class Remote:
    """A server at `url`, and the command line beside it."""

    def __init__(self, instead: Any = None) -> None:
        self.url = ""
        self._instead = instead
        self._up, self._stop = threading.Event(), threading.Event()

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(commands, [*arguments, "--url", self.url])

    def json(self, *arguments: str) -> Any:
        return loads(self(*arguments, "--json").stdout)

    def finished(self, **data: Any) -> str:
        """Send an event, wait until its run has ended, and return the run's id."""
        event = self.json("send", "shop/paid", "--data", dump_text(data))["ids"][0]
        while True:
            answer = httpx.get(f"{self.url}/v1/events/{event}/runs").json()["data"]
            if answer and answer[0]["ended_at"]:
                return str(answer[0]["run_id"])

    async def serve(self) -> None:
        app = FakeApp().add("pay", charge)
        outbound = HttpOutbound(httpx.ASGITransport(app=app))
        with listening(0, option="--port", what="it") as listener:
            async with DevServer(DevOptions(poll_interval=0), outbound=outbound) as server:
                app.server = server.app
                assert (await server.sync(URL)).ok
                async with served(self._instead or server.app, listener):
                    self.url = origin_of(listener)
                    self._up.set()
                    await asyncio.to_thread(self._stop.wait)

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=lambda: asyncio.run(self.serve()))
        thread.start()
        assert self._up.wait(10)
        return thread

    def stop(self) -> None:
        self._stop.set()


@pytest.fixture(scope="module")
def remote() -> Iterator[Remote]:
    remote = Remote()
    thread = remote.start()
    yield remote
    remote.stop()
    thread.join()


def error_of(result: Result) -> str:
    assert result.exit_code != 0
    return " ".join(result.output.partition("Error: ")[2].split())


def test_runs_are_listed_the_newest_first_and_by_status(remote: Remote) -> None:
    good, bad = remote.finished(), remote.finished(fail=True)
    listed = [run["id"] for run in remote.json("runs", "list")]
    assert listed.index(bad) < listed.index(good)
    failed = remote.json("runs", "list", "--status", "failed", "--app", "shop", "--function", "pay")
    assert bad in [run["id"] for run in failed]
    assert good not in [run["id"] for run in failed]
    assert len(remote.json("runs", "list", "--limit", "1")) == 1
    assert f"{good}  shop-pay  Completed" in remote("runs", "list").stdout


def test_a_run_is_shown_with_its_steps(remote: Remote) -> None:
    run_id = remote.finished()
    shown = remote("runs", "show", run_id).stdout.splitlines()
    assert shown[0].startswith(f"shop-pay  {run_id}  Completed")
    assert shown[1].startswith("├── charge  Completed")
    assert shown[-1] == '"paid"'
    assert remote.json("runs", "show", run_id)["trace"]["children"][0]["name"] == "charge"


def test_a_run_is_repeated(remote: Remote) -> None:
    run_id = remote.finished()
    again = remote("runs", "rerun", run_id).stdout.strip()
    assert remote.json("runs", "show", again)["originalRunId"] == run_id
    arguments = ("--from-step", "charge", "--input", "[1]")
    assert len(remote.json("runs", "rerun", run_id, *arguments)["runId"]) == 26


def test_a_run_that_ended_cannot_be_cancelled(remote: Remote) -> None:
    result = remote("runs", "cancel", remote.finished())
    assert error_of(result) == "The server refused: The run has ended already."


def test_events_are_listed(remote: Remote) -> None:
    remote.finished(order=7)
    listed = remote.json("events", "list", "--name", "shop/paid")
    assert listed[0]["data"] == {"order": 7}
    assert "shop/paid" in remote("events", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("runs", "show", "nope"), "The server refused: "),
        (("runs", "list", "--function", "pay"), "name it with --app ID"),
        (("runs", "rerun", "x", "--input", "[]"), "name it with --from-step STEP"),
        (("runs", "rerun", "x", "--from-step", "a", "--input", "{}"), "must be a JSON array"),
        (("runs", "rerun", "x", "--from-step", "a", "--input", "["), "Invalid value"),
    ],
    ids=["no-run", "no-app", "no-step", "no-array", "no-json"],
)
def test_what_cannot_be_done_is_one_sentence(
    arguments: tuple[str, ...], told: str, remote: Remote
) -> None:
    assert told in remote(*arguments).output


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    result = CliRunner().invoke(commands, ["runs", "list", "--url", "http://127.0.0.1:1"])
    assert error_of(result).startswith("No answer from http://127.0.0.1:1")


@pytest.mark.parametrize("command", [("runs", "list"), ("events", "list")], ids=str)
def test_the_environment_may_name_the_server(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_DEV", "http://127.0.0.1:1")
    result = CliRunner().invoke(commands, command)
    assert "http://127.0.0.1:1" in error_of(result)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (PlainTextResponse("hello"), "which is none of an Inngest server's answers"),
        (PlainTextResponse("Authentication failed", 401), "set INNGEST_SIGNING_KEY to it"),
    ],
    ids=["another server", "a server with a key"],
)
def test_an_answer_that_is_no_document_is_one_sentence(answer: Response, says: str) -> None:
    other = Remote(Starlette(routes=[Mount("/", app=answer)]))
    thread = other.start()
    result = other("runs", "cancel", "x")
    other.stop()
    thread.join()
    assert says in error_of(result)
