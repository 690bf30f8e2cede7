"""A worker on the official Python SDK, which `inngest-asgi dev` reaches over its socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.live.commands import free_ports
from tests.live.peers import driving, is_there, running
from tests.live.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.peers import Peer

pytestmark = [pytest.mark.live, is_there]

OUTPUTS: dict[str, Any] = {
    "sequence": [1, 2, None],
    "blocking": ["first", "left", "right"],
    "parallel": ["left", None, "right", "after"],
    "flaky": 1,
    "later": 1,
    "compensates": ["ValueError", "declined", "refunded"],
    "large": 5_000_000,
}


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    (port,) = free_ports(1)
    about = {"INNGEST_DEV": f"http://127.0.0.1:{port}", "ORIGIN": ""}
    with (
        driving(port, folder=tmp_path) as (peer, _),
        running("-m", "tests.live.apps.peer_python_worker", **about),
    ):
        wait_until(lambda: peer.http.get("/v1/apps/peer/functions").is_success)
        yield peer


def test_functions_run_on_a_worker(peer: Peer) -> None:
    event_ids = [peer.send(name)[0] for name in OUTPUTS]
    runs = peer.ended(*event_ids)
    assert dict(zip(OUTPUTS, [run.get("output") for run in runs], strict=True)) == OUTPUTS
