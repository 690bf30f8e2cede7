"""The routes and steps of the FastAPI example; tests/live runs it as a whole."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from examples import fastapi_app

if TYPE_CHECKING:
    import pytest


def ask(method: str, path: str, **more: object) -> httpx.Response:
    async def main() -> httpx.Response:
        transport = httpx.ASGITransport(fastapi_app.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as http:
            return await http.request(method, path, **more)  # type: ignore[arg-type]

    return asyncio.run(main())


def test_a_bad_request_starts_nothing() -> None:
    answer = ask("POST", "/signups", json={"email": "ann@example.com", "plan": "gold"})
    assert answer.status_code == 422


def test_inngest_is_served_beside_the_users_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_DEV", "1")
    answer = ask("GET", "/api/inngest")
    assert (answer.status_code, answer.json()["function_count"]) == (200, 1)


def test_the_steps_are_plain_functions() -> None:
    signup = fastapi_app.Signup(email="ann@example.com", plan="team")
    assert asyncio.run(fastapi_app.open_account(signup)) == "ann-team"
    assert fastapi_app.write(signup.email, "Hello") == "ann@example.com: Hello"
