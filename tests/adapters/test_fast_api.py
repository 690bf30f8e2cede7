"""The FastAPI adapter: the incumbent's call, served by `attach`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fastapi import FastAPI
from inngest_adapters import fast_api

import inngest_asgi as inngest
from tests.routes.asking import (
    ORDERED,
    Api,
    ask,
    asked,
    called,
    cloud_client,
    dev_client,
    started,
)


def host(client: inngest.Inngest, **options: Any) -> FastAPI:
    """Serve one function, "shop-pay", in a FastAPI application."""

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> str:
        return "paid"

    app = FastAPI()
    fast_api.serve(app, client, [pay], **options)
    return app


def registered_url(path: str, **options: Any) -> str:
    api = Api()
    assert asked(host(dev_client(api), **options), "PUT", path).status == 200
    url = json.loads(api.request.content)["url"]
    assert isinstance(url, str)
    return url


@pytest.mark.parametrize("path", ["/api/inngest", "/api/inngest/"])
def test_functions_are_served_at_the_usual_path(path: str) -> None:
    app = host(dev_client())
    assert called(app, path=path).document == "paid"
    assert asked(app, "GET", path).document["function_count"] == 1


def test_the_path_can_be_told() -> None:
    app = host(dev_client(), serve_path="/hook")
    assert called(app, path="/hook").document == "paid"
    assert asked(app, "GET", "/api/inngest").status == 404


@pytest.mark.parametrize("value", ["/hook", "hook"])
def test_the_path_can_come_from_the_environment(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_SERVE_PATH", value)
    assert called(host(dev_client()), path="/hook").document == "paid"


@pytest.mark.parametrize(
    ("path", "options", "expected"),
    [
        ("/api/inngest", {}, "https://app.example/api/inngest"),
        ("/hook", {"serve_path": "/hook"}, "https://app.example/hook"),
        (
            "/hook",
            {"serve_path": "/hook", "public_path": "/pub", "serve_origin": "https://o.example"},
            "https://o.example/pub",
        ),
    ],
)
def test_the_url_is_registered_as_told(path: str, options: dict[str, str], expected: str) -> None:
    assert registered_url(path, **options) == expected


@pytest.mark.parametrize("streaming", [True, inngest.Streaming.FORCE])
def test_calls_can_be_streamed(streaming: bool | inngest.Streaming) -> None:  # noqa: FBT001
    assert called(host(dev_client(), streaming=streaming)).status == 201


def test_unsigned_syncs_can_be_refused() -> None:
    app = host(cloud_client(Api()), enable_unauthed_sync=False)
    assert asked(app, "PUT").status == 401


def test_servers_are_told_the_hosts_name() -> None:
    assert asked(host(dev_client()), "GET").headers["x-inngest-framework"] == "fastapi"


def test_the_lifespan_runs_with_the_hosts() -> None:
    async def run() -> str:
        app = host(dev_client())
        async with started(app):
            answer = await ask(app, "GET", "/api/inngest/health/ready")
        phase = answer.document["lifespan"]
        assert isinstance(phase, str)
        return phase

    assert asyncio.run(run()) == "running"


def test_no_functions_are_a_mistake() -> None:
    with pytest.raises(inngest.ConfigError, match="no functions"):
        fast_api.serve(FastAPI(), dev_client(), [])
