"""Servers that answer as they are told: in memory, and on a real socket; and a clock that skips."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1735689600.0
ENTROPY = bytes(range(10))
SEED = "1735689600000,AAECAwQFBgcICQ=="
SIGNING_KEY = "signkey-test-0123456789abcdef0123456789abcdef"
BEARER = "Bearer signkey-test-223e0a160af9da0a03e6dd2c4719c56f5d66a633cbe84e78aaa9f3735865522a"
FALLBACK_KEY = "signkey-prod-12345678"
FALLBACK_BEARER = (
    "Bearer signkey-prod-b2ed992186a5cb19f6668aade821f502c1d00970dfd0e35128d51bac4649916c"
)


class SkippingClock:
    """A clock whose sleeps end at once, and are remembered."""

    def __init__(self, random: float = 0.5) -> None:
        self.slept: list[float] = []
        self._random = random

    def time(self) -> float:
        return NOW + sum(self.slept)

    def nanoseconds(self) -> int:
        return int(self.time() * 1e9)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def random(self) -> float:
        return self._random

    def entropy(self, size: int) -> bytes:
        return ENTROPY[:size]


def answer(status: int = 200, document: Any = None, *, text: str | None = None) -> httpx.Response:
    content = json.dumps(document) if text is None else text
    return httpx.Response(status, content=content.encode())


def accepted(*ids: str) -> httpx.Response:
    return answer(200, {"ids": list(ids), "status": 200})


class Scripted:
    """An HTTP client whose answers are given beforehand, one per request, the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self.timeouts: list[float] = []
        self._answers = list(answers)
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    @property
    def request(self) -> httpx.Request:
        assert len(self.requests) == 1
        return self.requests[0]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        # A copy, because the same request object is sent again with another key.
        copy = httpx.Request(
            request.method,
            httpx.URL(request.url),
            headers=request.headers.raw,
            content=request.content,
        )
        self.requests.append(copy)
        self.timeouts.append(request.extensions["timeout"]["read"])
        told = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(told, Exception):
            raise told
        return httpx.Response(told.status_code, content=told.content, headers=told.headers)


@dataclass
class EventServer:
    """A real server on a free port that takes every event; it knows its connections apart."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    connections: list[object] = field(default_factory=list)


@contextmanager
def event_server(*, silent: bool = False) -> Iterator[EventServer]:
    """Serve until the block ends; a silent server takes requests and never answers them."""
    state = EventServer()
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.paths.append(self.path)
            state.connections.append(self.client_address)
            if silent:
                ended.wait()
                return
            ids = [f"id-{number}" for number, _ in enumerate(json.loads(body))]
            reply = json.dumps({"ids": ids, "status": 200}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: Any) -> None:
            """Write nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            ended.set()
            server.shutdown()
            thread.join()
