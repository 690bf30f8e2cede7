"""What the tests of the application share: clients of both modes, an API in memory, raw ASGI."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

import inngest_asgi as inngest
from inngest_asgi.testing import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    import pytest
    from starlette.types import ASGIApp, Message

NOW = 1735689600
KEY = "signkey-test-0123456789abcdef0123456789abcdef"
FALLBACK = "signkey-prod-12345678"
STRANGE = "signkey-test-ffffffffffffffffffffffffffffffff"
EVENT_KEY = "event-key-abc"
SECRETS = ("0123456789abcdef0123456789abcdef", "12345678", EVENT_KEY)
ORDERED = inngest.TriggerEvent(event="shop/ordered")
RUN_ID = "01JGGZP1E0RUNAAAAAAAAAAAAA"
REGISTERED = {"ok": True, "modified": True, "message": "Successfully registered"}

Headers = dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What an application answered."""

    status: int
    headers: Headers
    body: bytes

    @property
    def document(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        assert self.headers["content-length"] == str(len(self.body))
        return json.loads(self.body)

    @property
    def code(self) -> str:
        code = self.document["code"]
        assert isinstance(code, str)
        return code


@dataclass
class Api:
    """An Inngest API in memory: answers by path, and remembers what it was asked."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    @property
    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    @property
    def request(self) -> httpx.Request:
        (request,) = self.requests
        return request

    def _answer(self, request: httpx.Request) -> httpx.Response:
        # A copy, because the same request object is sent again with another key.
        copy = httpx.Request(
            request.method,
            httpx.URL(request.url),
            headers=request.headers.raw,
            content=request.content,
        )
        self.requests.append(copy)
        status, document = self.answers.get(request.url.path, (200, REGISTERED))
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        return httpx.Response(status, content=content)


def dev_client(api: Api | None = None, **options: Any) -> inngest.Inngest:
    given = {"is_production": False, "http_client": api.http if api else None}
    return inngest.Inngest("shop", **(given | options))


def cloud_client(api: Api | None = None, **options: Any) -> inngest.Inngest:
    keys = {"signing_key": KEY, "signing_key_fallback": FALLBACK, "event_key": EVENT_KEY}
    return dev_client(api, **({"is_production": True} | keys | options))


def app_of(client: inngest.Inngest, **options: Any) -> inngest.InngestApp:
    """Serve a client, with one function "shop-pay" if it has none."""
    if not client.functions:

        @client.create_function(fn_id="pay", trigger=ORDERED)
        async def pay(ctx: inngest.Context) -> dict[str, Any]:
            return {"paid": ctx.event.data}

    return inngest.serve(client, **({"clock": ManualClock(NOW)} | options))


def call(
    steps: Mapping[str, Any] | None = None, *, stack: Iterable[str] = (), **ctx: Any
) -> dict[str, Any]:
    """Return the body of a call, as http.md 11.2 shows it."""
    event = {"name": "shop/ordered", "data": {"order": 7}, "id": "01J", "ts": NOW * 1000}
    order = list(stack)
    return {
        "event": event | {"user": {}},
        "events": [event],
        "steps": dict(steps or {}),
        "ctx": {
            "fn_id": "2f7d9c54-0000-4000-8000-000000000000",
            "run_id": RUN_ID,
            "env": "",
            "step_id": "step",
            "attempt": 0,
            "max_attempts": 4,
            "stack": {"stack": order, "current": len(order)},
            "disable_immediate_execution": False,
            "use_api": False,
        }
        | ctx,
        "version": -1,
        "use_api": False,
    }


def body_of(document: Any) -> bytes:
    """Write JSON in the canonical form that servers send."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def signed(body: bytes = b"", key: str = KEY, at: int = NOW) -> Headers:
    """Sign a body as http.md 5.1 says, by our own few lines."""
    secret = key.removeprefix("signkey-test-").removeprefix("signkey-prod-").encode()
    mac = hmac.new(secret, body + str(at).encode(), hashlib.sha256).hexdigest()
    return {"x-inngest-signature": f"t={at}&s={mac}"}


async def ask(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/api/inngest",
    *,
    query: str | bytes = b"",
    body: bytes | list[bytes] = b"",
    headers: Headers | list[tuple[str, str]] | None = None,
    **scope: Any,
) -> Answer:
    """Make one request in raw ASGI; a body given as a list comes in chunks."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    asked = scope_of(method, path, query=query, headers=headers, **scope)
    await app(asked, _receiver(body), send)
    return _answer(sent)


def scope_of(
    method: str = "POST",
    path: str = "/api/inngest",
    *,
    query: str | bytes = b"",
    headers: Headers | list[tuple[str, str]] | None = None,
    **scope: Any,
) -> dict[str, Any]:
    """Return the ASGI scope of a request, as uvicorn makes it."""
    pairs = list(headers.items() if isinstance(headers, dict) else headers or [])
    if not any(name == "host" for name, _ in pairs):
        pairs.append(("host", "app.example"))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query if isinstance(query, bytes) else query.encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs],
        "client": ("192.0.2.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    } | scope


def asked(app: ASGIApp, method: str = "GET", path: str = "/api/inngest", **more: Any) -> Answer:
    """Make one request on an event loop of its own."""
    return asyncio.run(ask(app, method, path, **more))


def called(
    app: ASGIApp,
    document: Any = None,
    *,
    fn_id: str = "shop-pay",
    step_id: str = "step",
    **more: Any,
) -> Answer:
    """Call a function as a server does."""
    body = body_of(call() if document is None else document)
    query = f"fnId={fn_id}&stepId={step_id}"
    return asked(app, "POST", **({"query": query, "body": body} | more))


@asynccontextmanager
async def started(app: ASGIApp) -> AsyncIterator[dict[str, Any]]:
    """Run an application's lifespan as a server does; gives the state."""
    state: dict[str, Any] = {}
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
    task = asyncio.ensure_future(app(scope, to_app.get, from_app.put))
    to_app.put_nowait({"type": "lifespan.startup"})
    message = await from_app.get()
    if message["type"] != "lifespan.startup.complete":
        await task
    try:
        yield state
    finally:
        to_app.put_nowait({"type": "lifespan.shutdown"})
        await task
        assert from_app.get_nowait() == {"type": "lifespan.shutdown.complete"}


def shows_no_key(answer: Answer, caplog: pytest.LogCaptureFixture) -> bool:
    """Whether neither an answer nor the log holds a key, whole or without its prefix."""
    shown = f"{answer.headers} {answer.body.decode()} {caplog.text}"
    return not any(secret in shown for secret in SECRETS)


def _receiver(body: bytes | list[bytes]) -> Callable[[], Any]:
    chunks = [body] if isinstance(body, bytes) else body
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": place < len(chunks)}
        for place, chunk in enumerate(chunks, start=1)
    ]

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    return receive


def _answer(sent: list[Message]) -> Answer:
    start, *rest = sent
    assert start["type"] == "http.response.start"
    names = [name for name, _ in start["headers"]]
    assert len(names) == len(set(names)), "a header was sent twice"
    assert all(name == name.lower() for name in names)
    headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], headers, b"".join(one["body"] for one in rest))
