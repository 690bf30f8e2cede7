"""A sync that fails is told once."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.cli.syncing import described, sync
from inngest_asgi.dev import DevServer, SyncResult
from inngest_asgi.dev.answers import Answer

if TYPE_CHECKING:
    from inngest_asgi.dev.calls import Request

URL = "http://localhost:8000/api/inngest"


class Nobody:
    """An outbound that reaches nobody."""

    async def send(self, request: Request) -> Answer:
        return Answer(404, {}, b"")

    async def aclose(self) -> None:
        """Hold nothing open."""


def test_a_failure_is_returned_and_not_logged_as_well(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> SyncResult:
        async with DevServer(outbound=Nobody()) as server:
            return await sync(server, URL)

    assert "not as an Inngest app" in str(asyncio.run(main()).error)
    assert caplog.records == []
    assert logging.getLogger("inngest_asgi.dev.sync").disabled is False


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 functions"), (1, "1 function"), (2, "2 functions")]
)
def test_a_sync_in_a_line(count: int, text: str) -> None:
    assert described(SyncResult(URL, "shop", count, None)) == f"Application  {URL} (shop, {text})"
