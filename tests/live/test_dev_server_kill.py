"""A real server process, killed again and again, loses nothing and repeats no recorded step."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import pytest
import uvicorn

from tests.dev.fakes import op, planned, ran, sha1

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROCESS = Path(__file__).with_name("dev_server_process.py")
KILLS = int(os.environ.get("KILLS", "5"))
"""How often the server is killed under load; `make chaos` asks for more."""

EVENTS_EACH = 10
NAMES = {sha1(name): name for name in ("first", "left", "right")}


class App:
    """One step, a sleep, two steps side by side; notes every step it runs."""

    def __init__(self, server_port: int, port: int) -> None:
        self.server = f"http://127.0.0.1:{server_port}"
        self.url = f"http://127.0.0.1:{port}/api/inngest"
        self.ran: list[tuple[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        if scope["method"] == "PUT":
            status, answer = await self._register()
        else:
            query = parse_qs(scope["query_string"].decode())
            status, answer = await self._call(json.loads(body), query["stepId"][0])
        headers = {"x-inngest-sdk": "fake:v1", "x-inngest-req-version": "2"}
        raw = [(key.encode(), value.encode()) for key, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    async def _call(self, call: dict[str, Any], target: str) -> tuple[int, Any]:
        run_id, steps = call["ctx"]["run_id"], call["steps"]
        if target != "step":
            return 206, [await self._run(run_id, NAMES[target])]
        if sha1("first") not in steps:
            return 206, [await self._run(run_id, "first")]
        if sha1("nap") not in steps:
            return 206, [op("Sleep", "nap", opts={"duration": "700ms"})]
        if len(steps) < 4:
            return 206, [planned("left"), planned("right")]
        return 200, sorted(memo["data"] for memo in steps.values() if memo)

    async def _run(self, run_id: str, name: str) -> dict[str, Any]:
        self.ran.append((run_id, sha1(name)))
        await asyncio.sleep(0.02)
        return ran(name, name)

    async def _register(self) -> tuple[int, Any]:
        runtime = {"type": "http", "url": f"{self.url}?fnId=app-one&stepId=step"}
        function = {
            "id": "app-one",
            "triggers": [{"event": "app/go"}],
            "steps": {"step": {"id": "step", "name": "step", "runtime": runtime}},
        }
        document = {"url": self.url, "appName": "app", "functions": [function]}
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{self.server}/fn/register", json=document)
        return answer.status_code, answer.json()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.asynccontextmanager
async def serving(app: App, port: int) -> AsyncIterator[None]:
    config = uvicorn.Config(app, port=port, lifespan="off", log_level="error", access_log=False)
    server = uvicorn.Server(config)
    task = asyncio.ensure_future(server.serve())
    for _ in range(500):
        if server.started:
            break
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await task


async def start(db: Path, port: int, app: App, http: httpx.AsyncClient) -> Any:
    """Start the server process and wait until it knows the app."""
    arguments = (str(PROCESS), str(db), str(port), app.url)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    for _ in range(500):
        with contextlib.suppress(httpx.TransportError):
            if (await http.get("/dev")).json()["functions"]:
                return process
        await asyncio.sleep(0.02)
    raise AssertionError("the server did not start")


async def kill(process: Any) -> None:
    process.kill()
    await process.wait()


def recorded(db: Path) -> set[tuple[str, str]]:
    """Return the steps that the killed server had recorded, by run."""
    with contextlib.closing(sqlite3.connect(db)) as connection:
        return set(connection.execute("SELECT run_id, step_id FROM memos"))


async def output(http: httpx.AsyncClient, event_id: str) -> Any:
    for _ in range(500):
        (run,) = (await http.get(f"/v1/events/{event_id}/runs")).json()["data"]
        if run["status"] != "Running" and run["status"] != "Scheduled":
            return run["output"]
        await asyncio.sleep(0.02)
    raise AssertionError("the run did not end")


@pytest.mark.live
def test_a_server_that_is_killed_repeats_no_recorded_step(tmp_path: Path) -> None:
    async def main() -> None:
        db, port, app_port = tmp_path / "dev.db", free_port(), free_port()
        app, accepted = App(port, app_port), []
        async with (
            serving(app, app_port),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
        ):
            for kills in range(KILLS):
                process = await start(db, port, app, http)
                for _ in range(EVENTS_EACH):
                    answer = await http.post("/e/key", json={"name": "app/go"})
                    accepted += answer.json()["ids"]
                await asyncio.sleep(0.25 * (kills % 8))
                await kill(process)
                await asyncio.sleep(0.05)
                before, so_far = recorded(db), len(app.ran)
                process = await start(db, port, app, http)
                await asyncio.sleep(0.1)
                await kill(process)
                assert before.isdisjoint(app.ran[so_far:])
            before, so_far = recorded(db), len(app.ran)
            process = await start(db, port, app, http)
            outputs = [await output(http, event_id) for event_id in accepted]
            await kill(process)
        assert outputs == [["first", "left", "right"]] * (KILLS * EVENTS_EACH)
        assert before.isdisjoint(app.ran[so_far:])
        assert len(recorded(db)) == 4 * len(accepted)

    asyncio.run(main())
