"""`client.runs`: what is asked of the API, and what its answers mean."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from inngest_asgi.errors import ApiError, ConfigError, RunFailedError
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.runs import Run, RunStatus
from tests.client.routed import client, enveloped, refused, router
from tests.client.scripted import BEARER, FALLBACK_BEARER, FALLBACK_KEY, SkippingClock

if TYPE_CHECKING:
    import respx


RUN_ID = "01JX1"
RUN = "/v1/runs/01JX1"
ERROR = {"name": "CardError", "message": "declined", "stack": "Traceback"}


@pytest.fixture
def api() -> respx.MockRouter:
    return router()


def run_record(status: str = "Completed", **fields: Any) -> dict[str, Any]:
    return {"run_id": RUN_ID, "status": status} | fields


def got(api: respx.MockRouter) -> Run:
    return asyncio.run(client(api).runs.get(RUN_ID))


def output(api: respx.MockRouter) -> Any:
    return asyncio.run(client(api).runs.output(RUN_ID))


# One question.


def test_a_run_is_looked_up(api: respx.MockRouter) -> None:
    route = api.get(RUN).mock(enveloped(run_record(output={"ok": True})))
    run = got(api)
    assert (run.id, run.status, run.output) == (RUN_ID, RunStatus.COMPLETED, {"ok": True})
    assert route.calls.last.request.headers["authorization"] == BEARER


def test_an_id_is_quoted(api: respx.MockRouter) -> None:
    route = api.get(url__regex=".*").mock(enveloped(run_record()))
    asyncio.run(client(api).runs.get("a/b?c"))
    assert route.calls.last.request.url.raw_path == b"/v1/runs/a%2Fb%3Fc"


@pytest.mark.parametrize("run_id", ["", " ", None, 5], ids=repr)
def test_what_is_no_id_is_refused(api: respx.MockRouter, run_id: Any) -> None:
    with pytest.raises(ConfigError, match=r"^runs: the id of the run is"):
        asyncio.run(client(api).runs.get(run_id))


def test_the_fallback_key_is_tried(api: respx.MockRouter) -> None:
    route = api.get(RUN).mock(side_effect=[refused(401, "no"), enveloped(run_record())])
    asyncio.run(client(api, signing_key_fallback=FALLBACK_KEY).runs.get(RUN_ID))
    assert route.calls.last.request.headers["authorization"] == FALLBACK_BEARER


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(
            refused(404, "Run not found"),
            "Run '01JX1' could not be looked up, most likely there is no such run: "
            "http://127.0.0.1:8288 answered 404; it says: Run not found.",
            id="unknown",
        ),
        pytest.param(
            refused(410, "gone"),
            "most likely there is no such run: .* 410; it says: gone",
            id="gone",
        ),
        pytest.param(
            refused(500, "Unable to load run"), "most likely there is no such run: .* 500", id="500"
        ),
        pytest.param(
            refused(400, "Invalid run ID: x"), "400; it says: Invalid run ID: x", id="400"
        ),
        pytest.param(
            httpx.Response(401, text="Authentication failed"),
            "answered 401, so it does not take the signing key; check INNGEST_SIGNING_KEY",
            id="key",
        ),
        pytest.param(httpx.Response(503, text="x" * 9000), r"answered 503\.$", id="down"),
    ],
)
def test_a_refusal_says_why(api: respx.MockRouter, answer: httpx.Response, said: str) -> None:
    api.get(RUN).mock(answer)
    with pytest.raises(ApiError, match=said) as raised:
        got(api)
    assert raised.value.status == answer.status_code


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(200, text="<html>"), id="page"),
        pytest.param(httpx.Response(200, json=[]), id="list"),
        pytest.param(httpx.Response(200, json={}), id="no-envelope"),
        pytest.param(enveloped(None), id="null"),
        pytest.param(enveloped({"status": "Running"}), id="no-id"),
    ],
)
def test_an_answer_that_is_no_run(api: respx.MockRouter, answer: httpx.Response) -> None:
    api.get(RUN).mock(answer)
    with pytest.raises(ApiError, match=r"^Run '01JX1' could not be looked up: "):
        got(api)


def test_failures_that_pass_are_tried_again(api: respx.MockRouter) -> None:
    passing: list[Any] = [httpx.ConnectError("down"), refused(503, "busy"), enveloped(run_record())]
    route = api.get(RUN).mock(side_effect=passing)
    got(api)
    assert route.call_count == 3


def test_no_answer_says_what_to_do(api: respx.MockRouter) -> None:
    api.get(RUN).mock(side_effect=httpx.ConnectError("down"))
    with pytest.raises(ApiError, match=r"No answer from .* `inngest-asgi dev`") as raised:
        got(api)
    assert raised.value.status is None


# The runs of an event.


@pytest.mark.parametrize(
    ("data", "ids"),
    [
        pytest.param([run_record(), run_record(run_id="01JX2")], ["01JX1", "01JX2"], id="two"),
        pytest.param([], [], id="none"),
        pytest.param(None, [], id="null"),
    ],
)
def test_the_runs_of_an_event(api: respx.MockRouter, data: Any, ids: list[str]) -> None:
    api.get("/v1/events/01JX0/runs").mock(enveloped(data))
    runs = asyncio.run(client(api).runs.for_event("01JX0"))
    assert [run.id for run in runs] == ids


@pytest.mark.parametrize("data", [{}, [None], "x"], ids=["object", "list-of-null", "text"])
def test_an_answer_that_is_no_list_of_runs(api: respx.MockRouter, data: Any) -> None:
    api.get("/v1/events/01JX0/runs").mock(enveloped(data))
    with pytest.raises(ApiError, match=r"^The runs of event '01JX0' could not be looked up: "):
        asyncio.run(client(api).runs.for_event("01JX0"))


# The output.


def test_the_output_of_a_completed_run(api: respx.MockRouter) -> None:
    api.get(RUN).mock(enveloped(run_record(output=[1, None])))
    assert output(api) == [1, None]


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Skipped", "Overflowed"])
def test_a_run_without_an_output_raises_its_error(api: respx.MockRouter, status: str) -> None:
    api.get(RUN).mock(enveloped(run_record(status, output=ERROR)))
    with pytest.raises(
        RunFailedError, match=f"'01JX1' ended as {status}: CardError: decl"
    ) as raised:
        output(api)
    error = raised.value
    assert (error.run_id, error.status, error.name) == (RUN_ID, status, "CardError")
    assert (error.message, error.stack) == ("declined", "Traceback")


def test_a_cancelled_run_has_no_error(api: respx.MockRouter) -> None:
    api.get(RUN).mock(enveloped(run_record("Cancelled")))
    with pytest.raises(RunFailedError, match="ended as Cancelled: Error: no more is known"):
        output(api)


@pytest.mark.parametrize("status", ["Running", "Scheduled", "Unknown"])
def test_a_run_that_goes_on_has_no_output_yet(api: respx.MockRouter, status: str) -> None:
    api.get(RUN).mock(enveloped(run_record(status)))
    with pytest.raises(ApiError, match=r"has not ended; wait for it with runs\.wait"):
        output(api)


# Cancelling.


def test_a_run_is_cancelled(api: respx.MockRouter) -> None:
    route = api.delete(RUN).mock(httpx.Response(200))
    asyncio.run(client(api).runs.cancel(RUN_ID))
    assert route.call_count == 1


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_a_run_that_is_not_cancelled(api: respx.MockRouter, status: int) -> None:
    api.delete(RUN).mock(refused(status, "no"))
    with pytest.raises(ApiError, match=f"'01JX1' was not cancelled: .* {status}; it says: no"):
        asyncio.run(client(api).runs.cancel(RUN_ID))


# Waiting.


def states(*names: str) -> list[httpx.Response]:
    return [enveloped(run_record(name)) for name in names]


def test_a_run_is_waited_for(api: respx.MockRouter) -> None:
    clock = SkippingClock()
    api.get(RUN).mock(side_effect=states("Scheduled", "Running", "Failed"))
    run = asyncio.run(client(api, clock).runs.wait(RUN_ID))
    assert (run.status, clock.slept) == (RunStatus.FAILED, [0.25, 0.375])


def test_a_run_that_has_ended_needs_no_wait(api: respx.MockRouter) -> None:
    clock = SkippingClock()
    api.get(RUN).mock(side_effect=states("Completed"))
    asyncio.run(client(api, clock).runs.wait(RUN_ID))
    assert clock.slept == []


def test_the_pauses_grow_to_five_seconds(api: respx.MockRouter) -> None:
    clock = SkippingClock()
    api.get(RUN).mock(side_effect=states(*["Running"] * 20, "Completed"))
    asyncio.run(client(api, clock).runs.wait(RUN_ID))
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-3:] == [5.0, 5.0, 5.0]


def waited(api: respx.MockRouter, timeout: Any) -> tuple[Run, ManualClock]:
    clock = ManualClock()

    async def main() -> Run:
        return await clock.until(client(api, clock).runs.wait(RUN_ID, timeout))

    return asyncio.run(main()), clock


def test_a_run_ends_in_time(api: respx.MockRouter) -> None:
    api.get(RUN).mock(side_effect=states("Running", "Completed"))
    run, clock = waited(api, "30s")
    assert (run.status, clock.sleepers) == (RunStatus.COMPLETED, 0)


def test_a_run_does_not_end_in_time(api: respx.MockRouter) -> None:
    api.get(RUN).mock(enveloped(run_record("Running")))
    with pytest.raises(TimeoutError, match=r"^Run '01JX1' has not ended within 30 seconds"):
        waited(api, 30_000)


def test_the_time_limit_holds_for_an_answer_that_never_comes(api: respx.MockRouter) -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    api.get(RUN).mock(side_effect=never)
    with pytest.raises(TimeoutError, match="30 seconds"):
        waited(api, "30s")


def test_a_refusal_ends_the_wait(api: respx.MockRouter) -> None:
    api.get(RUN).mock(refused(404, "Run not found"))
    with pytest.raises(ApiError, match="Run not found"):
        waited(api, "30s")


def test_a_wait_that_is_cancelled_asks_no_more(api: respx.MockRouter) -> None:
    api.get(RUN).mock(enveloped(run_record("Running")))
    clock = ManualClock()

    async def main() -> None:
        waiting = asyncio.ensure_future(client(api, clock).runs.wait(RUN_ID, "30s"))
        await clock.settle()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert clock.sleepers == 0

    asyncio.run(main())


@pytest.mark.parametrize("timeout", ["soon", -1, True], ids=repr)
def test_a_time_limit_that_is_none(api: respx.MockRouter, timeout: Any) -> None:
    with pytest.raises(ConfigError, match=r"^runs\.wait: timeout"):
        asyncio.run(client(api).runs.wait(RUN_ID, timeout))


# All of them.


@pytest.mark.parametrize("env", [None, "feature-1"], ids=["client's", "own"])
@pytest.mark.parametrize("name", ["get", "wait", "output", "cancel", "for_event"])
@pytest.mark.parametrize("suffix", ["", "_sync"], ids=["async", "blocking"])
def test_each_may_be_asked_in_another_environment(
    api: respx.MockRouter, name: str, suffix: str, env: str | None
) -> None:
    api.get(RUN).mock(enveloped(run_record(output=5)))
    api.get("/v1/events/01JX1/runs").mock(enveloped([]))
    api.delete(RUN).mock(httpx.Response(200))
    ask = getattr(client(api, env="main").runs, name + suffix)
    result = ask(RUN_ID, env=env)
    if not suffix:
        result = asyncio.run(result)
    expected: dict[str, Any] = {"output": 5, "cancel": None, "for_event": []}
    assert result == expected.get(name, Run(id=RUN_ID, status=RunStatus.COMPLETED, output=5))
    assert api.calls.last.request.headers["x-inngest-env"] == (env or "main")


# Threads and processes.


def test_threads_may_ask_at_once(api: respx.MockRouter) -> None:
    ids = [f"01J{number}" for number in range(8)]
    for one in ids:
        api.get(f"/v1/runs/{one}").mock(enveloped({"run_id": one, "status": "Running"}))
    runs = client(api).runs
    with ThreadPoolExecutor(len(ids)) as pool:
        assert [run.id for run in pool.map(runs.get_sync, ids)] == ids


FORKED = """
import os, sys
import inngest_asgi as inngest

client = inngest.Inngest("shop", is_production=False, api_base_url=sys.argv[1])
assert client.runs.get_sync("01JX1").id == "01JX1"
child = os.fork()
assert client.runs.get_sync("01JX1").id == "01JX1"
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.live
def test_a_forked_child_asks_on_connections_of_its_own() -> None:
    connections: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            connections.append(self.client_address)
            body = json.dumps({"data": run_record(), "metadata": {}}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Write nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        command = [sys.executable, "-W", "error", "-c", FORKED, url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        server.shutdown()
    assert (done.returncode, done.stderr) == (0, "")
    assert (len(connections), len(set(connections))) == (3, 2)
