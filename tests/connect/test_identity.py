"""How a worker introduces itself, and what it is called."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.connect import ConnectOptions
from inngest_asgi.connect.identity import instance_id, introduction
from inngest_asgi.settings import Settings
from inngest_asgi.testing import ManualClock
from inngest_asgi.version import VERSION
from tests.connect.test_apps import client_of, runtimes
from tests.routes.asking import NOW

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import WorkerConnect


def introduced(*, options: ConnectOptions | None = None, **client: Any) -> WorkerConnect:
    found = runtimes([client_of(**client)])
    return introduction(found, options or ConnectOptions(), ManualClock(NOW), hosted=False)


def test_who_the_worker_is() -> None:
    worker = introduced(env="blue", app_version="v7")
    assert worker.framework == "connect"
    assert (worker.sdk_language, worker.sdk_version) == ("py", f"v{VERSION}")
    assert (worker.environment, worker.apps[0].app_version) == ("blue", "v7")
    assert json.loads(worker.capabilities) == {"connect": "v1", "trust_probe": "v1"}
    assert worker.started_at == datetime.fromtimestamp(NOW, UTC)
    assert worker.worker_manual_readiness_ack is True


def test_the_machine_is_described() -> None:
    attributes = introduced().system_attributes
    assert attributes is not None
    assert attributes.cpu_cores >= 1
    assert attributes.mem_bytes > 1_000_000
    assert attributes.os


def test_a_machine_that_does_not_tell_its_memory_is_no_obstacle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sysconf")
    attributes = introduced().system_attributes
    assert attributes is not None
    assert attributes.mem_bytes == 0


def test_functions_are_registered_as_ones_of_a_connection() -> None:
    (app,) = introduced().apps
    pay, ship = json.loads(app.functions)
    assert (app.app_name, pay["id"], ship["id"]) == ("shop", "shop-pay", "shop-ship")
    assert pay["steps"]["step"]["runtime"] == {
        "type": "ws",
        "url": "wss://connect?fnId=shop-pay&stepId=step",
    }


def test_the_limit_is_told() -> None:
    options = ConnectOptions(max_worker_concurrency=3)
    assert introduced(options=options).max_worker_concurrency == 3


def settings(**environ: str) -> Settings:
    return Settings(environ=environ)


HERE = socket.gethostname()


@pytest.mark.parametrize(
    ("told", "environ", "name"),
    [
        pytest.param("mine", {"HOSTNAME": "pod"}, "mine", id="argument"),
        pytest.param(
            None,
            {"RENDER_INSTANCE_ID": "r", "FLY_MACHINE_ID": "f", "HOSTNAME": "h"},
            "r",
            id="Render",
        ),
        pytest.param(None, {"FLY_MACHINE_ID": "f", "HOSTNAME": "h"}, "f", id="Fly"),
        pytest.param(None, {"HOSTNAME": "h"}, "h", id="variable"),
        pytest.param(None, {}, HERE, id="host"),
    ],
)
def test_the_instance_is_called(told: str | None, environ: dict[str, str], name: str) -> None:
    assert instance_id(told, settings(**environ), hosted=False) == name
    assert instance_id(told, settings(**environ), hosted=True) == name


@pytest.mark.parametrize(
    ("told", "hosted", "name"),
    [
        pytest.param(None, False, f"pod-{os.getpid()}", id="alone"),
        pytest.param(None, True, f"pod-{os.getpid()}", id="hosted"),
        pytest.param("mine", True, f"mine-{os.getpid()}", id="told, hosted"),
        pytest.param("mine", False, "mine", id="told, alone"),
    ],
)
@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"])
def test_one_of_several_processes_adds_its_number(
    server: str,
    told: str | None,
    hosted: bool,  # noqa: FBT001
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environ = {"HOSTNAME": "pod"}
    if server == "gunicorn":
        environ["SERVER_SOFTWARE"] = "gunicorn/23.0"
    else:
        monkeypatch.setattr(multiprocessing, "parent_process", lambda: object())
    assert instance_id(told, settings(**environ), hosted=hosted) == name
