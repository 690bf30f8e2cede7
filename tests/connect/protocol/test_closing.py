"""How connections end: what a close code and a reason mean (connect.md 11)."""

from __future__ import annotations

import pytest

from inngest_asgi.connect.pb import connect_pb2 as pb
from inngest_asgi.connect.protocol.closing import (
    DRAINED,
    SHUTDOWN,
    UNEXPECTED,
    Close,
    CloseCode,
    Reason,
)
from inngest_asgi.connect.protocol.connection import MAX_FRAME
from tests.connect.pairs import WORKER, Pair


@pytest.mark.parametrize(
    ("close", "code", "reason"),
    [
        (SHUTDOWN, 1000, "WORKER_SHUTDOWN"),
        (DRAINED, 1001, "connect_gateway_closing"),
        (UNEXPECTED, 4001, "UNEXPECTED"),
    ],
)
def test_closes_are_those_of_the_protocol(close: Close, code: int, reason: str) -> None:
    assert (close.code, close.reason) == (code, reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    sentence = Close(CloseCode.POLICY, reason).explain()
    assert sentence.endswith(".")
    assert f"({CloseCode.POLICY}" not in sentence


def test_a_reason_that_only_the_server_knows_is_shown() -> None:
    close = Close(CloseCode.POLICY, "concurrency_limit_too_high")
    assert "did not accept an app" in close.explain()
    assert "concurrency_limit_too_high" in close.explain()


def test_an_end_without_a_reason_is_told_by_its_code() -> None:
    assert Close(1006, "").explain() == "The connection was closed (1006 no reason)."


def test_too_many_apps_names_the_limit() -> None:
    assert "10" in Close(CloseCode.POLICY, Reason.TOO_MANY_APPS).explain()


@pytest.mark.parametrize(
    ("close", "refuses"),
    [
        (Close(1008, "connect_authentication_failed"), True),
        (Close(1008, "connect_too_many_apps_per_connection"), True),
        (Close(1008, "connect_invalid_function_config"), True),
        (Close(1008, "a code of the register call"), True),
        (Close(1008, "connect_worker_hello_timeout"), False),
        (Close(1008, "connect_gateway_closing"), False),
        (Close(1008, "connect_run_invalid_message"), False),
        (Close(1008, "connect_worker_request_ack_invalid_payload"), False),
        (Close(1008, "connect_worker_request_extend_lease_invalid_payload"), False),
        (Close(1011, "connect_internal_error"), False),
        (Close(1006, ""), False),
        (DRAINED, False),
    ],
    ids=str,
)
def test_a_refusal_is_told_from_a_gateway_that_is_away(close: Close, refuses: bool) -> None:  # noqa: FBT001
    assert close.refuses is refuses


# What a gateway ends a connection over.


def broken(kind: int) -> bytes:
    frame: bytes = pb.ConnectMessage(kind=kind, payload=b"\xff").SerializeToString()  # type: ignore[arg-type]
    return frame


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (broken(5), "connect_worker_request_ack_invalid_payload"),
        (broken(12), "connect_worker_request_extend_lease_invalid_payload"),
        (broken(6), "connect_run_invalid_message"),
        (b"\xff", "connect_run_invalid_message"),
    ],
    ids=["acknowledgement", "extension", "reply", "frame"],
)
def test_a_broken_frame_ends_the_connection(data: bytes, reason: str) -> None:
    pair = Pair().connect()
    pair.gateway.receive(data, pair.now)
    assert pair.gateway.closing == Close(1008, reason)


def test_a_second_introduction_ends_the_connection() -> None:
    pair = Pair().connect()
    pair.worker_says(WORKER)
    assert pair.gateway.closing == Close(1008, "connect_run_invalid_message")


def test_a_frame_over_the_limit_ends_the_connection() -> None:
    pair = Pair().connect()
    pair.gateway.receive(bytes(MAX_FRAME + 1), pair.now)
    assert pair.gateway.closing == Close(1009, "MESSAGE_TOO_LARGE")
