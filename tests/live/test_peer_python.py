"""An application on the official Python SDK, driven by `inngest-asgi dev`, each in its process."""

from __future__ import annotations

import itertools
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.live.commands import free_ports
from tests.live.peers import answers, driving, is_there, running
from tests.live.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.peers import Peer

pytestmark = [pytest.mark.live, is_there]


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    port, app_port = free_ports(2)
    origin, folder = f"http://127.0.0.1:{app_port}", tmp_path_factory.mktemp("peer")
    uvicorn = ("-m", "uvicorn", "tests.live.apps.peer_python:app", "--log-level", "critical")
    about = {"INNGEST_DEV": f"http://127.0.0.1:{port}", "ORIGIN": origin}
    with running(*uvicorn, "--port", str(app_port), **about) as process:
        wait_until(lambda: process.poll() is not None or answers(f"{origin}/api/inngest"))
        assert process.poll() is None, "the application did not start"
        urls = (f"{origin}/api/inngest", f"{origin}/streamed")
        with driving(port, *urls, folder=folder) as (peer, command):
            assert "(streaming, 1 function)" in command.output
            yield peer


OUTPUTS: dict[str, Any] = {
    "sequence": [1, 2, None],
    "blocking": ["first", "left", "right"],
    "parallel": ["left", None, "right", "after"],
    "chains": ["aa", "bb"],
    "flaky": 1,
    "later": 1,
    "compensates": ["ValueError", "declined", "refunded"],
    "invokes": [
        42,
        ["ValueError", "the child broke"],
        ["Error", "could not find function with ID: peer-nobody"],
        ["InngestInvokeTimeoutError", "Timed out waiting for invoked function to complete"],
    ],
    "large": 5_000_000,
    "streamed": [1, 2],
    "infers": {"asked": {"messages": [], "model": "small"}, "key": "Bearer sk-peer"},
}
"""What each function of the application returns, the values and errors of its steps."""


@pytest.fixture(scope="module")
def begun(peer: Peer) -> dict[str, str]:
    """One event for each function that takes its time, sent at once, so that they wait together."""
    return {name: peer.send(name)[0] for name in (*OUTPUTS, "overdue")}


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_function_returns_what_its_steps_gave(
    peer: Peer, begun: dict[str, str], name: str
) -> None:
    (run,) = peer.ended(begun[name])
    assert (run["status"], run["output"]) == ("Completed", OUTPUTS[name])


def test_a_function_is_told_of_its_event_and_run(peer: Peer) -> None:
    run = peer.run("context", id="context-1", ts=1_735_689_600_000, data={"a": [1]})
    assert run["output"] == {
        "run_id": run["run_id"],
        "attempt": 0,
        "has_ids": True,
        "event": ["peer/context", "context-1", 1_735_689_600_000, {"a": [1]}],
        "events": ["context-1"],
    }


def test_a_wait_takes_the_event_that_matches_and_ends_without_one(peer: Peer) -> None:
    event_ids = peer.send("waits", data={"n": 1})
    peer.waiting(*event_ids)
    peer.send("answer", data={"n": 2})
    peer.send("answer", data={"n": 1, "by": "ann"})
    (run,) = peer.ended(*event_ids)
    assert run["output"] == [{"n": 1, "by": "ann"}, None]


def test_a_failed_function_is_told_to_its_failure_handler(peer: Peer) -> None:
    run = peer.run("fails")
    assert (run["status"], run["output"]["message"]) == ("Failed", "declined")
    events = peer.http.get("/v1/events", params={"name": "inngest/function.failed"}).json()["data"]
    (event,) = [one for one in events if one["id"] == run["run_id"]]
    (handled,) = peer.ended(event["internal_id"])
    assert handled["output"] == [
        "inngest/function.failed",
        "peer-fails",
        run["run_id"],
        "declined",
    ]


def test_an_error_that_is_not_to_be_retried_is_not(peer: Peer) -> None:
    run = peer.run("hopeless")
    assert (run["status"], run["output"]["message"]) == ("Failed", "hopeless at 0")


