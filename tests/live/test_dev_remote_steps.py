"""`step.fetch` and `step.ai.infer` of our own SDK, carried out by the embedded server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import inngest_asgi as inngest
from inngest_asgi.dev import DevOptions
from tests.live.embedded import Embedded
from tests.live.servers import serving, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

pytestmark = pytest.mark.live

KEY = "sk-live-123456"


class Adapter:
    """A provider that answers at a URL of ours."""

    def __init__(self, url: str) -> None:
        self._url = url

    def auth_key(self) -> str:
        return KEY

    def format(self) -> str:
        return "openai-chat"

    def headers(self) -> dict[str, str]:
        return {}

    def url_infer(self) -> str:
        return self._url

    def on_call(self, body: dict[str, Any]) -> None:
        body.setdefault("model", "small")


async def echo(request: Request) -> Response:
    body = (await request.body()).decode()
    said = {"method": request.method, "body": body, "key": request.headers.get("authorization")}
    return JSONResponse(said, 418, {"X-Tea": "pot"})


async def chat(request: Request) -> Response:
    if request.headers["authorization"] != f"Bearer {KEY}":
        return JSONResponse({"error": "no key"}, 401)
    return JSONResponse({"asked": await request.json()})


def declare(client: inngest.Inngest, others: str) -> None:
    @client.create_function(
        fn_id="ask", trigger=inngest.TriggerEvent(event="shop/asked"), retries=0
    )
    async def ask(ctx: inngest.Context) -> list[Any]:
        fetched, answered = await asyncio.gather(
            ctx.step.fetch("fetch", f"{others}/echo", method="PUT", body={"a": 1}),
            ctx.step.ai.infer("infer", adapter=Adapter(f"{others}/chat"), body={"messages": []}),
        )
        try:
            await ctx.step.ai.infer("fail", adapter=Adapter(f"{others}/nothing"), body={})
        except inngest.StepError as error:
            failed = [error.name, error.message]
        tea = fetched.headers["X-Tea"]
        return [fetched.status_code, tea, fetched.body, answered, failed]


@pytest.fixture
def setting() -> Iterator[tuple[inngest.Inngest, str]]:
    routes = [Route("/echo", echo, methods=["PUT"]), Route("/chat", chat, methods=["POST"])]
    embedded = Embedded(DevOptions(poll_interval=0))
    with serving(Starlette(routes=routes)) as others, serving(embedded) as url:
        client = inngest.Inngest(
            "shop", is_production=False, api_base_url=url, event_api_base_url=url
        )
        declare(client, others)
        with serving(inngest.serve(client)) as app_url:
            httpx.put(f"{app_url}/api/inngest").raise_for_status()
            yield client, others
        asyncio.run(client.aclose())


def test_a_function_gets_what_others_answered(setting: tuple[inngest.Inngest, str]) -> None:
    client, others = setting
    (event_id,) = client.send_sync(inngest.Event(name="shop/asked"))
    wait_until(lambda: bool(client.runs.for_event_sync(event_id)))
    (run,) = client.runs.for_event_sync(event_id)
    assert client.runs.wait_sync(run.id, "10s").output == [
        418,
        "pot",
        '{"method":"PUT","body":"{\\"a\\":1}","key":null}',
        {"asked": {"messages": [], "model": "small"}},
        ["AIGatewayError", f"{others}/nothing answered with HTTP status 404."],
    ]
