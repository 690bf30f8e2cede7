"""Records into protobuf and back, once, at the edge; the only file that touches generated code."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from inngest_asgi.connect import messages
from inngest_asgi.connect.messages import Message, ResponseStatus, Unknown
from inngest_asgi.connect.pb import connect_pb2 as pb
from inngest_asgi.errors import FrameError
from inngest_asgi.wire.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import Field

T = TypeVar("T")

SHORTEST_INTERVAL = 0.01
"""Seconds; what a gateway asks for below this would be a busy loop."""

_EMPTY: dict[Message, pb.GatewayMessageType] = {
    messages.Hello(): pb.GATEWAY_HELLO,
    messages.WorkerReady(): pb.WORKER_READY,
    messages.WorkerPause(): pb.WORKER_PAUSE,
    messages.WorkerHeartbeat(): pb.WORKER_HEARTBEAT,
    messages.GatewayHeartbeat(): pb.GATEWAY_HEARTBEAT,
    messages.GatewayClosing(): pb.GATEWAY_CLOSING,
}
_KINDS: dict[type[Message], pb.GatewayMessageType] = {
    messages.WorkerConnect: pb.WORKER_CONNECT,
    messages.ConnectionReady: pb.GATEWAY_CONNECTION_READY,
    messages.ExecutorRequest: pb.GATEWAY_EXECUTOR_REQUEST,
    messages.RequestAck: pb.WORKER_REQUEST_ACK,
    messages.Response: pb.WORKER_REPLY,
    messages.ReplyAck: pb.WORKER_REPLY_ACK,
    messages.ExtendLease: pb.WORKER_REQUEST_EXTEND_LEASE,
    messages.ExtendLeaseAck: pb.WORKER_REQUEST_EXTEND_LEASE_ACK,
    messages.SyncFailed: pb.SYNC_FAILED,
    messages.WorkerStatus: pb.WORKER_STATUS,
}
_GENERATED: dict[type, Any] = {
    messages.WorkerConnect: pb.WorkerConnectRequestData,
    messages.AuthData: pb.AuthData,
    messages.AppConfiguration: pb.AppConfiguration,
    messages.SystemAttributes: pb.SystemAttributes,
    messages.ConnectionReady: pb.GatewayConnectionReadyData,
    messages.SyncFailed: pb.SystemError,
    messages.WorkerStatus: pb.WorkerStatusData,
    messages.ExecutorRequest: pb.GatewayExecutorRequestData,
    messages.RequestAck: pb.WorkerRequestAckData,
    messages.ExtendLease: pb.WorkerRequestExtendLeaseData,
    messages.ExtendLeaseAck: pb.WorkerRequestExtendLeaseAckData,
    messages.Response: pb.SDKResponse,
    messages.ReplyAck: pb.WorkerReplyAckData,
    messages.StartRequest: pb.StartRequest,
    messages.StartResponse: pb.StartResponse,
    messages.FlushResponse: pb.FlushResponse,
}
_EMPTY_BY_KIND = {int(kind): message for message, kind in _EMPTY.items()}
_RECORDS = {int(kind): record for record, kind in _KINDS.items()}


def to_frame(message: Message) -> bytes:
    """Write a message as one binary frame.

    Raises:
        FrameError: the message is `Unknown`, or protobuf has no room for a value of it.
    """
    if isinstance(message, Unknown):
        raise FrameError(f"A message of unknown kind {message.kind} cannot be written.")
    empty = type(message) not in _KINDS
    kind = _EMPTY[message] if empty else _KINDS[type(message)]
    payload = b"" if empty else to_bytes(message)
    frame: bytes = pb.ConnectMessage(kind=kind, payload=payload).SerializeToString()
    return frame


def from_frame(data: bytes) -> Message:
    """Read one binary frame; unknown fields are ignored, an unknown kind gives `Unknown`.

    Raises:
        FrameError: these bytes are not such a frame; `kind` says which message is broken, if the
            envelope could be read.
    """
    envelope = _parsed(pb.ConnectMessage, data)
    kind = int(envelope.kind)
    if kind in _RECORDS:
        return from_bytes(_RECORDS[kind], envelope.payload)
    return _EMPTY_BY_KIND.get(kind) or Unknown(kind)


def to_bytes(record: Any) -> bytes:
    """Write a record without the envelope, as HTTP bodies are.

    Raises:
        FrameError: protobuf has no room for a value of it.
    """
    try:
        data: bytes = _generated(record).SerializeToString()
    except (ValueError, TypeError) as error:
        name = type(record).__name__
        raise FrameError(f"A {name} cannot be written: {error}.", kind=type(record)) from error
    return data


def from_bytes(record: type[T], data: bytes) -> T:
    """Read a record without the envelope, as HTTP bodies are.

    Raises:
        FrameError: these bytes are not such a record.
    """
    generated = _parsed(_GENERATED[record], data, record)
    try:
        return _record(record, generated)
    except (ValueError, OverflowError) as error:
        raise FrameError(f"A {record.__name__} cannot be read: {error}.", kind=record) from error


def _parsed(generated: Any, data: bytes, record: type | None = None) -> Any:
    try:
        return generated.FromString(data)
    except (DecodeError, ValueError) as error:
        name = record.__name__ if record else "connect frame"
        raise FrameError(f"These {len(data)} bytes are no {name}.", kind=record) from error


def _generated(record: Any) -> Any:
    values = {one.name: _written(one.name, getattr(record, one.name)) for one in fields(record)}
    return _GENERATED[type(record)](**values)


def _written(name: str, value: Any) -> Any:
    if name in _INTERVALS:
        return f"{value:.6f}".rstrip("0").rstrip(".") + "s"
    if isinstance(value, datetime):
        moment = Timestamp()
        moment.FromDatetime(value)
        return moment
    if name == "apps":
        return [_generated(one) for one in value]
    return _generated(value) if type(value) in _GENERATED else value


def _record(record: type[T], generated: Any) -> T:
    return record(**{one.name: _value(one, generated) for one in fields(record)})  # type: ignore[arg-type]


def _value(field: Field[Any], generated: Any) -> Any:
    """Read one field; those that default to None tell absent from empty."""
    if field.default is None and not generated.HasField(field.name):
        return None
    value = getattr(generated, field.name)
    reader = _READERS.get(field.name)
    return reader(value) if reader else value


def _seconds(text: str, *, fallback: float) -> float:
    """Read a Go duration; one that is missing, zero or not readable gives the fallback."""
    try:
        seconds = parse_duration(text).total_seconds()
    except ValueError:
        return fallback
    return max(seconds, SHORTEST_INTERVAL) if seconds else fallback


def _status(number: int) -> ResponseStatus:
    """Read a status; one that only later versions know is at least no success."""
    return _STATUSES.get(number, ResponseStatus.ERROR)


_STATUSES = {int(status): status for status in ResponseStatus}
_INTERVALS = {
    "heartbeat_interval": messages.HEARTBEAT_INTERVAL,
    "extend_lease_interval": messages.EXTEND_LEASE_INTERVAL,
    "status_interval": 0.0,
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "apps": lambda apps: tuple(_record(messages.AppConfiguration, one) for one in apps),
    "auth_data": partial(_record, messages.AuthData),
    "exclude_gateways": tuple,
    "in_flight_request_ids": tuple,
    "started_at": lambda moment: moment.ToDatetime(tzinfo=UTC),
    "status": _status,
    "system_attributes": partial(_record, messages.SystemAttributes),
    **{name: partial(_seconds, fallback=value) for name, value in _INTERVALS.items()},
}
