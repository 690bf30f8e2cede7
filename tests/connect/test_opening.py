"""From a start request to a socket: what kind of failure each way to have none is."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest

from inngest_asgi.client.connections import Connections
from inngest_asgi.connect import ConnectOptions
from inngest_asgi.connect.exchange import Exchange
from inngest_asgi.connect.frames import to_bytes
from inngest_asgi.connect.messages import StartResponse
from inngest_asgi.connect.notes import Notes
from inngest_asgi.connect.opening import NotOpened, Opening
from inngest_asgi.connect.session.actions import Failure
from inngest_asgi.settings import Settings
from tests.routes.asking import Api

STARTED = to_bytes(StartResponse("connection", "ws://127.0.0.1:9/v0", "group-1"))


def opened(answer: tuple[int, Any], **options: Any) -> NotOpened:
    api = Api({"/v0/connect/start": answer})
    settings = Settings(environ={}, is_production_argument=False)
    exchange = Exchange(settings, Connections(timedelta(seconds=1), api.http))
    notes = Notes(logging.getLogger("inngest_asgi"))
    opening = Opening(exchange, ConnectOptions(**options), settings, notes)
    failed = asyncio.run(opening.open(()))
    assert isinstance(failed, NotOpened)
    return failed


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (401, Failure.AUTH),
        (403, Failure.AUTH),
        (429, Failure.BUSY),
        (400, Failure.REJECTED),
        (404, Failure.REJECTED),
        (500, Failure.AWAY),
        (503, Failure.AWAY),
    ],
)
def test_a_refusal_is_of_its_kind(status: int, failure: Failure) -> None:
    assert opened((status, {"error": "no"})).failure is failure


def test_a_gateway_that_is_away_is_named_with_its_group() -> None:
    failed = opened((200, STARTED))
    assert (failed.failure, failed.group) == (Failure.AWAY, "group-1")
    assert failed.sentence.startswith("The gateway ws://127.0.0.1:9/v0 opened no connection")


def test_a_url_that_is_none_is_the_user_s_slip() -> None:
    failed = opened((200, STARTED), rewrite_gateway_endpoint=lambda _: "nowhere")
    assert failed.failure is Failure.REJECTED
    assert "What rewrite_gateway_endpoint returned" in failed.sentence


def test_a_rewrite_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def rewrite(endpoint: str) -> str:
        raise LookupError(endpoint)

    failed = opened((200, STARTED), rewrite_gateway_endpoint=rewrite)
    assert (failed.failure, failed.sentence) == (
        Failure.REJECTED,
        "LookupError: ws://127.0.0.1:9/v0",
    )
    assert "Traceback" in caplog.text
