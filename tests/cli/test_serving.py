"""Applications on real sockets: started, dropped, failed, cancelled."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import click
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from inngest_asgi.cli.serving import listening, origin_of, served
from inngest_asgi.cli.stopping import first_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


def app_with(endpoint: Any, lifespan: Any = None) -> Starlette:
    return Starlette(routes=[Route("/", endpoint)], lifespan=lifespan)


async def let_it_be(task: asyncio.Task[Any]) -> bool:
    """Wait for a task without cancelling it; what it raises is raised."""
    await asyncio.wait([task])
    return bool(task.result())


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def test_an_application_is_served_and_its_lifespan_is_run() -> None:
    happened = []

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        happened.append("start")
        yield
        happened.append("stop")

    async def main() -> str:
        with listening(0, option="--port", what="it") as listener:
            async with served(app_with(hello, lifespan), listener), httpx.AsyncClient() as http:
                return (await http.get(origin_of(listener))).text

    assert asyncio.run(main()) == "hello"
    assert happened == ["start", "stop"]


def test_requests_in_progress_are_dropped_without_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    happened = []

    async def main() -> None:
        asked = asyncio.Event()

        async def endless(request: Request) -> None:
            asked.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                happened.append("cleaned up")

        with listening(0, option="--port", what="it") as listener:
            async with httpx.AsyncClient() as http:
                async with served(app_with(endless), listener):
                    asking = asyncio.create_task(http.get(origin_of(listener)))
                    await first_of(asked.wait(), let_it_be(asking))
                await asyncio.wait([asking])
                assert asking.exception() is not None or asking.result().status_code == 500

    asyncio.run(main())
    assert happened == ["cleaned up"]
    assert caplog.records == []
    assert logging.getLogger("uvicorn.error").disabled is False


def test_a_lifespan_that_fails_is_one_sentence() -> None:
    @asynccontextmanager
    async def failing(app: object) -> AsyncIterator[None]:
        raise RuntimeError("no database")
        yield

    async def main() -> None:
        with listening(0, option="--port", what="it") as listener:
            async with served(app_with(hello, failing), listener):
                pytest.fail("it must not start")

    with pytest.raises(click.ClickException, match="lifespan failed to start"):
        asyncio.run(main())


def test_a_lifespan_that_hangs_can_be_cancelled() -> None:
    async def main() -> None:
        starting = asyncio.Event()

        @asynccontextmanager
        async def hanging(app: object) -> AsyncIterator[None]:
            starting.set()
            await asyncio.get_running_loop().create_future()
            yield

        async def serve() -> None:
            async with served(app_with(hello, hanging), listener):
                pytest.fail("it must not start")

        with listening(0, option="--port", what="it") as listener:
            serving = asyncio.create_task(serve())
            await first_of(starting.wait(), let_it_be(serving))
            serving.cancel()
            await asyncio.wait([serving])
            assert serving.cancelled()

    asyncio.run(main())


def test_a_taken_port_is_one_sentence_that_names_the_option() -> None:
    with listening(0, option="--port", what="the server") as listener:
        port = listener.getsockname()[1]
        with (
            pytest.raises(click.ClickException) as caught,
            listening(port, option="--app-port", what="the application"),
        ):
            pytest.fail("it must not be given")
    assert caught.value.message == (
        f"Port {port}, meant for the application, cannot be used: Address already in use. "
        "Stop what uses it, or choose another with --app-port PORT (0 takes any free one)."
    )


def test_a_port_that_may_not_be_used_is_not_called_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", forbidden)
    with (
        pytest.raises(click.ClickException) as caught,
        listening(80, option="--port", what="the server"),
    ):
        pytest.fail("it must not be given")
    assert caught.value.message == (
        "Port 80, meant for the server, cannot be used: Permission denied. "
        "Choose another with --port PORT (0 takes any free one)."
    )


@pytest.mark.parametrize("host", ["203.0.113.7", "::g"])
def test_an_address_of_another_machine_is_not_taken_for_a_taken_port(host: str) -> None:
    with (
        pytest.raises(click.ClickException) as caught,
        listening(0, option="--port", what="the server", host=host),
    ):
        pytest.fail("it must not be given")
    assert caught.value.message.startswith(f"{host!r} is no address of this machine. Choose one")


@pytest.mark.parametrize(
    ("host", "own"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]")]
)
def test_how_this_machine_reaches_an_address(host: str, own: str) -> None:
    try:
        with listening(0, option="--port", what="it", host=host) as listener:
            port = listener.getsockname()[1]
            assert origin_of(listener) == f"http://{own}:{port}"
    except click.ClickException:
        assert ":" in host
        pytest.skip("no IPv6 on this machine")


def test_a_port_is_free_again_afterwards() -> None:
    with listening(0, option="--port", what="it") as listener:
        port = listener.getsockname()[1]
    with listening(port, option="--port", what="it") as listener:
        assert origin_of(listener) == f"http://127.0.0.1:{port}"


def test_requests_in_progress_may_be_given_time() -> None:
    begun = asyncio.Event()

    async def slow(request: Request) -> PlainTextResponse:
        begun.set()
        await asyncio.sleep(0.05)
        return PlainTextResponse("done")

    async def main() -> str:
        with listening(0, option="--port", what="it") as listener:
            async with httpx.AsyncClient() as http:
                async with served(app_with(slow), listener, patience=5.0):
                    asking = asyncio.ensure_future(http.get(origin_of(listener)))
                    await begun.wait()
                return (await asking).text

    assert asyncio.run(main()) == "done"


def test_every_address_is_reached_by_this_machines_own() -> None:
    with listening(0, option="--port", what="it", host="0.0.0.0") as listener:
        assert origin_of(listener).startswith("http://127.0.0.1:")
