"""A client whose requests end at a respx router: each test says what the API answers where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import respx

from inngest_asgi.client.inngest import Inngest
from tests.client.scripted import SIGNING_KEY, SkippingClock

if TYPE_CHECKING:
    from inngest_asgi.clock import Clock

API = "http://127.0.0.1:8288"


def router() -> respx.MockRouter:
    return respx.MockRouter(base_url=API, assert_all_called=False)


def client(api: respx.MockRouter, clock: Clock | None = None, **options: Any) -> Inngest:
    transport = httpx.MockTransport(api.async_handler)
    given: dict[str, Any] = {"is_production": False, "signing_key": SIGNING_KEY} | options
    http = httpx.AsyncClient(transport=transport)
    return Inngest("shop", http_client=http, clock=clock or SkippingClock(), **given)


def enveloped(data: Any) -> httpx.Response:
    return httpx.Response(200, json={"data": data, "metadata": {"fetched_at": "2026-08-01"}})


def refused(status: int, text: str) -> httpx.Response:
    return httpx.Response(status, json={"error": text, "data": None, "status": status})
