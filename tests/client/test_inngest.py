"""The client as a whole: its arguments, what it shows, sending async and blocking."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.client.inngest import Inngest
from inngest_asgi.errors import ConfigError, EventValidationError, SendEventsError
from inngest_asgi.functions.event_types import EventType
from inngest_asgi.wire.events import Event
from tests.client.scripted import (
    SEED,
    SIGNING_KEY,
    EventServer,
    Scripted,
    SkippingClock,
    accepted,
    answer,
    event_server,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDER = Event(name="shop/order.placed")


@pytest.fixture
def server() -> Iterator[EventServer]:
    with event_server() as server:
        yield server


@pytest.fixture
def client(server: EventServer) -> Inngest:
    return Inngest("shop", is_production=False, event_api_base_url=server.url)


def test_the_name_may_be_given_by_position_or_keyword() -> None:
    assert Inngest("shop").app_id == Inngest(app_id="shop").app_id == "shop"


@pytest.mark.parametrize("app_id", ["", "  ", " shop", "a\nb", None, 5, "x" * 256], ids=ascii)
def test_a_name_that_is_none_is_refused(app_id: Any) -> None:
    with pytest.raises(ConfigError, match="app_id"):
        Inngest(app_id)


def test_arguments_are_shown_as_properties() -> None:
    logger = logging.getLogger("mine")
    client = Inngest(
        "shop",
        app_version="1",
        env="branch",
        is_production=False,
        event_key="event",
        signing_key=SIGNING_KEY,
        signing_key_fallback="fallback",
        api_base_url="http://api.test/",
        event_api_base_url="http://events.test/",
        logger=logger,
    )
    assert client.app_version == "1"
    assert client.env == "branch"
    assert not client.is_production
    assert client.event_key == "event"
    assert client.signing_key == SIGNING_KEY
    assert client.signing_key_fallback == "fallback"
    assert client.api_origin == "http://api.test"
    assert client.event_api_origin == "http://events.test"
    assert client.logger is logger
    assert client.functions == ()


def test_defaults_are_those_of_cloud_mode() -> None:
    client = Inngest("shop")
    assert client.is_production
    assert client.api_origin == "https://api.inngest.com"
    assert client.event_api_origin == "https://inn.gs"
    assert client.logger.name == "inngest_asgi"
    assert client.event_key is client.signing_key is client.signing_key_fallback is None
    assert client.app_version is client.env is None


def test_the_environment_is_read_when_used(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Inngest("shop")
    monkeypatch.setenv("INNGEST_DEV", "http://localhost:9999")
    monkeypatch.setenv("INNGEST_EVENT_KEY", "late")
    assert client.api_origin == "http://localhost:9999"
    assert client.event_key == "late"


def test_a_logger_can_be_set_later() -> None:
    client, logger = Inngest("shop"), logging.getLogger("later")
    client.set_logger(logger)
    assert client.logger is logger


def test_no_key_is_shown() -> None:
    client = Inngest("shop", event_key="secret", signing_key=SIGNING_KEY)
    assert repr(client) == "<Inngest 'shop'>"
    shown = f"{client!s} {client.settings!r} {client.api!r}"
    assert "secret" not in shown
    assert SIGNING_KEY not in shown


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [(1, 0.001), (30_000, 30), (timedelta(seconds=1), 1), ("30s", 30)],
    ids=["1 ms", "30 s", "timedelta", "text"],
)
def test_the_time_out_is_a_duration(timeout: Any, seconds: float) -> None:
    assert Inngest("shop", request_timeout=timeout)._connections._timeout == seconds


@pytest.mark.parametrize("timeout", [0, -1, "soon", None, 1.5, timedelta(0)], ids=repr)
def test_another_time_out_is_refused(timeout: Any) -> None:
    with pytest.raises(ConfigError, match="request_timeout"):
        Inngest("shop", request_timeout=timeout)


def test_a_server_that_is_too_slow_is_given_up() -> None:
    with event_server(silent=True) as server:
        client = Inngest(
            "shop",
            is_production=False,
            event_api_base_url=server.url,
            request_timeout=20,
            clock=SkippingClock(),
        )
        with pytest.raises(SendEventsError, match="ReadTimeout"):
            asyncio.run(client.send(ORDER))
    assert len(server.connections) == 5


def test_time_and_chance_are_arguments() -> None:
    script = Scripted(accepted("a"))
    client = Inngest("shop", event_key="k", http_client=script.http, clock=SkippingClock())
    asyncio.run(client.send(ORDER))
    assert script.request.headers["x-inngest-event-id-seed"] == SEED


def test_each_send_has_a_seed_of_its_own() -> None:
    script = Scripted(accepted("a"))
    client = Inngest("shop", event_key="k", http_client=script.http)
    client.send_sync(ORDER)
    client.send_sync(ORDER)
    first, second = (one.headers["x-inngest-event-id-seed"] for one in script.requests)
    assert first != second


def test_send_and_send_sync_are_one_path() -> None:
    script = Scripted(accepted("a"))
    client = Inngest("shop", event_key="k", http_client=script.http, clock=SkippingClock())
    assert client.send_sync(ORDER, env="x") == asyncio.run(other(script).send(ORDER, env="x"))
    first, second = script.requests
    assert first.headers == second.headers
    assert (first.url, first.content) == (second.url, second.content)


def other(script: Scripted) -> Inngest:
    """Return a second client, because a given `http_client` belongs to one loop."""
    return Inngest("shop", event_key="k", http_client=script.http, clock=SkippingClock())


def test_send_works_in_every_run(client: Inngest, server: EventServer) -> None:
    for _ in range(3):
        assert asyncio.run(client.send([ORDER, ORDER])) == ["id-0", "id-1"]
    assert server.paths == ["/e/NO_EVENT_KEY_SET"] * 3


def test_send_sync_works_in_threads_at_once(client: Inngest, server: EventServer) -> None:
    results: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: results.append(client.send_sync(ORDER))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [["id-0"]] * 8
    asyncio.run(client.aclose())


def test_send_sync_works_inside_a_running_loop(client: Inngest) -> None:
    async def main() -> list[str]:
        async with client:
            return await client.send(ORDER) + client.send_sync(ORDER)

    assert asyncio.run(main()) == ["id-0", "id-0"]


def test_send_sync_raises_what_send_raises() -> None:
    script = Scripted(answer(400, {"ids": ["a"]}))
    client = Inngest("shop", event_key="k", http_client=script.http)
    with pytest.raises(SendEventsError) as caught:
        client.send_sync([ORDER, ORDER])
    assert caught.value.ids == ["a"]


def test_leaving_the_context_closes_the_connections(client: Inngest, server: EventServer) -> None:
    async def main() -> None:
        for _ in range(2):
            async with client as entered:
                assert entered is client
                await client.send(ORDER)

    asyncio.run(main())
    assert len(set(server.connections)) == 2


@pytest.mark.live
def test_making_a_client_costs_no_http_library() -> None:
    code = (
        "import sys, inngest_asgi.client.inngest as module\n"
        "module.Inngest('shop')\n"
        "print(sorted({'httpx', 'websockets', 'uvicorn', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("schemas", "place"), [(["a/b"], 0), ([EventType("a/b"), dict], 1)], ids=["text", "class"]
)
def test_what_is_no_schema_is_refused(schemas: Any, place: int) -> None:
    with pytest.raises(ConfigError, match=rf"^Inngest: schemas\[{place}\] is .*EventType"):
        Inngest("shop", schemas=schemas)


def test_an_event_that_breaks_the_schemas_is_not_sent(server: EventServer) -> None:
    schemas = [EventType("a/b", dict[str, int])]
    client = Inngest("s", is_production=False, event_api_base_url=server.url, schemas=schemas)
    with pytest.raises(EventValidationError, match=r"data\.n"):
        client.send_sync(Event(name="a/b", data={"n": "one"}))
    assert server.paths == []
