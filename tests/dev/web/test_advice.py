"""What to do about an app that is not in sync: each failure as it really comes about."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from inngest_asgi.dev import DevOptions, DevServer
from inngest_asgi.dev.outbound import HttpOutbound
from inngest_asgi.dev.web.advice import advice
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import URL

if TYPE_CHECKING:
    from collections.abc import Callable

SDK = {"x-inngest-sdk": "fake:v1"}


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Connection refused")


def nameless(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Name or service not known")


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("")


async def silent(request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody wakes it")


def answering(status: int, **more: object) -> Callable[[httpx.Request], httpx.Response]:
    headers = SDK if more.get("sdk") else {}
    body = {"message": more.get("message", "no")}
    content = more.get("content")
    if isinstance(content, bytes):
        return lambda request: httpx.Response(status, headers=headers, content=content)
    return lambda request: httpx.Response(status, headers=headers, json=body)


def advised(app: Callable[..., object]) -> str:
    """Return what is advised after a sync with an app that behaves so."""

    async def main() -> str | None:
        clock = ManualClock()
        outbound = HttpOutbound(httpx.MockTransport(app))  # type: ignore[arg-type] # either colour
        options = DevOptions(poll_interval=0)
        async with DevServer(options, clock=clock, outbound=outbound) as server:
            result = await clock.until(server.sync(URL), settle=server.settle)
            assert result.error is not None
            return advice(result.error)

    return asyncio.run(main()) or ""


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        pytest.param(unreachable, "Start the app, or mend the port", id="nobody there"),
        pytest.param(nameless, "No machine has that name", id="no such name"),
        pytest.param(silent, "kept silent", id="hangs"),
        pytest.param(broken, "does not behave like an Inngest app", id="breaks off"),
        pytest.param(answering(404), "nothing is at this path", id="404"),
        pytest.param(answering(502), "failed before Inngest was asked", id="502"),
        pytest.param(answering(200), "Something else answers there", id="HTML"),
        pytest.param(
            answering(200, sdk=True, content=b"x" * (9 << 20)), "does not behave", id="9 MB"
        ),
        pytest.param(answering(200, sdk=True), "with another server", id="registers elsewhere"),
        pytest.param(answering(401, sdk=True), "in dev mode", id="wants signatures"),
        pytest.param(answering(500, sdk=True), "in dev mode", id="lacks a key"),
        pytest.param(answering(400, sdk=True), "Mend what the message names", id="refused"),
    ],
)
def test_what_to_do_next(app: Callable[..., object], expected: str) -> None:
    assert expected in advised(app)


def test_an_app_in_sync_needs_no_advice() -> None:
    assert advice(None) is None


def test_what_is_not_known_is_left_to_its_own_words() -> None:
    assert advice("Something new.") is None
