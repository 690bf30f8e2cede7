"""How a worker is told to connect: what is refused, what wins over what."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.connect import ConnectOptions
from inngest_asgi.errors import ConfigError
from inngest_asgi.settings import Settings

ENDPOINT = "wss://gateway.example/v0/connect"


def settings(**environ: str) -> Settings:
    return Settings(environ=environ)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"instance_id": ""}, "instance_id", id="empty id"),
        pytest.param({"instance_id": 7}, "instance_id", id="id is no text"),
        pytest.param({"max_worker_concurrency": -1}, "max_worker_concurrency", id="negative"),
        pytest.param({"max_worker_concurrency": "4"}, "max_worker_concurrency", id="text"),
        pytest.param({"gateway_url": "https://x"}, "gateway_url is 'https://x'", id="no ws"),
        pytest.param({"gateway_url": "ws://"}, "gateway_url is 'ws://'", id="no host"),
        pytest.param({"gateway_url": "ws://x:99999"}, "gateway_url", id="no port"),
        pytest.param({"gateway_url": 3}, "gateway_url is 3", id="no text"),
        pytest.param({"rewrite_gateway_endpoint": "x"}, "takes a URL", id="no function"),
        pytest.param({"connect_timeout": -1}, "connect_timeout", id="negative duration"),
        pytest.param({"shutdown_timeout": "soon"}, "shutdown_timeout", id="no duration"),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ConnectOptions(**options)


@pytest.mark.parametrize(
    ("argument", "variable", "limit"),
    [
        pytest.param(None, None, None, id="nothing said"),
        pytest.param(None, "7", 7, id="variable"),
        pytest.param(None, "0", 0, id="variable, no limit"),
        pytest.param(3, "7", 3, id="argument wins"),
        pytest.param(0, "7", 0, id="argument, no limit"),
    ],
)
def test_the_limit(argument: int | None, variable: str | None, limit: int | None) -> None:
    environ = {} if variable is None else {"INNGEST_CONNECT_MAX_WORKER_CONCURRENCY": variable}
    assert ConnectOptions(max_worker_concurrency=argument).limit(settings(**environ)) == limit


@pytest.mark.parametrize(
    ("options", "variable", "url"),
    [
        pytest.param({}, None, ENDPOINT, id="as the server says"),
        pytest.param({"gateway_url": "ws://a"}, "ws://b", "ws://a", id="argument"),
        pytest.param({}, "ws://b", "ws://b", id="variable"),
        pytest.param(
            {"rewrite_gateway_endpoint": lambda url: url.replace("gateway", "proxy")},
            None,
            "wss://proxy.example/v0/connect",
            id="rewritten",
        ),
        pytest.param(
            {"gateway_url": "ws://a", "rewrite_gateway_endpoint": lambda _: "ws://c"},
            None,
            "ws://a",
            id="a given one is not rewritten",
        ),
    ],
)
def test_the_gateway(options: dict[str, Any], variable: str | None, url: str) -> None:
    environ = {} if variable is None else {"INNGEST_CONNECT_GATEWAY_URL": variable}
    assert ConnectOptions(**options).gateway(ENDPOINT, settings(**environ)) == url


@pytest.mark.parametrize(
    ("options", "variable", "named"),
    [
        pytest.param({}, "b", "INNGEST_CONNECT_GATEWAY_URL is 'b'", id="variable"),
        pytest.param(
            {"rewrite_gateway_endpoint": lambda _: None},
            None,
            "What rewrite_gateway_endpoint returned is None",
            id="rewritten",
        ),
    ],
)
def test_a_gateway_that_is_no_socket_is_refused_when_it_is_needed(
    options: dict[str, Any], variable: str | None, named: str
) -> None:
    environ = {} if variable is None else {"INNGEST_CONNECT_GATEWAY_URL": variable}
    with pytest.raises(ConfigError, match=named):
        ConnectOptions(**options).gateway(ENDPOINT, settings(**environ))


def test_durations_are_read() -> None:
    options = ConnectOptions(connect_timeout="2s", shutdown_timeout=1_500)
    assert (options.startup_seconds, options.shutdown_seconds) == (2.0, 1.5)


def test_a_worker_may_take_its_time_to_stop() -> None:
    assert ConnectOptions().shutdown_seconds is None


# What the environment says.


@pytest.mark.parametrize(
    ("value", "connects"),
    [("", False), ("0", False), ("false", False), ("1", True), ("true", True)],
)
def test_whether_an_application_connects(value: str, connects: bool) -> None:  # noqa: FBT001
    assert settings(INNGEST_CONNECT=value).connect is connects


def test_nothing_connects_by_itself() -> None:
    assert settings().connect is False
    assert settings().connect_gateway_url is None


@pytest.mark.parametrize(("value", "limit"), [("0", 0), ("12", 12), (" 3 ", 3), ("", None)])
def test_the_limit_of_a_worker(value: str, limit: int | None) -> None:
    told = settings(INNGEST_CONNECT_MAX_WORKER_CONCURRENCY=value)
    assert told.connect_max_worker_concurrency == limit


@pytest.mark.parametrize("value", ["many", "-1", "1.5", "00"])
def test_a_limit_that_is_no_number_is_refused(value: str) -> None:
    told = settings(INNGEST_CONNECT_MAX_WORKER_CONCURRENCY=value)
    with pytest.raises(ConfigError, match="INNGEST_CONNECT_MAX_WORKER_CONCURRENCY"):
        _ = told.connect_max_worker_concurrency


def test_gunicorn_runs_several_processes() -> None:
    assert settings(SERVER_SOFTWARE="gunicorn/23.0").is_one_of_several
    assert not settings(SERVER_SOFTWARE="uvicorn").is_one_of_several
