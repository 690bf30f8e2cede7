"""One event to an event API on a real socket."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.cli.send import send
from inngest_asgi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def event_api() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Give the URL of an event API, and what it receives: pairs of a path and a body."""
    received: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.path, json.loads(body)))
            answer = b'{"ids": ["01ID"], "status": 200}'
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}", received
        http.shutdown()
        thread.join()


def test_an_event_is_sent_and_its_id_returned() -> None:
    with event_api() as (url, received):
        sending = send("paid", {"total": 3}, "order-1", url=f"{url}/", event_key="key-1")
        assert asyncio.run(sending) == "01ID"
    ((path, body),) = received
    assert path == "/e/key-1"
    (event,) = body if isinstance(body, list) else [body]
    assert {name: event[name] for name in ("name", "data", "id")} == {
        "name": "paid",
        "data": {"total": 3},
        "id": "order-1",
    }


def test_the_key_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_EVENT_KEY", "key-2")
    with event_api() as (url, received):
        asyncio.run(send("paid", {}, None, url=url, event_key=None))
    assert received[0][0] == "/e/key-2"


def test_the_server_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with event_api() as (url, received):
        monkeypatch.setenv("INNGEST_DEV", url)
        asyncio.run(send("paid", {}, None, url=None, event_key=None))
    assert len(received) == 1


def test_what_is_no_url_is_refused_by_the_name_of_the_option() -> None:
    with pytest.raises(ConfigError, match="--url is 'nonsense'"):
        asyncio.run(send("paid", {}, None, url="nonsense", event_key=None))
