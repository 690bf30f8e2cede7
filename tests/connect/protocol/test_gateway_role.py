"""The gateway's end of a connection: who comes in, what is answered, how it ends (connect.md 4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.connect.frames import from_frame
from inngest_asgi.connect.messages import (
    AppConfiguration,
    ConnectionReady,
    ExtendLease,
    ExtendLeaseAck,
    GatewayHeartbeat,
    Hello,
    ReplyAck,
    RequestAck,
    WorkerConnect,
    WorkerHeartbeat,
    WorkerPause,
    WorkerReady,
    WorkerStatus,
)
from inngest_asgi.connect.pb import connect_pb2 as pb
from inngest_asgi.connect.protocol.closing import DRAINED, Close
from inngest_asgi.connect.protocol.connection import Ended
from inngest_asgi.connect.protocol.leases import Loss, Lost
from inngest_asgi.connect.protocol.transitions import Phase
from inngest_asgi.errors import ProtocolError
from tests.connect.pairs import CONNECTION_ID, INTERVALS, REQUEST, WORKER, Pair, response

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import Message


def said(pair: Pair) -> list[object]:
    return [from_frame(frame) for frame in pair.gateway.data_to_send()]


def broken(kind: int) -> bytes:
    frame: bytes = pb.ConnectMessage(kind=kind, payload=b"\xff").SerializeToString()  # type: ignore[arg-type]
    return frame


# Handshake.


def test_a_gateway_speaks_first() -> None:
    assert said(Pair()) == [Hello()]


def test_a_gateway_hands_out_the_worker_to_be_synced() -> None:
    pair = Pair()
    pair.exchange()
    assert pair.noted == [WORKER]
    assert pair.gateway.worker == WORKER
    assert not pair.gateway.routable


def test_a_worker_is_routed_to_once_it_says_that_it_is_ready() -> None:
    pair = Pair()
    pair.exchange()
    pair.gateway.ready(INTERVALS, pair.now)
    assert not pair.gateway.routable
    pair.exchange()
    assert pair.noted[1:] == [WorkerReady()]
    assert pair.gateway.routable


def test_a_worker_without_the_manual_form_is_ready_at_once() -> None:
    pair = Pair(replace(WORKER, worker_manual_readiness_ack=False))
    pair.exchange()
    pair.gateway.ready(INTERVALS, pair.now)
    assert pair.gateway.routable
    assert pair.gateway.events() == [WorkerReady()]


def test_a_worker_has_five_seconds_to_introduce_itself() -> None:
    pair = Pair()
    assert pair.gateway.tick(pair.now + 4.9) == pair.now + 5
    pair.gateway.tick(pair.now + 5)
    assert pair.gateway.closing == Close(1008, "connect_worker_hello_timeout")


def test_syncing_may_take_longer_than_that() -> None:
    pair = Pair()
    pair.exchange()
    pair.gateway.tick(pair.now + 60)
    assert pair.gateway.closing is None


@pytest.mark.parametrize(
    ("worker", "reason"),
    [
        (replace(WORKER, connection_id="no ulid"), "connect_worker_hello_invalid_payload"),
        (replace(WORKER, connection_id="I" * 26), "connect_worker_hello_invalid_payload"),
        (replace(WORKER, instance_id=""), "connect_worker_hello_invalid_payload"),
        (replace(WORKER, apps=()), "connect_worker_hello_invalid_payload"),
        (
            replace(WORKER, apps=WORKER.apps * 11),
            "connect_too_many_apps_per_connection",
        ),
    ],
    ids=["no ULID", "letters no ULID has", "no instance", "no apps", "too many apps"],
)
def test_a_worker_is_checked(worker: WorkerConnect, reason: str) -> None:
    pair = Pair(worker)
    pair.exchange()
    assert pair.gateway.closing == Close(1008, reason)
    assert pair.heard == [Ended(Close(1008, reason), ours=False)]


def test_a_worker_with_a_bad_token_is_refused() -> None:
    pair = Pair(authenticate=lambda worker: worker.auth_data.session_token == "other")
    pair.exchange()
    assert pair.gateway.closing == Close(1008, "connect_authentication_failed")


@pytest.mark.parametrize(
    ("worker", "reason"),
    [
        (replace(WORKER, instance_id="", apps=()), "connect_worker_hello_invalid_payload"),
        (replace(WORKER, apps=()), "connect_authentication_failed"),
    ],
    ids=["ids first", "token second"],
)
def test_the_checks_have_an_order(worker: WorkerConnect, reason: str) -> None:
    pair = Pair(worker, authenticate=lambda _: False)
    pair.exchange()
    assert pair.gateway.closing == Close(1008, reason)


def test_ten_apps_are_not_too_many() -> None:
    apps = tuple(AppConfiguration(f"app-{number}", b"[]") for number in range(10))
    assert Pair(replace(WORKER, apps=apps)).connect().gateway.routable


def test_a_ulid_may_be_in_lower_case() -> None:
    pair = Pair(replace(WORKER, connection_id=CONNECTION_ID.lower())).connect()
    assert pair.gateway.routable


@pytest.mark.parametrize(
    "message", [WorkerHeartbeat(), WorkerReady(), RequestAck("r"), response()], ids=repr
)
def test_nothing_precedes_the_introduction(message: Message) -> None:
    pair = Pair()
    pair.worker_says(message)
    assert pair.gateway.closing == Close(1008, "connect_worker_hello_invalid_msg")


def test_nothing_follows_the_introduction_before_ready() -> None:
    pair = Pair()
    pair.exchange()
    pair.worker_says(WorkerHeartbeat())
    assert pair.gateway.closing == Close(1008, "connect_worker_hello_invalid_msg")


@pytest.mark.parametrize("data", [b"\xff", broken(1)], ids=["frame", "payload"])
def test_an_introduction_that_cannot_be_read_is_refused(data: bytes) -> None:
    pair = Pair()
    pair.gateway.receive(data, pair.now)
    assert pair.gateway.closing == Close(1008, "connect_worker_hello_invalid_payload")


@pytest.mark.parametrize(
    ("code", "reason"),
    [("invalid_cron", "invalid_cron"), ("", "connect_invalid_function_config")],
    ids=["code", "no code"],
)
def test_a_worker_whose_apps_are_rejected_hears_why(code: str, reason: str) -> None:
    pair = Pair()
    pair.exchange()
    pair.gateway.sync_failed(code, "no")
    assert pair.gateway.closing == Close(1008, reason)
    assert len(said(pair)) == 1


@pytest.mark.parametrize("again", ["ready", "sync_failed"])
def test_a_worker_is_accepted_or_refused_once(again: str) -> None:
    pair = Pair().connect()
    with pytest.raises(ProtocolError):
        if again == "ready":
            pair.gateway.ready(INTERVALS, pair.now)
        else:
            pair.gateway.sync_failed("", "no")


# Heartbeats.


def test_every_heartbeat_is_answered() -> None:
    pair = Pair().connect()
    pair.worker.tick(pair.now + 10)
    pair.gateway.receive(pair.worker.data_to_send()[0], pair.now + 10)
    assert said(pair) == [GatewayHeartbeat()]
    assert pair.gateway.last_heartbeat == pair.now + 10


def test_a_worker_may_be_silent_for_almost_five_intervals() -> None:
    pair = Pair().connect()
    assert pair.gateway.tick(pair.now + 49.9) == pair.now + 50
    assert pair.gateway.closing is None


def test_a_worker_that_is_silent_for_longer_is_gone() -> None:
    pair = Pair().connect()
    pair.gateway.tick(pair.now + 50)
    assert pair.gateway.closing == Close(1008, "CONSECUTIVE_HEARTBEATS_MISSED")


def test_heartbeats_of_a_paused_worker_do_not_make_it_ready() -> None:
    pair = Pair().connect()
    pair.worker.pause()
    pair.exchange()
    pair.pass_time(100)
    assert pair.gateway.phase is Phase.PAUSED


# Requests.


def test_a_request_goes_out_with_a_fresh_lease() -> None:
    pair = Pair().connect()
    lease_id = pair.gateway.request(REQUEST, pair.now)
    assert said(pair) == [replace(REQUEST, lease_id=lease_id)]
    assert "request-1" in pair.leases


def test_a_worker_that_is_not_ready_gets_no_request() -> None:
    pair = Pair().connect()
    pair.worker.pause()
    pair.exchange()
    with pytest.raises(ProtocolError, match="PAUSED"):
        pair.gateway.request(REQUEST, pair.now)
    assert "request-1" not in pair.leases


def test_an_acknowledgement_is_told_and_starts_the_lease() -> None:
    pair = Pair().connect()
    pair.request()
    pair.worker.send(RequestAck("request-1"))
    pair.exchange()
    assert pair.noted == [RequestAck("request-1")]
    assert pair.leases.is_acknowledged("request-1")


def test_an_extension_echoes_what_it_answers() -> None:
    pair = Pair().connect()
    request = pair.request()
    extension = ExtendLease(
        "request-1", "account", "env", "app", "shop-pay", lease_id=request.lease_id
    )
    pair.worker.send(extension)
    pair.exchange()
    answer = pair.heard[-1]
    assert isinstance(answer, ExtendLeaseAck)
    assert replace(answer, new_lease_id=None) == ExtendLeaseAck(
        "request-1", "account", "env", "app", "shop-pay"
    )
    assert pair.noted == [extension]


def test_a_lease_that_was_lost_is_not_extended() -> None:
    pair = Pair().connect()
    request = pair.request()
    pair.worker.send(RequestAck("request-1"))
    pair.exchange()
    pair.leases.tick(pair.now + 120)
    pair.worker.send(ExtendLease("request-1", lease_id=request.lease_id))
    pair.exchange()
    assert pair.heard[-1] == ExtendLeaseAck("request-1", new_lease_id=None)


def test_a_lease_can_be_extended_on_another_connection() -> None:
    old = Pair().connect()
    request = old.request()
    new = Pair(leases=old.leases).connect()
    new.worker.send(ExtendLease("request-1", lease_id=request.lease_id))
    new.exchange()
    answer = new.heard[-1]
    assert isinstance(answer, ExtendLeaseAck)
    assert answer.new_lease_id is not None


def test_a_lease_id_that_is_none_ends_the_connection() -> None:
    pair = Pair().connect()
    pair.request()
    pair.worker.send(ExtendLease("request-1", lease_id="no ulid"))
    pair.exchange()
    reason = "connect_worker_request_extend_lease_invalid_payload"
    assert pair.gateway.closing == Close(1008, reason)


def test_a_reply_is_handed_out_and_acknowledged_once_stored() -> None:
    pair = Pair().connect()
    pair.request()
    pair.worker.send(response())
    pair.exchange()
    assert pair.noted == [response()]
    assert ReplyAck("request-1") not in pair.heard
    pair.gateway.stored("request-1")
    pair.exchange()
    assert pair.heard[-1] == ReplyAck("request-1")


def test_a_reply_can_be_stored_after_its_connection_has_ended() -> None:
    pair = Pair().connect()
    pair.gateway.lost()
    pair.gateway.stored("request-1")
    assert pair.gateway.data_to_send() == []


def test_a_request_without_acknowledgement_is_lost_in_time() -> None:
    pair = Pair().connect()
    pair.request()
    pair.leases.tick(pair.now + 125)
    assert pair.leases.lost() == [Lost("request-1", Loss.NOT_ACKNOWLEDGED)]


# Pause, drain, status, broken frames.


def test_a_worker_that_pauses_is_routed_around() -> None:
    pair = Pair().connect()
    pair.worker.pause()
    pair.exchange()
    assert pair.noted == [WorkerPause()]
    assert not pair.gateway.routable


def test_a_paused_worker_may_say_that_it_is_ready_again() -> None:
    pair = Pair().connect()
    pair.worker.pause()
    pair.exchange()
    pair.worker_says(WorkerReady())
    assert pair.gateway.routable


def test_a_drain_closes_after_twenty_five_seconds() -> None:
    pair = Pair().connect()
    pair.gateway.drain(pair.now)
    pair.exchange()
    pair.gateway.tick(pair.now + 24.9)
    assert pair.gateway.closing is None
    pair.gateway.tick(pair.now + 25)
    assert pair.gateway.closing == DRAINED


def test_a_second_drain_gives_no_more_time() -> None:
    pair = Pair().connect()
    pair.gateway.drain(pair.now)
    pair.gateway.drain(pair.now + 20)
    assert len(said(pair)) == 1
    pair.gateway.tick(pair.now + 25)
    assert pair.gateway.closing == DRAINED


def test_a_gateway_that_closes_twice_closes_once() -> None:
    pair = Pair().connect()
    pair.gateway.close()
    pair.gateway.close()
    assert pair.gateway.events() == [Ended(DRAINED, ours=True)]


def test_a_drain_ends_a_handshake_at_once() -> None:
    pair = Pair()
    pair.exchange()
    pair.gateway.drain(pair.now)
    assert pair.gateway.closing == DRAINED


def test_a_worker_that_is_ready_too_late_is_sent_away() -> None:
    pair = Pair()
    pair.exchange()
    pair.gateway.ready(INTERVALS, pair.now)
    pair.gateway.drain(pair.now)
    pair.exchange()
    assert pair.gateway.closing == DRAINED


def test_statuses_are_told_every_two_seconds_at_most() -> None:
    pair = Pair().connect(ConnectionReady(60.0, 30.0, 1.0))
    for _ in range(5):
        pair.worker.report((), stopping=False)
        pair.exchange()
        pair.now += 1
    assert pair.noted == [WorkerStatus()] * 3
