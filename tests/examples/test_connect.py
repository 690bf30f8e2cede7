"""The example of a worker beside HTTP, and its manifest for Kubernetes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from examples import connect
from inngest_asgi.cli.commands import commands
from inngest_asgi.cli.connect import Probes
from inngest_asgi.connect import worker as connect_worker
from inngest_asgi.connect.options import ConnectOptions
from tests.house.source import ROOT
from tests.routes.asking import asked

MANIFEST = ROOT / "examples" / "kubernetes" / "connect.yaml"


def manifest() -> Any:
    """Read the manifest; the parser comes with uvicorn's extras."""
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(Path(MANIFEST).read_text(encoding="utf-8"))


def test_it_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_DEV", "1")
    assert connect.inngest_app.connect_options == ConnectOptions()


def test_its_steps_are_plain_functions() -> None:
    assert asyncio.run(connect.tell("holiday.webm")) == "holiday.webm is there"


def test_the_manifest_runs_a_command_that_there_is() -> None:
    pod = manifest()["spec"]["template"]["spec"]
    program, command, *arguments = pod["containers"][0]["command"]
    assert program == "inngest-asgi"
    context = commands.commands[command].make_context(command, list(arguments))
    assert context.params["target"] == "examples.connect:inngest_app"
    assert context.params["health_port"] == pod["containers"][0]["ports"][0]["containerPort"]


@pytest.mark.parametrize("probe", ["readinessProbe", "livenessProbe"])
def test_the_manifest_asks_for_paths_that_there_are(probe: str) -> None:
    container = manifest()["spec"]["template"]["spec"]["containers"][0]
    worker = connect_worker.worker_of([connect.client], ConnectOptions())
    answer = asked(Probes(worker), path=container[probe]["httpGet"]["path"])
    assert answer.status in (200, 503)
