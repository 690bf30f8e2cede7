"""An app with a function for each way in which a run goes on; it notes every step it runs.

Each function is started by an event of its own name, with a number as `data.n`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import uvicorn

from tests.dev.fakes import op, planned, ran, sha1

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

Answer = tuple[int, Any]

NAMES = {sha1(name): name for name in ("left", "right")}
CONFIG: dict[str, dict[str, Any]] = {
    "steps": {},
    "event": {},
    "signal": {},
    "invoke": {},
    "child": {},
    "retry": {},
    "checkpoint": {},
    "batch": {"batchEvents": {"maxSize": 5, "timeout": "1s"}},
    "debounce": {"debounce": {"period": "1s", "key": "event.data.n"}},
    "throttle": {"throttle": {"limit": 50, "burst": 50, "period": "1s"}},
    "concurrency": {"concurrency": [{"limit": 5}]},
    "singleton": {"singleton": {"key": "event.data.n", "mode": "skip"}},
}
"""The functions, with their flow control."""


@dataclass(frozen=True)
class Call:
    """What an app is told when a function is called."""

    body: dict[str, Any]
    target: str

    @property
    def run_id(self) -> str:
        return str(self.body["ctx"]["run_id"])

    @property
    def n(self) -> Any:
        return self.body["event"]["data"]["n"]

    def memo(self, name: str) -> Any:
        """Return what a step left; None when it is not done."""
        return self.body["steps"].get(sha1(name))

    def is_done(self, name: str) -> bool:
        return sha1(name) in self.body["steps"]


class ChaoticApp:
    """A raw ASGI app; `ran` holds each step that was begun, with its run."""

    def __init__(self, server_port: int, port: int) -> None:
        self.port = port
        self.server = f"http://127.0.0.1:{server_port}"
        self.url = f"http://127.0.0.1:{port}/api/inngest"
        self.ran: list[tuple[str, str]] = []
        self.in_progress = 0
        self._http = httpx.AsyncClient(base_url=self.server)
        self._functions: dict[str, Callable[[Call], Awaitable[Answer]]] = {
            "steps": self._steps,
            "event": self._event,
            "signal": self._signal,
            "invoke": self._invoke,
            "retry": self._retry,
            "checkpoint": self._checkpoint,
        }

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve it inside the context."""
        options: Any = {"lifespan": "off", "log_level": "error", "access_log": False}
        server = uvicorn.Server(uvicorn.Config(self, port=self.port, **options))
        task = asyncio.ensure_future(server.serve())
        while not server.started:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        async with self._http:
            yield
            server.should_exit = True
            await task

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.in_progress += 1
        try:
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message.get("body", b""), message.get("more_body", False)
            query = {key: one[0] for key, one in parse_qs(scope["query_string"].decode()).items()}
            status, answer = await self._answer(scope["method"], json.loads(body), query)
            headers = {"x-inngest-sdk": "fake:v1", "x-inngest-req-version": "2"}
            raw = [(key.encode(), value.encode()) for key, value in headers.items()]
            await send({"type": "http.response.start", "status": status, "headers": raw})
            await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
        finally:
            self.in_progress -= 1

    async def _answer(self, method: str, body: Any, query: dict[str, str]) -> Answer:
        if method == "PUT":
            return await self._register()
        call = Call(body, query["stepId"])
        play = self._functions.get(query["fnId"].removeprefix("app-"), self._one_step)
        return await play(call)

    async def _register(self) -> Answer:
        functions = []
        for name, config in CONFIG.items():
            runtime = {"type": "http", "url": f"{self.url}?fnId=app-{name}&stepId=step"}
            steps = {"step": {"id": "step", "name": "step", "runtime": runtime}}
            trigger = {"event": f"app/{name}"}
            functions.append({"id": f"app-{name}", "triggers": [trigger], "steps": steps, **config})
        document = {"url": self.url, "appName": "app", "functions": functions}
        answer = await self._http.post("/fn/register", json=document)
        return answer.status_code, answer.json()

    async def _run(self, call: Call, name: str) -> dict[str, Any]:
        self.ran.append((call.run_id, sha1(name)))
        await asyncio.sleep(0.01)
        return ran(name, call.n)

    async def _one_step(self, call: Call) -> Answer:
        if not call.is_done("only"):
            return 206, [await self._run(call, "only")]
        return 200, call.n

    async def _steps(self, call: Call) -> Answer:
        if call.target != "step":
            return 206, [await self._run(call, NAMES[call.target])]
        if not call.is_done("first"):
            return 206, [await self._run(call, "first")]
        if not call.is_done("nap"):
            return 206, [op("Sleep", "nap", opts={"duration": "300ms"})]
        if not (call.is_done("left") and call.is_done("right")):
            return 206, [planned("left"), planned("right")]
        return 200, call.n

    async def _event(self, call: Call) -> Answer:
        if call.is_done("wait"):
            return 200, call.memo("wait")["data"]["n"]
        matches = {"event": "app/answer", "if": "async.data.n == event.data.n", "timeout": "1h"}
        return 206, [op("WaitForEvent", "wait", opts=matches)]

    async def _signal(self, call: Call) -> Answer:
        if call.is_done("wait"):
            return 200, call.memo("wait")["data"]["data"]
        opts = {"signal": f"go/{call.n}", "timeout": "1h", "conflict": "replace"}
        return 206, [op("WaitForSignal", "wait", opts=opts)]

    async def _invoke(self, call: Call) -> Answer:
        if call.is_done("child"):
            return 200, call.memo("child")["data"]
        opts = {"function_id": "app-child", "payload": {"data": {"n": call.n}}, "timeout": "1h"}
        return 206, [op("InvokeFunction", "child", opts=opts)]

    async def _retry(self, call: Call) -> Answer:
        if call.body["ctx"]["attempt"] == 0 and not call.is_done("only"):
            return 500, {"name": "Error", "message": "not yet"}
        return await self._one_step(call)

    async def _checkpoint(self, call: Call) -> Answer:
        """Record a step while the call goes on; without an answer nothing is recorded."""
        if not call.is_done("only"):
            ctx = call.body["ctx"]
            about = {"run_id": call.run_id, "fn_id": ctx["fn_id"], "qi_id": ctx["qi_id"]}
            steps = [await self._run(call, "only")]
            document = {**about, "generation_id": ctx["generation_id"], "steps": steps}
            try:
                answer = await self._http.post(f"/v1/checkpoint/{call.run_id}/async", json=document)
                answer.raise_for_status()
            except httpx.HTTPError:
                return 500, {"name": "Error", "message": "the step is not recorded"}
        return 200, call.n
