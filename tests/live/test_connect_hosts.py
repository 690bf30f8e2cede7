"""Workers in processes of their own: under each host, from the command line, and after a fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.house.source import ROOT
from tests.live.commands import Command
from tests.live.gateway import Gateway
from tests.live.servers import server_process, wait_until
from tests.live.test_app_stopping import CLEANLY, complaints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.live

APPS = "tests.live.apps.connected"
READY = "/api/inngest/health/ready"

FORKING = """
import asyncio, os, sys
from tests.live.apps.connected import client
from inngest_asgi.connect import connect
worker = connect([client], instance_id=None)
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
asyncio.run(worker.start())
"""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as started:
        yield started


@pytest.mark.parametrize(
    ("target", "ready", "framework"),
    [
        (f"{APPS}:inngest_app", "/health/ready", "asgi"),
        (f"{APPS}:attached_app", READY, "fastapi"),
        (f"{APPS}:lifespan_app", READY, "asgi"),
        (f"{APPS}_django:app", READY, "django"),
    ],
    ids=["alone", "attached", "lifespan", "django"],
)
def test_the_host_starts_the_worker_and_drains_it(
    target: str, ready: str, framework: str, gateway: Gateway
) -> None:
    with server_process(target, INNGEST_DEV=gateway.url) as server:
        told = httpx.get(f"{server.url}{ready}")
        assert (told.status_code, told.json()["connect"]["state"]) == (200, "ACTIVE")
        sent = [gateway.send("slow"), gateway.send("blocking")]
        wait_until(lambda: len(gateway.acks) == 2)
        inspected = httpx.get(f"{server.url}/api/inngest/")
        assert inspected.headers["x-inngest-framework"] == framework
        assert (httpx.get(f"{server.url}/").text == "this is Django") is (framework == "django")
        code = server.terminate()
    assert code in CLEANLY
    assert [gateway.answer(one) for one in sent] == ["slow", "blocking"]
    assert complaints(server) == []
    assert [peer.paused for peer in gateway.peers] == [True]


def test_a_gateway_that_is_away_does_not_keep_the_host_from_starting() -> None:
    with server_process(f"{APPS}:inngest_app") as server:
        told = httpx.get(f"{server.url}/health/ready")
        assert told.status_code == 503
        assert "the worker is CONNECTING: No answer from" in told.json()["problems"][0]
        assert httpx.get(f"{server.url}/health/live").status_code == 200
        assert server.terminate() in CLEANLY


def test_a_lifespan_that_is_forgotten_is_told_of(gateway: Gateway) -> None:
    with server_process(f"{APPS}:forgotten_app", INNGEST_DEV=gateway.url) as server:
        told = httpx.get(f"{server.url}{READY}")
        assert server.terminate() in CLEANLY
    assert told.status_code == 503
    assert "did not run this application's lifespan" in told.json()["problems"][0]
    assert sum("did not run this application's lifespan" in line for line in server.said) == 1


def test_what_is_configured_wrongly_keeps_the_host_from_starting() -> None:
    environ = os.environ | {
        "INNGEST_DEV": "http://127.0.0.1:9",
        "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY": "many",
    }
    command = [sys.executable, "-m", "uvicorn", f"{APPS}:inngest_app", "--port", "0"]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode != 0
    assert "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY is 'many'" in done.stderr


def test_processes_of_one_server_are_told_apart(gateway: Gateway) -> None:
    command = [sys.executable, "-m", "uvicorn", f"{APPS}:inngest_app", "--port", "0"]
    environ = os.environ | {"INNGEST_DEV": gateway.url, "HOSTNAME": "web"}
    process = subprocess.Popen(
        [*command, "--workers", "2"], cwd=ROOT, env=environ, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: len(gateway.ready) == 2)
        names = {one.role.worker.instance_id for one in gateway.ready if one.role.worker}
    finally:
        process.terminate()
        process.wait(10)
    assert len(names) == 2
    assert all(name.startswith("web-") for name in names)


def test_a_fork_after_the_import_is_safe(gateway: Gateway) -> None:
    environ = os.environ | {"INNGEST_DEV": gateway.url}
    with subprocess.Popen([sys.executable, "-c", FORKING], cwd=ROOT, env=environ) as parent:
        peer = gateway.wait_for_worker()
        assert gateway.answer(gateway.send("slow")) == "slow"
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(parent.pid)], capture_output=True, check=True
        )
        os.kill(int(children.stdout), signal.SIGTERM)
        assert parent.wait(10) == 0
    assert peer.paused


# The command.


def connected(gateway: Gateway, folder: Path, *arguments: str) -> Command:
    return Command("connect", *arguments, folder=folder, INNGEST_DEV=gateway.url)


def test_the_command_drains_at_the_first_signal(gateway: Gateway, tmp_path: Path) -> None:
    target = f"{APPS}:inngest_app"
    options = ("--health-port", "0", "--instance-id", "i-1", "--max-worker-concurrency", "7")
    with connected(gateway, tmp_path, target, *options) as command:
        worker = gateway.wait_for_worker().role.worker
        assert worker is not None
        assert (worker.instance_id, worker.max_worker_concurrency) == ("i-1", 7)
        command.wait_for("Probes are answered on port ")
        probes = f"http://127.0.0.1:{command.output.partition('on port ')[2].split()[0]}"
        assert httpx.get(f"{probes}/ready").json()["state"] == "ACTIVE"
        sent = [gateway.send("slow"), gateway.send("blocking")]
        wait_until(lambda: len(gateway.acks) == 2)
        command.send(signal.SIGTERM)
        wait_until(lambda: gateway.peers[0].paused)
        assert httpx.get(f"{probes}/health/ready").status_code == 503
        assert httpx.get(f"{probes}/health/live").status_code == 200
        assert command.ended() == 0
    assert [gateway.answer(one) for one in sent] == ["slow", "blocking"]


def test_the_second_signal_ends_it_at_once(gateway: Gateway, tmp_path: Path) -> None:
    with connected(gateway, tmp_path, f"{APPS}:client") as command:
        gateway.send("slow")
        wait_until(lambda: len(gateway.acks) == 1)
        command.send(signal.SIGINT)
        wait_until(lambda: gateway.peers[0].paused)
        command.send(signal.SIGINT)
        assert command.ended() == -signal.SIGINT
    assert gateway.replies == {}
