"""Beside an application that has no mounts and no lifespan: who gets what, and under which URL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from tests.routes.asking import Api, Headers, app_of, asked, called, dev_client, started
from tests.routes.test_attach import registered_url

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Host:
    """A host that answers 204, and fails when it is asked for a lifespan, as Django does."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise ValueError("no lifespan here")
        self.asked.append(f"{scope['type']} {scope['path']}")
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})


def mounted(host: ASGIApp | None = None, path: str = "/api/inngest", **options: Any) -> ASGIApp:
    return inngest.mount_asgi(host or Host(), path, app_of(dev_client(**options)))


@pytest.mark.parametrize("path", ["/api/inngest", "/api/inngest/"])
def test_the_path_is_the_application_s(path: str) -> None:
    answer = asked(mounted(), path=path)
    assert (answer.status, answer.document["function_count"]) == (200, 1)


def test_health_is_below_it() -> None:
    assert asked(mounted(), path="/api/inngest/health/ready").document["ready"] is True


@pytest.mark.parametrize("path", ["/", "/api", "/api/inngesting", "/health/ready"])
def test_every_other_path_is_the_host_s(path: str) -> None:
    host = Host()
    app = mounted(host)

    async def ask() -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope: dict[str, Any] = {"type": "http", "path": path, "headers": []}
        await app(scope, lambda: asyncio.sleep(0), send)  # type: ignore[arg-type, return-value]
        return sent

    assert asyncio.run(ask())[0]["status"] == 204
    assert host.asked == [f"http {path}"]


def test_a_websocket_is_the_host_s() -> None:
    host = Host()

    async def send(message: Any) -> None:
        pytest.fail("the host sends nothing")

    async def ask() -> None:
        scope: dict[str, Any] = {"type": "websocket", "path": "/chat", "headers": []}
        await mounted(host)(scope, lambda: asyncio.sleep(0), send)  # type: ignore[arg-type, return-value]

    asyncio.run(ask())
    assert host.asked == ["websocket /chat"]


def test_a_function_is_called() -> None:
    assert called(mounted(), path="/api/inngest").document == {"paid": {"order": 7}}


@pytest.mark.parametrize(
    ("scope", "url"),
    [
        pytest.param({}, "https://app.example/api/inngest", id="at the root"),
        pytest.param(
            {"root_path": "/shop"}, "https://app.example/shop/api/inngest", id="path was stripped"
        ),
        pytest.param(
            {"root_path": "/shop", "path": "/shop/api/inngest"},
            "https://app.example/shop/api/inngest",
            id="path is whole",
        ),
    ],
)
def test_the_url_it_registers(scope: dict[str, Any], url: str) -> None:
    api = Api()
    app = inngest.mount_asgi(Host(), "/api/inngest", app_of(dev_client(api)))
    path = scope.pop("path", "/api/inngest")
    assert registered_url(app, api, path, **scope) == url


def test_the_lifespan_is_the_application_s_alone() -> None:
    inngest_app = app_of(dev_client())
    app = inngest.mount_asgi(Host(), "/api/inngest", inngest_app)

    async def look() -> str:
        async with started(app):
            return str(inngest_app._manager.phase)

    assert asyncio.run(look()) == "running"


def test_django_is_named() -> None:
    kind = type("ASGIHandler", (Host,), {"__module__": "django.core.handlers.asgi"})
    answer = asked(mounted(kind()))
    assert answer.headers["x-inngest-framework"] == "django"


def test_other_hosts_are_not_named() -> None:
    headers: Headers = asked(mounted()).headers
    assert headers["x-inngest-framework"] == "asgi"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((None, "/x", app_of(dev_client())), "app is None", id="no host"),
        pytest.param((Host(), "/x", Host()), "pass what serve", id="no application"),
        pytest.param((Host(), "x", app_of(dev_client())), "path is 'x'", id="no slash"),
        pytest.param((Host(), "/", app_of(dev_client())), "path is '/'", id="a slash alone"),
    ],
)
def test_a_slip_gets_a_sentence(arguments: tuple[Any, Any, Any], message: str) -> None:
    with pytest.raises(inngest.ConfigError, match=message):
        inngest.mount_asgi(*arguments)
