"""Messages as frames: every field there and back, and what is missing, unknown or broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from inngest_asgi.connect import messages
from inngest_asgi.connect.frames import (
    SHORTEST_INTERVAL,
    from_bytes,
    from_frame,
    to_bytes,
    to_frame,
)
from inngest_asgi.connect.messages import ConnectionReady, ResponseStatus, Unknown
from inngest_asgi.connect.pb import connect_pb2 as pb
from inngest_asgi.errors import FrameError
from tests.connect.examples import MESSAGES

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import Message

BODIES = [
    messages.StartRequest(("gw-1", "gw-2")),
    messages.StartResponse("connection", "ws://gateway", "gw-1", "session", "sync"),
    messages.FlushResponse("request"),
    messages.Response("request", status=ResponseStatus.NOT_COMPLETED, body=b"[]"),
]

OPTIONAL = [
    pytest.param(record, field, id=f"{record.__name__}.{field}")
    for record, field in (
        (messages.WorkerConnect, "environment"),
        (messages.WorkerConnect, "platform"),
        (messages.WorkerConnect, "max_worker_concurrency"),
        (messages.WorkerConnect, "started_at"),
        (messages.WorkerConnect, "system_attributes"),
        (messages.ExecutorRequest, "step_id"),
        (messages.RequestAck, "step_id"),
        (messages.ExtendLeaseAck, "new_lease_id"),
        (messages.Response, "retry_after"),
        (messages.SyncFailed, "data"),
        (messages.AppConfiguration, "app_version"),
    )
]


def name_of(value: object) -> str:
    return type(value).__name__ if not isinstance(value, int) else ""


@pytest.mark.parametrize(("message", "kind"), MESSAGES, ids=name_of)
def test_a_message_goes_over_the_wire_whole(message: Message, kind: int) -> None:
    assert from_frame(to_frame(message)) == message


@pytest.mark.parametrize(("message", "kind"), MESSAGES, ids=name_of)
def test_a_message_has_the_number_of_its_kind(message: Message, kind: int) -> None:
    assert pb.ConnectMessage.FromString(to_frame(message)).kind == kind


@pytest.mark.parametrize("body", BODIES, ids=name_of)
def test_a_body_goes_over_the_wire_whole(body: Any) -> None:
    assert from_bytes(type(body), to_bytes(body)) == body


@pytest.mark.parametrize(("record", "field"), OPTIONAL)
def test_what_is_absent_is_not_what_is_empty(record: type, field: str) -> None:
    assert getattr(from_bytes(record, b""), field) is None


def test_an_empty_environment_is_not_an_absent_one() -> None:
    data = pb.WorkerConnectRequestData(environment="").SerializeToString()
    assert from_bytes(messages.WorkerConnect, data).environment == ""


def test_an_empty_frame_is_a_hello() -> None:
    assert from_frame(b"") == messages.Hello()


def test_a_kind_of_a_later_version_is_read_as_unknown() -> None:
    data = pb.ConnectMessage(kind=99, payload=b"\xff").SerializeToString()  # type: ignore[arg-type]
    assert from_frame(data) == Unknown(99)


def test_what_is_unknown_is_never_written() -> None:
    with pytest.raises(FrameError, match="unknown kind 99"):
        to_frame(Unknown(99))


def test_a_field_of_a_later_version_is_ignored() -> None:
    unknown = b"\x92\x06\x05later"  # field 98, five bytes
    assert from_bytes(messages.ReplyAck, b"\x0a\x01r" + unknown) == messages.ReplyAck("r")


def test_a_status_of_a_later_version_is_no_success() -> None:
    assert from_bytes(messages.Response, b"\x28\x09").status is ResponseStatus.ERROR


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10.0),
        ("1m30s", 90.0),
        ("1.5s", 1.5),
        ("500ms", 0.5),
        ("1us", SHORTEST_INTERVAL),
        ("", 10.0),
        ("0s", 10.0),
        ("-5s", 10.0),
        ("soon", 10.0),
    ],
)
def test_an_interval_is_a_go_duration(text: str, seconds: float) -> None:
    data = pb.GatewayConnectionReadyData(heartbeat_interval=text).SerializeToString()
    assert from_bytes(ConnectionReady, data).heartbeat_interval == seconds


def test_intervals_that_are_not_named_have_defaults() -> None:
    assert from_bytes(ConnectionReady, b"") == ConnectionReady(10.0, 5.0, 0.0)


def test_no_status_is_wanted_at_an_interval_of_zero() -> None:
    data = pb.GatewayConnectionReadyData(status_interval="0s").SerializeToString()
    assert from_bytes(ConnectionReady, data).status_interval == 0.0


def test_an_interval_is_written_as_servers_do() -> None:
    data = to_bytes(ConnectionReady(10.0, 0.05, 0.0))
    generated = pb.GatewayConnectionReadyData.FromString(data)
    written = (generated.heartbeat_interval, generated.extend_lease_interval)
    assert (*written, generated.status_interval) == ("10s", "0.05s", "0s")


@pytest.mark.parametrize(
    "data", [b"\xff", b"\x08", b"\x12\x05abc"], ids=["tag", "no value", "cut off"]
)
def test_bytes_that_are_no_frame_are_one_kind_of_error(data: bytes) -> None:
    with pytest.raises(FrameError) as caught:
        from_frame(data)
    assert caught.value.kind is None


def test_a_broken_payload_names_its_message() -> None:
    data = pb.ConnectMessage(kind=pb.WORKER_REPLY, payload=b"\xff").SerializeToString()
    with pytest.raises(FrameError, match="no Response") as caught:
        from_frame(data)
    assert caught.value.kind is messages.Response


def test_text_that_is_not_utf8_is_an_error() -> None:
    with pytest.raises(FrameError):
        from_bytes(messages.ReplyAck, b"\x0a\x02\xff\xff")


def test_a_moment_beyond_dates_is_an_error() -> None:
    started_at = Timestamp(seconds=2**54)
    data = pb.WorkerConnectRequestData(started_at=started_at).SerializeToString()
    with pytest.raises(FrameError, match="WorkerConnect") as caught:
        from_bytes(messages.WorkerConnect, data)
    assert caught.value.kind is messages.WorkerConnect


@pytest.mark.parametrize(
    "record",
    [messages.ReplyAck("\ud800"), messages.SystemAttributes(cpu_cores=2**40)],
    ids=["surrogate", "number"],
)
def test_a_value_that_protobuf_has_no_room_for_is_an_error(record: Any) -> None:
    with pytest.raises(FrameError, match="cannot be written") as caught:
        to_bytes(record)
    assert caught.value.kind is type(record)
