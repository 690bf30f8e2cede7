"""The records of the connect protocol: what they say of themselves."""

from __future__ import annotations

import subprocess
import sys

import pytest

from inngest_asgi.connect.messages import AuthData, ResponseStatus, StartResponse


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, ResponseStatus.DONE),
        (206, ResponseStatus.NOT_COMPLETED),
        (400, ResponseStatus.ERROR),
        (500, ResponseStatus.ERROR),
    ],
)
def test_a_response_has_a_status_for_each_of_http(status: int, expected: ResponseStatus) -> None:
    assert ResponseStatus.of(status) is expected


def test_tokens_are_never_shown() -> None:
    start = StartResponse("id", "ws://gateway", "group", "session-token", "sync-token")
    shown = repr(start) + repr(start.auth_data)
    assert "token" not in shown.replace("AuthData", "")


def test_the_tokens_of_a_start_go_into_the_handshake() -> None:
    start = StartResponse("id", "ws://gateway", "group", "session-token", "sync-token")
    assert start.auth_data == AuthData("session-token", "sync-token")


@pytest.mark.live  # a process each
@pytest.mark.parametrize("module", ["inngest_asgi.connect", "inngest_asgi.connect.messages"])
def test_names_come_without_protobuf_and_websockets(module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "print(*[name for name in ('google.protobuf', 'websockets') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []
