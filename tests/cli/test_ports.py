"""Which port workers connect to."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from inngest_asgi.cli.ports import gateway_port

LOCAL = "127.0.0.1"


def free() -> int:
    with closing(socket.create_server((LOCAL, 0))) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("asked", [0, 4000], ids=["any", "one"])
def test_a_port_that_was_asked_for_is_taken(asked: int) -> None:
    assert gateway_port(asked, port=8288, app_port=8000, host=LOCAL) == asked


def test_the_port_is_next_to_the_servers() -> None:
    port = free()
    assert gateway_port(None, port=port - 1, app_port=8000, host=LOCAL) == port


def test_any_port_will_do_where_the_next_one_is_taken() -> None:
    with closing(socket.create_server((LOCAL, 0))) as taken:
        port = taken.getsockname()[1]
        assert gateway_port(None, port=port - 1, app_port=8000, host=LOCAL) == 0


@pytest.mark.parametrize(
    ("port", "app_port"),
    [(0, 8000), (7999, 8000), (65_535, 8000)],
    ids=["any-port", "the-application-is-next", "no-next-one"],
)
def test_any_port_will_do_where_the_next_one_is_not_to_be_had(port: int, app_port: int) -> None:
    assert gateway_port(None, port=port, app_port=app_port, host=LOCAL) == 0
