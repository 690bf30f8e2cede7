"""A made-up SDK app as a raw ASGI function, and a server on a manual clock to drive it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx

from inngest_asgi.dev import DevOptions, DevServer, RunRow, RunStatus
from inngest_asgi.dev.outbound import HttpOutbound
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import loads

HOST = "app.test"
URL = f"http://{HOST}/api/inngest"
SERVER = "http://server.test"


@dataclass(frozen=True)
class Reply:
    """What the fake app answers."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    sdk: bool = True


@dataclass(frozen=True)
class Call:
    """A POST that the fake app received."""

    function: str
    step_id: str
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def steps(self) -> dict[str, Any]:
        return dict(self.body["steps"])

    @property
    def ctx(self) -> dict[str, Any]:
        return dict(self.body["ctx"])

    @property
    def target(self) -> str | None:
        return None if self.step_id == "step" else self.step_id


@dataclass(frozen=True)
class Asked:
    """A request that the server made for a step, to somebody who is not the fake app."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


Handler = Callable[[Call], "Reply | Awaitable[Reply]"]


def sha1(name: str) -> str:
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def op(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"op": kind, "id": sha1(name), "name": name, "displayName": name, **more}


def ran(name: str, data: Any = None, **more: Any) -> dict[str, Any]:
    return op("StepRun", name, data=data, **more)


def planned(name: str, **more: Any) -> dict[str, Any]:
    return op("StepPlanned", name, **more)


def ops(*items: dict[str, Any], **headers: str) -> Reply:
    return Reply(206, list(items), {key.replace("_", "-"): headers[key] for key in headers})


def output(value: Any) -> Reply:
    return Reply(200, value)


def crash(message: str = "boom", *, no_retry: bool = False, **headers: str) -> Reply:
    named = {key.replace("_", "-"): headers[key] for key in headers}
    named["x-inngest-no-retry"] = "true" if no_retry else "false"
    return Reply(500, {"name": "Error", "message": message, "stack": "here"}, named)


def script(*replies: Reply) -> Handler:
    """Answer with one reply after the other."""
    left = iter(replies)
    return lambda call: next(left)


class FakeApp:
    """Speaks the SDK's side: registers on PUT, answers POST by its functions' handlers."""

    def __init__(self, name: str = "shop", version: str = "2") -> None:
        self.name = name
        self.version = version
        self.functions: dict[str, dict[str, Any]] = {}
        self.handlers: dict[str, Handler] = {}
        self.calls: list[Call] = []
        self.pings: list[dict[str, Any]] = []
        self.server: Callable[..., Awaitable[None]] | None = None
        self.answer_to_ping: int | None = None
        self.key: str | None = None
        self.asked: list[Asked] = []
        self.others: Callable[[Asked], Reply | Awaitable[Reply]] | None = None

    def add(
        self,
        name: str,
        handler: Handler,
        *,
        event: str = "shop/paid",
        triggers: list[dict[str, Any]] | None = None,
        retries: int = 4,
        query: str = "stepId=step",
        **config: Any,
    ) -> FakeApp:
        slug = f"{self.name}-{name}"
        step = {
            "id": "step",
            "name": "step",
            "runtime": {"type": "http", "url": f"{URL}?fnId={slug}&{query}"},
            "retries": {"attempts": retries},
        }
        self.functions[slug] = {
            "id": slug,
            "name": name,
            "triggers": triggers or [{"event": event}],
            "steps": {"step": step},
            **config,
        }
        self.handlers[slug] = handler
        return self

    def registration(self) -> dict[str, Any]:
        return {
            "url": URL,
            "appname": self.name,
            "v": "0.1",
            "sdk": "fake:v1.0.0",
            "functions": list(self.functions.values()),
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        is_other = self.others is not None and headers["host"] != HOST
        document = {} if is_other else json.loads(body)
        if is_other:
            reply = await self._somebody_else(scope, body)
        elif scope["method"] == "PUT":
            self.pings.append(document)
            reply = await self._register()
        else:
            reply = await self._answer(scope, document, headers)
        out = dict(reply.headers)
        if reply.sdk:
            out = {"x-inngest-sdk": "fake:v1.0.0", "x-inngest-req-version": self.version, **out}
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        raw = [(key.encode(), value.encode()) for key, value in out.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    async def _somebody_else(self, scope: Any, body: bytes) -> Reply:
        headers = [(key.decode(), value.decode()) for key, value in scope["headers"]]
        path, query = scope["raw_path"].decode(), scope["query_string"].decode()
        url = f"{scope['scheme']}://{dict(headers)['host']}{path}" + (f"?{query}" if query else "")
        asked = Asked(scope["method"], url, headers, body)
        self.asked.append(asked)
        assert self.others is not None
        reply = self.others(asked)
        return await reply if inspect.isawaitable(reply) else reply

    async def _answer(self, scope: Any, document: Any, headers: dict[str, str]) -> Reply:
        query = {key: value[0] for key, value in parse_qs(scope["query_string"].decode()).items()}
        step_id = query.get("stepId") or query["step"]
        call = Call(query["fnId"], step_id, document, headers)
        self.calls.append(call)
        reply = self.handlers[call.function](call)
        return await reply if inspect.isawaitable(reply) else reply

    async def _register(self) -> Reply:
        if self.server is None:
            raise httpx.ConnectError("Connection refused")
        async with client(self.server) as http:
            authorization = {"authorization": f"Bearer {self.key}"} if self.key else {}
            answer = await http.post(
                "/fn/register", json=self.registration(), headers=authorization
            )
        return Reply(self.answer_to_ping or answer.status_code, answer.json())

    def of(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.function == f"{self.name}-{name}"]


class JumpingClock(ManualClock):
    """Time goes by, or back, and no timer notices: a suspended machine, a clock that is set."""

    def jump(self, seconds: float) -> None:
        self._now += seconds


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=SERVER)


@dataclass
class World:
    """A server, its clock, the fake app, and somebody who talks to the server over HTTP."""

    server: DevServer
    clock: ManualClock
    app: FakeApp
    http: httpx.AsyncClient

    async def send(self, name: str = "shop/paid", **event: Any) -> str:
        answer = await self.http.post("/e/key", json={"name": name, **event})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["ids"][0])

    async def finish(self, event_id: str) -> list[RunRow]:
        """Skip time until all runs of an event have ended, and return them."""

        async def ended() -> list[RunRow]:
            async for _ in self.server.watch(event_id=event_id):
                pass
            return await self.server.runs_of(event_id)

        return await self.clock.until(ended(), settle=self.server.settle)

    async def run_one(self, name: str = "shop/paid", **event: Any) -> RunRow:
        """Send an event that starts one run, and see that run through."""
        runs = await self.finish(await self.send(name, **event))
        assert len(runs) == 1
        return runs[0]

    async def pass_time(self, seconds: float) -> None:
        """Let time pass in full, with all that happens in it."""
        await self.clock.until(self.clock.sleep(seconds), settle=self.server.settle)


@contextlib.asynccontextmanager
async def world(
    app: FakeApp, *, clock: ManualClock | None = None, sync: bool = True, **options: Any
) -> AsyncIterator[World]:
    """Start a server that knows the app."""
    clock = clock or ManualClock()
    settings = DevOptions(**({"poll_interval": 0} | options))
    outbound = HttpOutbound(httpx.ASGITransport(app=app))
    async with DevServer(settings, clock=clock, outbound=outbound) as server:
        app.server = server.app
        if sync:
            result = await server.sync(URL)
            assert result.ok, result.error
        async with client(server.app) as http:
            yield World(server, clock, app, http)


def kinds(records: Iterable[Any]) -> list[str]:
    return [str(record.kind) for record in records]


def result(app: FakeApp, **event: Any) -> tuple[RunStatus, Any]:
    """See one run of the app's function through; return its status and its output or error."""

    async def main() -> tuple[RunStatus, Any]:
        async with world(app) as here:
            run = await here.run_one(**event)
            return run.status, loads(run.output or b"null")

    return asyncio.run(main())


def parallel(*names: str, **more: Any) -> Any:
    """A function that plans all its steps at once and returns their results."""

    def handler(call: Call) -> Reply:
        for name in names:
            if call.target == sha1(name):
                return ops(ran(name, name.upper(), **more))
        left = [name for name in names if sha1(name) not in call.steps]
        if left:
            return ops(*(planned(name, **more) for name in left))
        return output([call.steps[sha1(name)]["data"] for name in names])

    return handler