def test_an_event_cancels_the_run_it_means(peer: Peer) -> None:
    event_ids = peer.send("cancelled", data={"n": 1}) + peer.send("cancelled", data={"n": 2})
    peer.waiting(*event_ids)
    peer.send("stop", data={"n": 1})
    (stopped,) = peer.ended(event_ids[0])
    (other,) = peer.runs(event_ids[1])
    assert (stopped["status"], other["status"]) == ("Cancelled", "Running")


def test_a_run_is_cancelled_by_the_api(peer: Peer) -> None:
    event_ids = peer.send("sleepy")
    (run,) = peer.waiting(*event_ids)
    assert peer.http.delete(f"/v1/runs/{run['run_id']}").status_code == 200
    assert [run["status"] for run in peer.ended(*event_ids)] == ["Cancelled"]


def test_a_run_that_takes_too_long_is_cancelled(peer: Peer, begun: dict[str, str]) -> None:
    (run,) = peer.ended(begun["overdue"])
    assert run["status"] == "Cancelled"


def test_events_that_a_step_sends_start_functions(peer: Peer) -> None:
    sent = peer.run("sends")["output"]
    (run,) = peer.ended(*sent, count=1)
    assert run["output"] == {"n": 2}


def test_events_are_batched(peer: Peer) -> None:
    event_ids = [peer.send("batch", data={"n": n})[0] for n in range(3)]
    (run,) = peer.ended(event_ids[0])
    assert run["output"] == [0, 1, 2]


def test_the_last_of_debounced_events_counts(peer: Peer) -> None:
    event_ids = [peer.send("debounce", data={"n": n})[0] for n in range(3)]
    (run,) = peer.ended(*event_ids, count=1)
    assert run["output"] == 2


def test_events_over_a_rate_limit_start_nothing(peer: Peer) -> None:
    event_ids = peer.send("limited", count=3, data={"who": "ann"})
    event_ids += peer.send("limited", data={"who": "bob"})
    assert [run["output"] for run in peer.ended(*event_ids, count=2)] == ["ann", "bob"]


def test_throttled_runs_begin_apart(peer: Peer) -> None:
    runs = peer.ended(*peer.send("throttled", count=2))
    first, second = sorted(datetime.fromisoformat(run["run_started_at"]) for run in runs)
    assert (second - first).total_seconds() >= 0.99  # they are told in milliseconds


def test_a_singleton_skips_events_while_it_runs(peer: Peer) -> None:
    event_ids = peer.send("single", count=1)
    peer.waiting(*event_ids)
    event_ids += peer.send("single", count=2)
    marker = peer.run("doubled", data={"n": 1})  # what came before it has been decided
    assert marker["status"] == "Completed"
    assert len(peer.runs(*event_ids)) == 1


def test_a_limit_of_one_runs_steps_one_by_one(peer: Peer) -> None:
    runs = peer.ended(*peer.send("one-by-one", count=3))
    spans = sorted(run["output"] for run in runs)
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))


@pytest.mark.parametrize(
    ("name", "event"),
    [
        pytest.param("doubled", {"id": "the-same", "data": {"n": 1}}, id="the-id-of-an-event"),
        pytest.param("once", {"data": {"order": 7}}, id="an-idempotency-key"),
    ],
)
def test_what_comes_twice_starts_one_run(peer: Peer, name: str, event: dict[str, Any]) -> None:
    event_ids = peer.send(name, count=2, **event)
    peer.ended(*event_ids, count=1)
    marker = peer.run("doubled", data={"n": 1})
    assert marker["status"] == "Completed"
    assert len(peer.runs(*event_ids)) == 1


def test_an_event_of_the_future_starts_its_run_then(peer: Peer) -> None:
    ts = int(time.time() * 1000) + 1_000
    run = peer.run("context", ts=ts)
    assert time.time() * 1000 >= ts
    assert run["output"]["event"][2] == ts


def test_all_functions_are_known_with_their_configuration(peer: Peer) -> None:
    known = {one["id"]: one for one in peer.http.get("/v1/apps/peer/functions").json()}
    assert known["peer-nightly"]["config"]["triggers"] == [{"cron": "TZ=Europe/Paris 0 3 * * *"}]
    assert "peer-fails-failure" in known
