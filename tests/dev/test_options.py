"""What a server is told about its gateway; other options are tested where they matter."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev import DevOptions
from inngest_asgi.errors import ConfigError


@pytest.mark.parametrize("port", [None, 0, 8289, 65_535])
def test_a_gateway_has_a_port_or_there_is_none(port: int | None) -> None:
    assert DevOptions(gateway_port=port).gateway_port == port


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"gateway_port": -1}, "gateway_port is -1"),
        ({"gateway_port": 65_536}, "gateway_port is 65536"),
        ({"heartbeat_interval": 0}, "heartbeat_interval"),
        ({"extend_lease_interval": -1.0}, "extend_lease_interval"),
    ],
    ids=["negative-port", "no-such-port", "no-heartbeat", "no-lease"],
)
def test_what_no_gateway_can_work_with_is_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        DevOptions(**options)
