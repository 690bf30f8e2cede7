"""The application as a whole: what it answers where, what `serve` takes, its lifespan."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from tests.routes.asking import (
    ORDERED,
    Api,
    app_of,
    asked,
    called,
    cloud_client,
    dev_client,
    started,
)

if TYPE_CHECKING:
    from starlette.types import Message


@pytest.mark.parametrize("path", ["", "/", "/api/inngest", "/api/inngest/"])
def test_the_endpoint_answers_at_its_path_and_at_the_root(path: str) -> None:
    answer = asked(app_of(dev_client()), "GET", path)
    assert answer.status == 200
    assert answer.headers["x-inngest-sdk"].startswith("inngest-asgi:v")


@pytest.mark.parametrize(
    "path", ["/other", "/api", "/api/inngest/more", "/api/inngestx", "/x/api/inngest", "/health"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "HEAD"])
def test_any_other_path_is_a_404_that_does_not_name_us(method: str, path: str) -> None:
    answer = asked(app_of(dev_client()), method, path)
    assert answer.status == 404
    assert answer.code == "not_found"
    assert not [name for name in answer.headers if name.startswith("x-inngest")]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/hook", 200), ("/hook/", 200), ("/", 200), ("/api/inngest", 404)],
)
def test_it_answers_at_the_serve_path_instead(path: str, status: int) -> None:
    assert asked(app_of(dev_client(), serve_path="/hook"), "GET", path).status == status


@pytest.mark.parametrize("value", ["/hook", "hook", "/hook/", " /hook "])
def test_the_serve_path_can_come_from_the_environment(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_SERVE_PATH", value)
    assert asked(app_of(dev_client()), "GET", "/hook").status == 200


def test_the_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_SERVE_PATH", "/elsewhere")
    app = app_of(dev_client(), serve_path="/hook")
    assert app.serve_path == "/hook"
    assert asked(app, "GET", "/elsewhere").status == 404


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "HEAD", "OPTIONS", "get", "BREW"])
def test_a_method_that_is_not_supported_is_refused_by_name(method: str) -> None:
    answer = asked(app_of(dev_client()), method)
    assert answer.status == 405
    assert answer.code == "method_not_allowed"
    assert answer.headers["allow"] == "GET, PUT, POST"
    assert method in answer.document["message"]


def test_strangers_in_cloud_mode_learn_nothing_from_a_wrong_method() -> None:
    answer = asked(app_of(cloud_client()), "DELETE")
    assert answer.status == 405
    assert answer.document.keys() == {"code", "message"}
    assert "x-inngest-sdk" not in answer.headers


def test_a_websocket_is_closed() -> None:
    sent: list[Message] = []

    async def connect() -> None:
        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "websocket", "path": "/api/inngest", "headers": []}
        await app_of(dev_client())(scope, receive, send)

    asyncio.run(connect())
    assert sent == [{"type": "websocket.close", "code": 1000}]


def test_a_host_can_be_named_at_any_time() -> None:
    api = Api()
    app = app_of(dev_client(api))
    assert asked(app, "GET").headers["x-inngest-framework"] == app.framework == "asgi"
    app.framework = "django"
    answer = asked(
        app, "PUT", headers={"x-inngest-sync-kind": "in_band"}, body=b'{"url":"http://a"}'
    )
    assert answer.headers["x-inngest-framework"] == "django"
    assert answer.document["framework"] == "django"
    assert answer.document["inspection"]["framework"] == "django"
    asked(app, "PUT")
    assert json.loads(api.request.content)["framework"] == "django"
    assert api.request.headers["x-inngest-framework"] == "django"


def test_functions_declared_after_serve_are_served_too() -> None:
    client = dev_client()
    app = inngest.serve(client)

    @client.create_function(fn_id="late", trigger=ORDERED)
    async def late(ctx: inngest.Context) -> str:
        return "here"

    assert called(app, fn_id="shop-late").document == "here"


def test_only_the_functions_that_are_listed_are_served() -> None:
    client = dev_client()

    @client.create_function(fn_id="one", trigger=ORDERED)
    async def one(ctx: inngest.Context) -> int:
        return 1

    @client.create_function(fn_id="two", trigger=ORDERED)
    async def two(ctx: inngest.Context) -> int:
        return 2

    app = inngest.serve(client, [two])
    assert called(app, fn_id="shop-two").document == 2
    assert called(app, fn_id="shop-one").code == "function_not_found"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"serve_path": "hook"}, "start with a slash", id="path"),
        pytest.param({"serve_path": ""}, "start with a slash", id="empty-path"),
        pytest.param({"public_path": "pub"}, "public_path", id="public-path"),
        pytest.param({"streaming": "force"}, "Streaming.FORCE", id="streaming"),
        pytest.param({"streaming": 1}, "Streaming.FORCE", id="streaming-as-number"),
        pytest.param({"serve_origin": "app.example"}, "serve_origin", id="origin"),
        pytest.param({"max_body_bytes": 0}, "max_body_bytes", id="limit"),
        pytest.param({"max_body_bytes": "1MB"}, "max_body_bytes", id="limit-as-text"),
        pytest.param({"executor": 0}, "executor", id="no-executor"),
        pytest.param({"client": []}, r"client is \[\]; pass Inngest", id="no-client"),
        pytest.param({"functions": []}, "no functions to serve", id="no-functions"),
        pytest.param({"functions": [print]}, "as a function", id="not-a-function"),
    ],
)
def test_a_wrong_argument_is_refused_with_a_sentence(options: dict[str, Any], said: str) -> None:
    with pytest.raises(inngest.ConfigError, match=said):
        inngest.serve(**({"client": dev_client()} | options))


def test_a_function_that_is_not_in_a_list_is_refused() -> None:
    client = dev_client()
    app_of(client)
    with pytest.raises(inngest.ConfigError, match=r"<Function shop-pay> where a list belongs"):
        inngest.serve(client, client.functions[0])  # type: ignore[arg-type]


def test_a_function_of_another_client_is_refused() -> None:
    other = inngest.Inngest("bank", is_production=False)

    @other.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> None: ...

    with pytest.raises(inngest.ConfigError, match="bank"):
        inngest.serve(dev_client(), [pay])


def test_its_repr_shows_no_key() -> None:
    assert repr(app_of(cloud_client())) == "<InngestApp of <Inngest 'shop'>>"


def test_it_speaks_the_lifespan_of_servers() -> None:
    async def run() -> str:
        app = app_of(dev_client())
        async with started(app):
            pass
        return "ended"

    assert asyncio.run(run()) == "ended"


def test_its_lifespan_can_be_given_to_a_host() -> None:
    async def run() -> None:
        async with app_of(dev_client()).lifespan(object()) as state:
            assert state is None

    asyncio.run(run())


def test_an_executor_of_processes_is_refused_when_it_is_given() -> None:
    with (
        ProcessPoolExecutor(1) as executor,
        pytest.raises(inngest.ConfigError, match="ProcessPoolExecutor; blocking"),
    ):
        inngest.serve(dev_client(), executor=executor)


def test_an_executor_of_the_users_is_used_and_left_open() -> None:
    client = dev_client()

    @client.create_function(fn_id="pay", trigger=ORDERED)
    def pay(ctx: inngest.ContextSync) -> str:
        import threading

        return threading.current_thread().name

    with ThreadPoolExecutor(1, thread_name_prefix="mine") as executor:
        app = app_of(client, executor=executor)

        async def run() -> None:
            async with started(app):
                pass

        asyncio.run(run())
        assert called(app).document == "mine_0"
