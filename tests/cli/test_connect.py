"""`inngest-asgi connect`: what it runs, and what probes are told."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from inngest_asgi.cli.commands import commands
from inngest_asgi.cli.connect import Probes, _worker
from inngest_asgi.cli.loading import load_object
from inngest_asgi.connect import ConnectionState
from tests.routes.asking import Answer, asked, started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inngest_asgi.connect import Worker
    from tests.cli.conftest import Project

SHOP = """
import inngest_asgi as inngest
from inngest_asgi.connect import ConnectOptions
client = inngest.Inngest("shop", is_production=False, api_base_url="http://127.0.0.1:9")
@client.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="x"))
async def pay(ctx): ...
@client.create_function(fn_id="ship", trigger=inngest.TriggerEvent(event="x"))
async def ship(ctx): ...
some = inngest.serve(client, [ship])
told = inngest.serve(client, connect=ConnectOptions(instance_id="told", shutdown_timeout="5s"))
locked = inngest.Inngest("locked", is_production=True, api_base_url="http://127.0.0.1:9")
locked.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="x"))(pay.handler)
"""


@pytest.fixture(autouse=True)
def _levels() -> Iterator[None]:
    """Undo what the command does to the logs of its process."""
    loggers = [logging.getLogger(name) for name in (None, "httpx", "websockets")]
    before = [one.level for one in loggers]
    handlers = list(loggers[0].handlers)
    yield
    for one, level in zip(loggers, before, strict=True):
        one.setLevel(level)
    loggers[0].handlers[:] = handlers


def worker_of(project: Project, name: str, **given: Any) -> Worker:
    project.write("shop.py", SHOP)
    return _worker(load_object(f"shop:{name}"), f"shop:{name}", given)


@pytest.mark.parametrize(
    ("name", "functions"),
    [("client", ["pay", "ship"]), ("some", ["ship"]), ("told", ["pay", "ship"])],
)
def test_it_runs_what_the_application_has(
    name: str, functions: list[str], project: Project
) -> None:
    (runtime,) = worker_of(project, name)._runtimes
    assert [one.local_id for one in runtime.index.functions] == functions


def test_options_of_the_application_count(project: Project) -> None:
    options = worker_of(project, "told")._options
    assert (options.instance_id, options.shutdown_seconds) == ("told", 5.0)


@pytest.mark.parametrize("name", ["told", "client"])
def test_those_of_the_command_count_more(name: str, project: Project) -> None:
    options = worker_of(project, name, instance_id="mine", max_worker_concurrency=0)._options
    assert (options.instance_id, options.max_worker_concurrency) == ("mine", 0)


def test_what_is_no_application_gets_a_sentence(project: Project) -> None:
    with pytest.raises(click.ClickException, match="name what inngest"):
        worker_of(project, "pay")


@pytest.mark.parametrize("options", [[], ["--health-port", "0"]], ids=["alone", "probed"])
def test_a_worker_that_cannot_start_is_one_sentence_and_a_code(
    options: list[str], project: Project
) -> None:
    project.write("shop.py", SHOP)
    done = CliRunner().invoke(commands, ["connect", "shop:locked", *options])
    assert done.exit_code == 1
    assert "Error: A worker in cloud mode needs a signing key" in done.output


def probed(worker: Worker, path: str) -> Answer:
    return asked(Probes(worker), path=path)


@pytest.mark.parametrize("path", ["/ready", "/health/ready"])
def test_a_worker_is_ready_once_it_is_connected(path: str, project: Project) -> None:
    worker = worker_of(project, "client")
    answer = probed(worker, path)
    assert (answer.status, answer.document["ready"]) == (503, False)
    assert answer.document["state"] == "CONNECTING"
    worker._board.enter(ConnectionState.ACTIVE)
    answer = probed(worker, path)
    assert (answer.status, answer.document["ready"]) == (200, True)
    assert answer.document["counters"]["requests"] == 0


def test_a_worker_is_live_unless_it_has_failed(project: Project) -> None:
    worker = worker_of(project, "client")
    answer = probed(worker, "/health/live")
    assert (answer.status, answer.document["live"]) == (200, True)
    worker._board.broken = True
    answer = probed(worker, "/health/live")
    assert (answer.status, answer.document["live"]) == (503, False)


def test_other_paths_are_not_there(project: Project) -> None:
    assert probed(worker_of(project, "client"), "/").status == 404


def test_a_websocket_is_not_answered(project: Project) -> None:
    async def send(message: object) -> None:
        pytest.fail("nothing is to be sent")

    probes = Probes(worker_of(project, "client"))
    asyncio.run(probes({"type": "websocket", "path": "/"}, None, send))


def test_the_probes_have_a_lifespan(project: Project) -> None:
    async def run() -> None:
        async with started(Probes(worker_of(project, "client"))):
            pass

    asyncio.run(run())
