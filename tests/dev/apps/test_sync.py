"""Asking apps to register: what is sent, and the sentence when an app does not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from inngest_asgi.dev import DevOptions, DevServer, SyncResult
from inngest_asgi.dev.outbound import HttpOutbound
from inngest_asgi.errors import RequestError
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import URL, FakeApp, client, script, world

if TYPE_CHECKING:
    from collections.abc import Callable

SDK = {"x-inngest-sdk": "fake:v1"}


def sync(answer: Callable[[httpx.Request], httpx.Response]) -> SyncResult:
    async def main() -> SyncResult:
        outbound = HttpOutbound(httpx.MockTransport(answer))
        options = DevOptions(poll_interval=0)
        async with DevServer(options, clock=ManualClock(), outbound=outbound) as server:
            result = await server.sync(URL)
            (app,) = server.apps
            assert app.error == result.error
            return result

    return asyncio.run(main())


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Connection refused")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (unreachable, "cannot be reached (Connection refused). Is it running?"),
        (
            lambda _: httpx.Response(401, headers={"x-inngest-sdk-handled": "true"}),
            "use the same signing key here and there",
        ),
        (
            lambda _: httpx.Response(500, headers={"x-inngest-sdk-handled": "true"}),
            "start it in dev mode (INNGEST_DEV=1)",
        ),
        (lambda _: httpx.Response(404, text="<html>"), "X-Inngest-SDK header is missing"),
        (
            lambda _: httpx.Response(400, headers=SDK, json={"message": "no functions"}),
            "could not register (status 400): no functions",
        ),
        (
            lambda _: httpx.Response(500, headers=SDK, json={"error": "kind mismatch"}),
            "kind mismatch",
        ),
        (lambda _: httpx.Response(500, headers=SDK, text="<"), "it gave no reason"),
        (lambda _: httpx.Response(500, headers=SDK, json={"message": 7}), "it gave no reason"),
        (lambda _: httpx.Response(500, headers=SDK, json=[]), "it gave no reason"),
        (lambda _: httpx.Response(200, headers=SDK), "did not register its functions here"),
    ],
    ids=[
        "down",
        "other-key",
        "no-key",
        "no-app",
        "message",
        "error",
        "no-json",
        "odd-message",
        "list",
        "silent",
    ],
)
def test_an_app_that_does_not_register_is_told_why(
    answer: Callable[[httpx.Request], httpx.Response], says: str
) -> None:
    result = sync(answer)
    assert not result.ok
    assert says in (result.error or "")
    assert (result.url, result.app_name, result.functions) == (URL, URL, 0)


def test_what_is_sent_to_ask() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, headers=SDK)

    sync(answer)
    (request,) = asked
    assert (request.method, str(request.url)) == ("PUT", URL)
    assert request.headers["x-inngest-server-kind"] == "dev"
    assert request.headers["content-type"] == "application/json"
    assert request.content == b'{"url":"http://app.test/api/inngest"}'


def test_an_app_that_registers_replaces_its_placeholder() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script()).add("two", script())
        async with world(app, sync=False) as here:
            result = await here.server.sync(URL)
            assert result == SyncResult(URL, "shop", 2, None)
            assert [one.name for one in here.server.apps] == ["shop"]

    asyncio.run(main())


def test_an_app_that_hides_its_refusal_is_told_all_the_same() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script())
        async with world(app) as here:
            app.answer_to_ping = 200
            app.add("two", script(), retries=99)
            result = await here.server.sync(URL)
            assert "Function 'shop-two': 99 retries" in (result.error or "")
            assert result.functions == 1

    asyncio.run(main())


def test_an_app_may_call_itself_by_another_url() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script())
        async with world(app, sync=False) as here:
            result = await here.server.sync("http://proxy.test/inngest")
            assert result == SyncResult(URL, "shop", 1, None)
            assert [one.url for one in here.server.apps] == [URL]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("url", "left"),
    [(URL, ["store"]), ("wss://connect", ["shop", "store"])],
    ids=["http", "connect"],
)
def test_an_app_that_was_renamed_leaves_no_functions_behind(url: str, left: list[str]) -> None:
    async def main() -> None:
        async with world(FakeApp(), sync=False) as here:
            for name in ("shop", "store"):
                body = FakeApp(name).add("one", script()).registration() | {"url": url}
                assert (await here.http.post("/fn/register", json=body)).status_code == 200
            assert [app.name for app in here.server.apps] == left
            slugs = [function.slug for function in here.server.functions]
            assert slugs == [f"{name}-one" for name in left]

    asyncio.run(main())


@pytest.mark.parametrize(("app_urls", "logged"), [((), 0), ((URL,), 1)], ids=["asked", "by-itself"])
def test_a_failure_is_logged_once_unless_the_one_who_asked_is_told(
    app_urls: tuple[str, ...], logged: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        clock, outbound = ManualClock(), HttpOutbound(httpx.MockTransport(unreachable))
        options = DevOptions(app_urls=app_urls, poll_interval=5)
        async with DevServer(options, clock=clock, outbound=outbound) as server:
            await server.settle()
            assert not (await server.sync(URL)).ok
            await clock.until(clock.sleep(11), settle=server.settle)

    asyncio.run(main())
    assert caplog.text.count("cannot be reached") == logged


def test_an_app_that_hangs_is_given_ten_seconds() -> None:
    async def main() -> None:
        clock = ManualClock()

        class Hanging(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                await clock.sleep(3600)
                raise AssertionError("nobody waits that long")

        options = DevOptions(poll_interval=0)
        outbound = HttpOutbound(Hanging())
        async with DevServer(options, clock=clock, outbound=outbound) as server:
            began = clock.time()
            result = await clock.until(server.sync(URL), settle=server.settle)
            assert "within 10 seconds" in (result.error or "")
            assert clock.time() - began == 10

    asyncio.run(main())


def test_an_error_is_forgotten_when_the_app_registers_again() -> None:
    async def main() -> None:
        app = FakeApp().add("one", script())
        async with world(app) as here:
            here_app = app.server
            app.server = None
            assert not (await here.server.sync(URL)).ok
            assert here.server.apps[0].error
            app.server = here_app
            assert (await here.server.sync(URL)).ok
            assert here.server.apps[0].error is None

    asyncio.run(main())


def test_an_app_that_is_removed_while_it_fails_to_register_stays_removed() -> None:
    async def main() -> None:
        class Removed(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                async with client(server.app) as http:
                    await http.delete("/fn/remove", params={"url": URL})
                return httpx.Response(500)

        options = DevOptions(poll_interval=0)
        async with DevServer(options, outbound=HttpOutbound(Removed())) as server:
            assert not (await server.sync(URL)).ok
            assert server.apps == []

    asyncio.run(main())


def test_two_spellings_of_a_url_are_one_app() -> None:
    async def main() -> None:
        outbound = HttpOutbound(httpx.MockTransport(unreachable))
        async with DevServer(DevOptions(poll_interval=0), outbound=outbound) as server:
            for url in ("http://127.0.0.1:3000/a", "http://localhost:3000/a?deployId=1"):
                result = await server.sync(url)
                assert result.url == "http://localhost:3000/a"
            assert len(server.apps) == 1

    asyncio.run(main())


def test_what_is_no_url_is_refused() -> None:
    async def main() -> None:
        async with world(FakeApp(), sync=False) as here:
            with pytest.raises(RequestError, match="http://"):
                await here.server.sync("localhost:3000")

    asyncio.run(main())
