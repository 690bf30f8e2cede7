"""The outbox: a reply stays until the server has it, and is flushed whenever that is in doubt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inngest_asgi.connect.session.outbox import Outbox
from tests.connect.pairs import response


def sent(limit: int = 1 << 20) -> Outbox:
    outbox = Outbox(limit)
    outbox.add(response(), 0.0)
    outbox.sent("request-1", 1, 0.0)
    return outbox


def due(outbox: Outbox, now: float) -> list[str]:
    return [one.request_id for one in outbox.due(now)]


def test_a_reply_that_cannot_be_sent_is_flushed_at_once() -> None:
    outbox = Outbox()
    outbox.add(response(), 5.0)
    assert outbox.due(5.0) == [response()]


def test_a_reply_is_flushed_when_it_is_not_acknowledged_within_five_seconds() -> None:
    outbox = sent()
    assert (due(outbox, 4.9), outbox.next) == ([], 5.0)
    assert due(outbox, 5.0) == ["request-1"]


def test_a_reply_is_flushed_when_its_connection_is_gone() -> None:
    outbox = sent()
    outbox.link_gone(2, 1.0)
    assert due(outbox, 1.0) == []
    outbox.link_gone(1, 1.0)
    assert due(outbox, 1.0) == ["request-1"]


def test_a_reply_that_is_being_flushed_is_not_flushed_beside_it() -> None:
    outbox = sent()
    outbox.link_gone(1, 1.0)
    due(outbox, 1.0)
    outbox.hurry(2.0)
    outbox.link_gone(1, 2.0)
    assert due(outbox, 1000.0) == []


def test_a_reply_that_is_sent_again_while_being_flushed_is_not_forgotten() -> None:
    outbox = sent()
    due(outbox, 5.0)
    outbox.sent("request-1", 2, 6.0)
    assert due(outbox, 11.0) == []
    outbox.not_flushed("request-1", 12.0)
    assert due(outbox, 13.0) == ["request-1"]


def test_a_flush_that_fails_leaves_a_reply_to_the_socket_it_was_sent_on() -> None:
    outbox = sent()
    due(outbox, 5.0)
    outbox.sent("request-1", 2, 6.0)
    outbox.not_flushed("request-1", 7.0)
    assert outbox.next == 11.0


def test_flushes_that_fail_are_tried_again_less_and_less_often() -> None:
    outbox = sent()
    outbox.link_gone(1, 0.0)
    delays = []
    now = 0.0
    for _ in range(6):
        due(outbox, now)
        outbox.not_flushed("request-1", now)
        assert outbox.next is not None
        delays.append(outbox.next - now)
        now = outbox.next
    assert delays == [1.0, 2.0, 5.0, 10.0, 10.0, 10.0]


def test_failures_are_counted() -> None:
    outbox = sent()
    assert [outbox.not_flushed("request-1", 0.0) for _ in range(3)] == [1, 2, 3]
    outbox.hurry(0.0)
    assert outbox.not_flushed("request-1", 0.0) == 1


def test_a_flush_that_fails_after_an_acknowledgement_is_nothing() -> None:
    outbox = sent()
    outbox.discard("request-1")
    assert outbox.not_flushed("request-1", 9.0) == 0
    assert outbox.next is None


def test_replies_that_wait_are_hurried_when_the_server_is_back() -> None:
    outbox = sent()
    outbox.link_gone(1, 0.0)
    due(outbox, 0.0)
    outbox.not_flushed("request-1", 0.0)
    outbox.hurry(0.5)
    assert due(outbox, 0.5) == ["request-1"]


def test_replies_on_their_way_are_not_hurried() -> None:
    outbox = sent()
    outbox.hurry(1.0)
    assert due(outbox, 1.0) == []


def test_a_delivered_reply_is_forgotten_once() -> None:
    outbox = sent()
    assert outbox.discard("request-1") == response()
    assert outbox.discard("request-1") is None
    assert (len(outbox), outbox.size, outbox.next) == (0, 0, None)


def test_an_outbox_over_its_limit_is_full_and_drops_nothing() -> None:
    outbox = Outbox(1000)
    assert not outbox.full
    for number in range(3):
        outbox.add(response(f"request-{number}", bytes(600)), 0.0)
    assert outbox.full
    assert len(outbox.rest()) == 3
    for number in range(3):
        outbox.discard(f"request-{number}")
    assert not outbox.full


def test_connections_are_known_that_replies_wait_on() -> None:
    outbox = sent()
    assert (outbox.waits_on(), outbox.waits_on(1), outbox.waits_on(2)) == (True, True, False)
    outbox.link_gone(1, 0.0)
    assert (outbox.waits_on(), outbox.waits_on(1)) == (False, False)


@pytest.mark.parametrize("context", [b"", b"{", b"traceparent"], ids=["empty", "cut", "text"])
def test_a_flush_has_a_trace_context_that_servers_take(context: bytes) -> None:
    outbox = Outbox()
    outbox.add(replace(response(), system_trace_ctx=context), 0.0)
    (flushed,) = outbox.due(0.0)
    assert flushed == replace(response(), system_trace_ctx=b"{}")
