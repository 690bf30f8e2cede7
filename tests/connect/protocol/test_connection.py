"""What both roles of a connection share: frames, events, ends, and misuse by their owner."""

from __future__ import annotations

import pytest

from inngest_asgi.connect.frames import to_frame
from inngest_asgi.connect.messages import (
    ExecutorRequest,
    GatewayHeartbeat,
    Hello,
    RequestAck,
    WorkerHeartbeat,
    WorkerReady,
)
from inngest_asgi.connect.pb import connect_pb2 as pb
from inngest_asgi.connect.protocol.closing import SHUTDOWN, Close
from inngest_asgi.connect.protocol.connection import MAX_FRAME, Ended
from inngest_asgi.connect.protocol.transitions import Phase
from inngest_asgi.errors import ProtocolError
from tests.connect.pairs import REQUEST, Pair, response


def test_events_and_frames_are_given_once() -> None:
    pair = Pair().connect()
    pair.gateway.request(REQUEST, pair.now)
    assert len(pair.gateway.data_to_send()) == 1
    assert pair.gateway.data_to_send() == []
    pair.worker.receive(to_frame(REQUEST), pair.now)
    assert pair.worker.events() == [REQUEST]
    assert pair.worker.events() == []


def test_a_frame_of_unknown_kind_is_ignored() -> None:
    pair = Pair().connect()
    frame = pb.ConnectMessage(kind=99).SerializeToString()  # type: ignore[arg-type]
    pair.worker.receive(frame, pair.now)
    pair.gateway.receive(frame, pair.now)
    assert (pair.worker.phase, pair.gateway.phase) == (Phase.READY, Phase.READY)


def test_what_arrives_after_the_end_is_ignored() -> None:
    pair = Pair().connect()
    pair.worker.close()
    pair.worker.events()
    pair.worker.receive(to_frame(REQUEST), pair.now)
    pair.worker.receive(b"\xff", pair.now)
    assert (pair.worker.events(), pair.worker.closing) == ([], SHUTDOWN)


def test_a_socket_that_is_gone_ends_it_once() -> None:
    pair = Pair().connect()
    pair.worker.lost(1012, "restart")
    pair.worker.lost(1006, "")
    assert pair.worker.events() == [Ended(Close(1012, "restart"), ours=False)]
    assert pair.worker.closing is None


def test_a_socket_that_is_gone_without_a_word_has_a_code_all_the_same() -> None:
    pair = Pair().connect()
    pair.worker.lost()
    assert pair.worker.events() == [Ended(Close(1006, ""), ours=False)]


def test_what_was_to_be_sent_is_forgotten_with_the_socket() -> None:
    pair = Pair().connect()
    pair.worker.send(RequestAck("request-1"))
    pair.worker.lost()
    assert pair.worker.data_to_send() == []


def test_what_was_to_be_sent_comes_before_a_close() -> None:
    pair = Pair().connect()
    pair.worker.send(RequestAck("request-1"))
    pair.worker.close()
    assert len(pair.worker.data_to_send()) == 1
    assert pair.worker.events() == [Ended(SHUTDOWN, ours=True)]


def test_nothing_is_due_once_it_is_over() -> None:
    pair = Pair().connect()
    pair.worker.close()
    pair.gateway.lost()
    assert (pair.worker.next_due, pair.gateway.tick(1e9)) == (None, None)


def test_a_role_refuses_to_say_what_has_no_place() -> None:
    pair = Pair()
    with pytest.raises(ProtocolError, match="RequestAck cannot be sent while GREETING"):
        pair.worker.send(RequestAck("request-1"))
    assert pair.worker.data_to_send() == []


def test_a_role_refuses_to_send_what_would_end_the_connection() -> None:
    pair = Pair().connect()
    with pytest.raises(ProtocolError, match="more than a gateway takes"):
        pair.worker.send(response(body=bytes(MAX_FRAME)))
    assert (pair.worker.phase, pair.worker.data_to_send()) == (Phase.READY, [])


@pytest.mark.parametrize(
    "message", [WorkerHeartbeat(), WorkerReady(), RequestAck("request-1")], ids=repr
)
def test_a_worker_does_not_listen_to_workers(message: WorkerHeartbeat | RequestAck) -> None:
    pair = Pair().connect()
    pair.gateway_says(message)
    assert pair.worker.closing == Close(4001, "UNEXPECTED")


@pytest.mark.parametrize(
    "message", [Hello(), GatewayHeartbeat(), ExecutorRequest("request-1")], ids=repr
)
def test_a_gateway_does_not_listen_to_gateways(message: Hello | ExecutorRequest) -> None:
    pair = Pair().connect()
    pair.worker_says(message)
    assert pair.gateway.closing == Close(1008, "connect_run_invalid_message")


def test_a_reason_is_cut_to_what_a_close_frame_holds() -> None:
    pair = Pair()
    pair.exchange()
    pair.gateway.sync_failed("\u00e4" * 100, "no")
    assert pair.gateway.closing == Close(1008, "\u00e4" * 61)
