"""Workers on the official Python SDK, connected to the embedded server's gateway."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from inngest_asgi.dev import DevOptions
from tests.house.source import ROOT
from tests.live.browsing import Stage, server_at
from tests.live.servers import wait_until
from tests.live.test_peer_python import PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="`make test` makes .venv-incumbent, with the official SDK"
    ),
]

WORKER = ROOT / "tests" / "live" / "apps" / "peer_worker.py"


@contextmanager
def worker(url: str, instance: str, *, seconds: float = 0.0) -> Iterator[subprocess.Popen[str]]:
    """Run a worker, which is there once this returns."""
    command = [str(PYTHON), str(WORKER), url, instance, str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: instance in instances(url))
            yield process
        finally:
            process.kill()


def instances(url: str) -> list[str]:
    listed = httpx.get(f"{url}/v0/connect/envs/dev/conns").json()["data"]
    return [one["instance_id"] for one in listed]


def test_a_run_goes_over_the_socket() -> None:
    with (
        server_at(DevOptions(poll_interval=0, gateway_port=0)) as url,
        worker(url, "peer-1"),
    ):
        stage = Stage(url)
        run = stage.run(stage.finished(stage.send("peer/steps")))
        (app,) = httpx.get(f"{url}/v2/apps").json()["data"]
    assert (run["status"], run["output"]) == ("Completed", ["peer-1", 0])
    assert (app["method"], app["functionCount"]) == ("CONNECT", 1)


def test_a_worker_that_is_killed_in_a_step_has_it_done_by_another() -> None:
    quick = DevOptions(
        poll_interval=0, gateway_port=0, extend_lease_interval=1.0, retry_interval=1.0
    )
    with server_at(quick) as url:
        stage = Stage(url)
        with worker(url, "doomed", seconds=60) as doomed:
            event_id = stage.send("peer/steps")
            assert doomed.stdout is not None
            assert doomed.stdout.readline() == "doomed works\n"
        with worker(url, "spare"):
            run_id = stage.run_of(event_id)
            log = f"{url}/ui/runs/{run_id}"
            wait_until(lambda: "stopped responding" in httpx.get(log).text)
            run = stage.run(stage.finished(event_id))
    assert (run["status"], run["output"][0]) == ("Completed", "spare")
