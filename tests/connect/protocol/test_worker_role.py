"""The worker's end of a connection, talking to the real gateway role (connect.md 4 to 9, 11)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inngest_asgi.connect.frames import from_frame
from inngest_asgi.connect.messages import (
    ConnectionReady,
    ExtendLease,
    ExtendLeaseAck,
    GatewayClosing,
    Hello,
    ReplyAck,
    RequestAck,
    SyncFailed,
    WorkerHeartbeat,
    WorkerPause,
    WorkerReady,
    WorkerStatus,
)
from inngest_asgi.connect.protocol.closing import SHUTDOWN, UNEXPECTED, UNRESPONSIVE, Close
from inngest_asgi.connect.protocol.connection import Ended, StatusDue
from inngest_asgi.connect.protocol.transitions import Phase
from tests.connect.pairs import INTERVALS, REQUEST, WORKER, Pair, response


def said(pair: Pair) -> list[object]:
    return [from_frame(frame) for frame in pair.worker.data_to_send()]


# Handshake.


def test_a_worker_waits_for_hello() -> None:
    pair = Pair()
    assert pair.worker.data_to_send() == []


def test_a_worker_answers_hello_with_who_it_is() -> None:
    pair = Pair()
    pair.worker.receive(pair.gateway.data_to_send()[0], pair.now)
    assert said(pair) == [WORKER]


def test_a_worker_says_that_it_is_ready_once_it_is_accepted() -> None:
    pair = Pair()
    pair.exchange()
    pair.gateway.ready(INTERVALS, pair.now)
    pair.worker.receive(pair.gateway.data_to_send()[0], pair.now)
    assert said(pair) == [WorkerReady()]
    assert pair.worker.events() == [INTERVALS]
    assert (pair.worker.phase, pair.worker.connected) == (Phase.READY, True)


def test_a_worker_without_the_manual_form_is_ready_without_a_word() -> None:
    pair = Pair(replace(WORKER, worker_manual_readiness_ack=False)).connect()
    assert (pair.worker.phase, pair.gateway.phase) == (Phase.READY, Phase.READY)


def test_a_worker_that_stops_says_pause_instead_of_ready() -> None:
    pair = Pair(pausing=True)
    pair.exchange()
    pair.gateway.ready(INTERVALS, pair.now)
    pair.worker.receive(pair.gateway.data_to_send()[0], pair.now)
    assert said(pair) == [WorkerPause()]


def test_a_worker_that_stops_pauses_without_the_manual_form_too() -> None:
    pair = Pair(replace(WORKER, worker_manual_readiness_ack=False), pausing=True).connect()
    assert (pair.worker.phase, pair.gateway.phase) == (Phase.PAUSED, Phase.PAUSED)


def test_a_worker_that_stops_during_the_handshake_says_pause() -> None:
    pair = Pair()
    pair.exchange()
    pair.worker.pause()
    pair.connect()
    assert pair.worker.phase is Phase.PAUSED


def test_a_gateway_that_does_not_greet_is_given_up_after_five_seconds() -> None:
    pair = Pair()
    assert pair.worker.tick(pair.now + 4.9) == pair.now + 5.0
    pair.worker.tick(pair.now + 5.0)
    assert pair.worker.closing == Close(4001, "connect_worker_hello_timeout")


def test_a_gateway_that_does_not_finish_syncing_is_given_up_after_twenty_seconds() -> None:
    pair = Pair()
    pair.exchange()
    pair.worker.tick(pair.now + 19.9)
    assert pair.worker.closing is None
    pair.worker.tick(pair.now + 20.0)
    assert pair.worker.closing == Close(4001, "connect_worker_hello_timeout")


def test_a_refused_worker_hears_why_and_leaves() -> None:
    pair = Pair()
    pair.exchange()
    pair.gateway.sync_failed("invalid_cron", "The cron of shop-pay has six fields.")
    pair.exchange()
    assert pair.heard == [
        SyncFailed("invalid_cron", "The cron of shop-pay has six fields."),
        Ended(Close(1008, "invalid_cron"), ours=True),
    ]


def test_a_refusal_without_a_code_has_one_all_the_same() -> None:
    pair = Pair()
    pair.exchange()
    pair.gateway_says(SyncFailed("", "no"))
    assert pair.worker.closing == Close(1008, "connect_invalid_function_config")


def test_a_gateway_that_closes_during_the_handshake_drains() -> None:
    pair = Pair()
    pair.exchange()
    pair.gateway_says(GatewayClosing())
    assert pair.heard == [Ended(Close(1001, "connect_gateway_closing"), ours=True)]


@pytest.mark.parametrize(
    "message", [INTERVALS, REQUEST, ReplyAck("r"), SyncFailed("", "")], ids=repr
)
def test_nothing_comes_before_hello(message: ConnectionReady) -> None:
    pair = Pair()
    pair.gateway_says(message)
    assert pair.heard == [Ended(UNEXPECTED, ours=True)]


@pytest.mark.parametrize("message", [Hello(), INTERVALS, SyncFailed("", "")], ids=repr)
def test_a_handshake_happens_once(message: ConnectionReady) -> None:
    pair = Pair().connect()
    pair.gateway_says(message)
    assert pair.heard == [Ended(UNEXPECTED, ours=True)]


def test_bytes_without_meaning_end_the_connection() -> None:
    pair = Pair().connect()
    pair.worker.receive(b"\xff", pair.now)
    assert pair.worker.events() == [Ended(UNEXPECTED, ours=True)]


# Heartbeats.


def test_a_worker_sends_heartbeats_at_the_gateways_pace() -> None:
    pair = Pair().connect(ConnectionReady(7.0, 30.0, 0.0))
    assert pair.worker.tick(pair.now + 6.9) == pair.now + 7.0
    assert said(pair) == []
    pair.worker.tick(pair.now + 7.0)
    assert said(pair) == [WorkerHeartbeat()]


def test_heartbeats_keep_a_connection_for_hours() -> None:
    pair = Pair().connect()
    pair.pass_time(3600)
    assert (pair.worker.phase, pair.gateway.phase) == (Phase.READY, Phase.READY)
    assert pair.worker.last_heartbeat == pair.now


def test_a_gateway_that_misses_two_heartbeats_is_dead() -> None:
    pair = Pair().connect()
    for seconds in (10, 20):
        pair.worker.tick(pair.now + seconds)
    assert pair.worker.events() == []
    pair.worker.tick(pair.now + 30)
    assert pair.worker.events() == [Ended(UNRESPONSIVE, ours=True)]


def test_an_answer_in_time_forgives_a_missed_one() -> None:
    pair = Pair().connect()
    pair.worker.tick(pair.now + 10)
    pair.worker.tick(pair.now + 20)
    pair.exchange()
    pair.worker.tick(pair.now + 30)
    assert pair.worker.connected


def test_a_machine_that_slept_listens_before_it_gives_up() -> None:
    pair = Pair().connect()
    pair.worker.tick(pair.now + 3600)
    assert said(pair) == [WorkerHeartbeat()]
    assert pair.worker.tick(pair.now + 3601) == pair.now + 3610


# Work.


def test_a_request_is_acknowledged_extended_answered() -> None:
    pair = Pair().connect()
    request = pair.request()
    assert pair.heard == [request]
    pair.worker.send(RequestAck("request-1"))
    pair.worker.send(ExtendLease("request-1", lease_id=request.lease_id))
    pair.worker.send(response())
    pair.exchange()
    pair.gateway.stored("request-1")
    pair.exchange()
    extended, stored = pair.heard[1:]
    assert isinstance(extended, ExtendLeaseAck)
    assert extended.new_lease_id not in (None, request.lease_id)
    assert stored == ReplyAck("request-1")


def test_a_request_that_was_under_way_when_we_paused_is_handed_on() -> None:
    pair = Pair().connect()
    pair.gateway.request(REQUEST, pair.now)
    pair.worker.pause()
    pair.exchange()
    assert [type(event) for event in pair.heard] == [type(REQUEST)]


def test_work_goes_on_while_the_gateway_drains() -> None:
    pair = Pair().connect()
    request = pair.request()
    pair.gateway.drain(pair.now)
    pair.exchange()
    pair.worker.send(ExtendLease("request-1", lease_id=request.lease_id))
    pair.worker.send(response())
    pair.exchange()
    assert pair.heard[1] == GatewayClosing()
    assert isinstance(pair.heard[2], ExtendLeaseAck)


def test_a_worker_that_leaves_says_so() -> None:
    pair = Pair().connect()
    pair.worker.close()
    pair.exchange()
    assert pair.worker.closing == SHUTDOWN
    assert pair.noted == [Ended(Close(1000, "WORKER_SHUTDOWN"), ours=False)]


def test_a_worker_may_pause_while_the_gateway_drains() -> None:
    pair = Pair().connect()
    pair.gateway.drain(pair.now)
    pair.exchange()
    pair.worker.pause()
    pair.exchange()
    assert pair.noted == [WorkerPause()]


# Status.


def test_a_status_is_asked_for_at_the_gateways_pace() -> None:
    pair = Pair().connect(ConnectionReady(60.0, 30.0, 3.0))
    pair.worker.tick(pair.now + 3)
    assert pair.worker.events() == [StatusDue()]
    pair.worker.report(("request-1",), stopping=True)
    assert said(pair) == [WorkerStatus(("request-1",), shutdown_requested=True)]
    assert pair.worker.next_due == pair.now + 6


def test_no_status_is_asked_for_where_none_is_wanted() -> None:
    pair = Pair().connect()
    pair.pass_time(600)
    assert StatusDue() not in pair.heard
