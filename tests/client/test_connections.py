"""One HTTP client per event loop: kept while it runs, closed when it ends, none left behind."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from inngest_asgi.client.connections import Connections
from inngest_asgi.client.messages import Outgoing
from inngest_asgi.client.portal import run_sync
from inngest_asgi.errors import ConfigError
from tests.client.scripted import EventServer, Scripted, answer, event_server

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator


@pytest.fixture
def server() -> Iterator[EventServer]:
    with event_server() as server:
        yield server


@pytest.fixture
def connections() -> Connections:
    return Connections(timedelta(seconds=5))


def post(server: EventServer) -> Outgoing:
    return Outgoing("POST", f"{server.url}/e/key", {}, b"[1]")


def runs_in_a_thread(main: Coroutine[Any, Any, None]) -> None:
    thread = threading.Thread(target=asyncio.run, args=(main,))
    thread.start()
    thread.join()


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(asyncio.run, id="asyncio"),
        pytest.param(uvloop.run, id="uvloop"),
        pytest.param(runs_in_a_thread, id="thread"),
    ],
)
def test_each_loop_keeps_its_connection_and_closes_it(
    server: EventServer,
    connections: Connections,
    run: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    async def main() -> None:
        for _ in range(3):
            await connections.exchange(post(server))

    run(main())
    run(main())
    first, second = server.connections[:3], server.connections[3:]
    assert len(second) == 3
    assert (len(set(first)), len(set(second))) == (1, 1)
    assert first[0] != second[0]
    gc.collect()  # an unclosed socket would warn, and warnings are errors


def test_requests_of_one_loop_may_overlap(server: EventServer, connections: Connections) -> None:
    async def main() -> None:
        await asyncio.gather(*(connections.exchange(post(server)) for _ in range(5)))
        assert len(vars(connections)["_open"]) == 1

    asyncio.run(main())
    assert len(server.connections) == 5


def test_blocking_calls_share_the_connection_of_their_loop(
    server: EventServer, connections: Connections
) -> None:
    for _ in range(3):
        run_sync(connections.exchange(post(server)))
    assert len(set(server.connections)) == 1
    asyncio.run(connections.aclose())


def test_a_loop_inside_another_s_thread_has_its_own(
    server: EventServer, connections: Connections
) -> None:
    async def main() -> None:
        await connections.exchange(post(server))
        await asyncio.to_thread(run_sync, connections.exchange(post(server)))
        run_sync(connections.exchange(post(server)))
        await connections.exchange(post(server))
        await connections.aclose()

    asyncio.run(main())
    first, second, third, fourth = server.connections
    assert first == fourth
    assert second == third
    assert first != second


def test_closing_is_not_the_end(server: EventServer, connections: Connections) -> None:
    async def main() -> None:
        await connections.exchange(post(server))
        await connections.aclose()
        await connections.aclose()
        await connections.exchange(post(server))

    asyncio.run(main())
    assert len(set(server.connections)) == 2


def test_closing_on_the_loop_of_blocking_calls(
    server: EventServer, connections: Connections
) -> None:
    run_sync(connections.exchange(post(server)))
    run_sync(connections.aclose())
    run_sync(connections.exchange(post(server)))
    run_sync(connections.aclose())
    assert len(set(server.connections)) == 2


def test_a_loop_closed_without_ceremony_is_forgotten(
    server: EventServer, connections: Connections
) -> None:
    loop = asyncio.new_event_loop()
    # The server hangs up, so that nothing is open when the loop is closed.
    closing = Outgoing("POST", f"{server.url}/e/key", {"connection": "close"}, b"[1]")
    loop.run_until_complete(connections.exchange(closing))
    loop.close()
    asyncio.run(connections.exchange(post(server)))
    assert vars(connections)["_open"] == {}


def test_a_given_client_is_used_and_never_closed() -> None:
    script = Scripted(answer())
    connections = Connections(timedelta(1), script.http)

    async def main() -> None:
        await connections.exchange(Outgoing("GET", "http://a/", {}))
        await connections.aclose()

    asyncio.run(main())
    assert len(script.requests) == 1
    assert not script.http.is_closed


def test_a_given_client_keeps_its_own_time_out() -> None:
    script = Scripted(answer())
    script.http.timeout = 7.0
    run_sync(Connections(timedelta(1), script.http).exchange(Outgoing("GET", "http://a/", {})))
    assert script.timeouts == [7.0]


def test_a_given_client_is_refused_beside_its_loop() -> None:
    connections = Connections(timedelta(1), Scripted(answer()).http)
    outgoing = Outgoing("GET", "http://a/", {})

    async def main() -> None:
        await connections.exchange(outgoing)
        with pytest.raises(ConfigError, match="another event loop"):
            run_sync(connections.exchange(outgoing))
        await connections.exchange(outgoing)

    asyncio.run(main())


def test_a_given_client_moves_on_when_its_loop_is_closed() -> None:
    script = Scripted(answer())
    connections = Connections(timedelta(1), script.http)
    outgoing = Outgoing("GET", "http://a/", {})
    asyncio.run(connections.exchange(outgoing))
    asyncio.run(connections.exchange(outgoing))
    assert len(script.requests) == 2


PROGRAM = """
import asyncio, os, sys
from datetime import timedelta
from inngest_asgi.client.connections import Connections
from inngest_asgi.client.messages import Outgoing
from inngest_asgi.client.portal import run_sync

connections = Connections(timedelta(seconds=5))
outgoing = Outgoing("POST", sys.argv[1] + "/e/key", {}, b"[1]")

async def twice():
    await connections.exchange(outgoing)
    await connections.exchange(outgoing)

assert "httpx" not in sys.modules
"""


def program(body: str, server: EventServer) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM + body, server.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.live
def test_a_program_that_closes_nothing_exits_without_warnings(server: EventServer) -> None:
    program("asyncio.run(twice()); asyncio.run(twice()); run_sync(twice())", server)
    assert len(server.connections) == 6
    assert len(set(server.connections)) == 3


@pytest.mark.live
def test_a_forked_child_leaves_its_parent_s_connections_alone(server: EventServer) -> None:
    body = """
run_sync(twice())
child = os.fork()
if child == 0:
    run_sync(twice())
    asyncio.run(twice())
    run_sync(connections.aclose())
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
run_sync(twice())
"""
    program(body, server)
    before, child, after = (server.connections[i:j] for i, j in ((0, 2), (2, 6), (6, 8)))
    assert set(before) == set(after)
    assert len(set(child)) == 2
    assert not set(before) & set(child)
