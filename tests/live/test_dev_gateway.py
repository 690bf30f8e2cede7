"""The embedded server's gateway on real sockets, with our own worker at the other end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.asyncio.client import connect as dial
from websockets.exceptions import ConnectionClosed, InvalidStatus

import inngest_asgi as inngest
from inngest_asgi.connect import ConnectionState, messages
from inngest_asgi.connect.frames import from_frame, to_frame
from inngest_asgi.connect.protocol.connection import MAX_FRAME
from inngest_asgi.dev import DevOptions, DevServer
from inngest_asgi.errors import DevServerError
from tests.live.browsing import Stage, port_of, server_at
from tests.live.servers import wait_until
from tests.live.working import Working

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

pytestmark = pytest.mark.live

SUBPROTOCOLS: Any = ["v0.connect.inngest.com"]
KEY = "signkey-test-" + "5e" * 16
BEARER = {"authorization": f"Bearer {KEY}"}


def options(**more: Any) -> DevOptions:
    return DevOptions(**({"poll_interval": 0, "gateway_port": 0} | more))


def shop(url: str, **more: Any) -> inngest.Inngest:
    given: dict[str, Any] = {"is_production": False, "api_base_url": url, "event_api_base_url": url}
    return inngest.Inngest("shop", **(given | more))


@pytest.fixture
def stage() -> Iterator[Stage]:
    with server_at(options()) as url:
        yield Stage(url)


def connections(url: str) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = httpx.get(f"{url}/v0/connect/envs/dev/conns").json()["data"]
    return data


def endpoint(url: str) -> str:
    port = httpx.get(f"{url}/dev").json()["startOpts"]["connectGatewayPort"]
    return f"127.0.0.1:{port}"


def test_a_run_goes_over_the_socket(stage: Stage) -> None:
    client = shop(stage.url)

    @client.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="shop/paid"))
    async def pay(ctx: inngest.Context) -> list[int]:
        first = await ctx.step.run("first", lambda: 1)
        await ctx.step.sleep("nap", "1s")
        both = await asyncio.gather(
            ctx.step.run("second", lambda: 2), ctx.step.run("third", lambda: 3)
        )
        return [first, *both]

    with Working(client, instance_id="till-1") as working:
        working.wait_for(ConnectionState.ACTIVE)
        run = stage.run(stage.finished(stage.send("shop/paid")))
        (one,) = connections(stage.url)
    assert (run["status"], run["output"]) == ("Completed", [1, 2, 3])
    assert (one["instance_id"], one["status"]) == ("till-1", "READY")
    wait_until(lambda: connections(stage.url) == [])


def test_a_server_with_a_key_lets_in_who_has_it() -> None:
    cloud = options(kind="cloud", signing_key=KEY, event_keys=("events",))
    with server_at(cloud) as url:
        client = shop(url, is_production=True, signing_key=KEY, event_key="events")

        @client.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="shop/paid"))
        async def pay(ctx: inngest.Context) -> str:
            return "paid"

        with Working(client) as working, httpx.Client(base_url=url, headers=BEARER) as http:
            working.wait_for(ConnectionState.ACTIVE)
            (event_id,) = http.post("/e/events", json={"name": "shop/paid"}).json()["ids"]
            path = f"/v1/events/{event_id}/runs"
            wait_until(lambda: "Completed" in http.get(path).text)


def test_a_step_outlives_the_server_it_began_under(tmp_path: Path) -> None:
    began: list[str] = []
    release = asyncio.Event()
    kept = options(db=str(tmp_path / "dev.db"))
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(contextlib.ExitStack())
        url = first.enter_context(server_at(kept))
        client = shop(url)

        @client.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="shop/paid"))
        async def pay(ctx: inngest.Context) -> str:
            async def slowly() -> str:
                began.append(ctx.run_id)
                await release.wait()
                return "slowly"

            return await ctx.step.run("slow", slowly)

        working = stack.enter_context(Working(client))
        working.wait_for(ConnectionState.ACTIVE)
        event_id = Stage(url).send("shop/paid")
        wait_until(lambda: bool(began))
        first.close()
        assert stack.enter_context(server_at(kept, port=port_of(url))) == url
        working.wait_for(ConnectionState.ACTIVE)
        working.loop.call_soon_threadsafe(release.set)
        stage = Stage(url)
        run = stage.run(stage.finished(event_id))
    assert run["output"] == "slowly"
    assert len(began) == 1


async def opened(url: str, **more: Any) -> ClientConnection:
    address = f"ws://{endpoint(url)}/v0/connect"
    return await dial(address, subprotocols=SUBPROTOCOLS, max_size=None, **more)


async def ending_of(socket: ClientConnection) -> tuple[int, str]:
    """Return how the server closes a connection."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await socket.recv()
    await socket.wait_closed()
    return socket.close_code or 0, socket.close_reason or ""


@pytest.mark.parametrize(
    ("frame", "ending"),
    [
        pytest.param("hello", (1008, "connect_worker_hello_invalid_payload"), id="text"),
        pytest.param(
            to_frame(messages.WorkerReady()), (1008, "connect_worker_hello_invalid_msg"), id="other"
        ),
        pytest.param(b"x" * (MAX_FRAME + 1), (1009, "MESSAGE_TOO_LARGE"), id="too-large"),
    ],
)
def test_what_makes_no_sense_is_closed_with_its_code(
    frame: bytes | str, ending: tuple[int, str], stage: Stage
) -> None:
    async def main() -> tuple[int, str]:
        socket = await opened(stage.url)
        assert isinstance(from_frame(await socket.recv(decode=False)), messages.Hello)
        await socket.send(frame)
        return await ending_of(socket)

    assert asyncio.run(main()) == ending


def test_a_page_in_a_browser_is_no_worker(stage: Stage) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        asyncio.run(opened(stage.url, origin="http://localhost:3000"))
    assert refusal.value.response.status_code == 403


@pytest.mark.parametrize(("path", "status"), [("/ready", 200), ("/", 404)])
def test_what_else_the_port_answers(path: str, status: int, stage: Stage) -> None:
    assert httpx.get(f"http://{endpoint(stage.url)}{path}").status_code == status


def test_a_server_that_stops_sends_its_workers_away() -> None:
    async def main() -> list[Any]:
        async with DevServer(options()) as server:
            assert server.gateway.address is not None
            address = f"ws://127.0.0.1:{server.gateway.address[1]}/v0/connect"
            socket = await dial(address, subprotocols=SUBPROTOCOLS)
            await socket.recv()
        return [await ending_of(socket)]

    assert asyncio.run(main()) == [(1001, "connect_gateway_closing")]


def test_a_port_that_is_taken_is_one_sentence() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(DevServerError, match=f"Port {port}, meant for the connect gateway"):
                await DevServer(options(gateway_port=port)).start()

    asyncio.run(main())
