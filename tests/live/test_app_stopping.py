"""SIGTERM: calls in flight are answered, then the process ends, and nothing hangs."""

from __future__ import annotations

import signal
import threading

import httpx
import pytest

from tests.live.servers import ServerProcess, server_process, wait_until
from tests.routes.asking import body_of, call

pytestmark = pytest.mark.live

# uvicorn ends cleanly and then lets the signal have its usual effect.
CLEANLY = (0, -signal.SIGTERM)

each_app = pytest.mark.parametrize(
    "target", ["tests.live.stoppable:inngest_app", "tests.live.stoppable:fastapi_app"]
)


def called(server: ServerProcess, fn_id: str) -> httpx.Response:
    url = f"{server.url}/api/inngest?fnId=shop-{fn_id}&stepId=step"
    return httpx.post(url, content=body_of(call()), timeout=10)


def complaints(server: ServerProcess) -> list[str]:
    marks = ("Traceback", "Error", "ERROR", "Exception", "Warning", "never")
    return [line for line in server.said if any(mark in line for mark in marks)]


@pytest.mark.parametrize(
    "target",
    [
        "examples.quickstart:inngest_app",
        "tests.live.stoppable:inngest_app",
        "tests.live.stoppable:fastapi_app",
    ],
)
def test_an_idle_server_stops(target: str) -> None:
    with server_process(target) as server:
        answer = httpx.get(f"{server.url}/api/inngest")
        assert answer.status_code == 200
        assert answer.json()["function_count"] >= 1
        assert server.terminate() in CLEANLY
    assert complaints(server) == []


@each_app
@pytest.mark.parametrize("fn_id", ["async", "blocking"])
def test_a_call_in_flight_is_answered_first(target: str, fn_id: str) -> None:
    answers: list[httpx.Response] = []
    with server_process(target) as server:
        caller = threading.Thread(target=lambda: answers.append(called(server, fn_id)))
        caller.start()
        ready = f"{server.url}/api/inngest/health/ready"
        ready = ready if target.endswith("fastapi_app") else f"{server.url}/health/ready"
        wait_until(lambda: httpx.get(ready).json()["calls"] > 0)
        code = server.terminate()
        caller.join()
    assert code in CLEANLY
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, "done")]
    assert complaints(server) == []


@each_app
def test_threads_and_connections_in_the_background_do_not_hold_it_up(target: str) -> None:
    with server_process(target) as server:
        assert called(server, "sender").json() == "nobody listens"
        assert server.terminate() in CLEANLY
    assert complaints(server) == []
