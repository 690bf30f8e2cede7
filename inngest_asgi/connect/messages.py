"""What a worker and a gateway say to each other, as records (connect.md 2); it knows no protobuf.

How they become bytes and back is the business of `frames`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

HEARTBEAT_INTERVAL = 10.0
"""Seconds between heartbeats where a gateway names none (connect.md 4)."""

EXTEND_LEASE_INTERVAL = 5.0
"""Seconds between lease extensions where a gateway names none: safe for every lease seen so far."""


class ResponseStatus(IntEnum):
    """How a call went, in place of an HTTP status (connect.md 6.1)."""

    NOT_COMPLETED = 0
    DONE = 1
    ERROR = 2

    @classmethod
    def of(cls, status: int) -> ResponseStatus:
        """Return what stands for an HTTP status: 200 and 206 have their own, all else failed."""
        return {200: cls.DONE, 206: cls.NOT_COMPLETED}.get(status, cls.ERROR)


# The handshake.


@dataclass(frozen=True, slots=True)
class Hello:
    """GATEWAY_HELLO: the gateway is there and wants to know who calls."""


@dataclass(frozen=True, slots=True)
class AuthData:
    """The two tokens of the start response, handed on to the gateway."""

    session_token: str = ""
    sync_token: str = ""

    def __repr__(self) -> str:
        return "AuthData(...)"


@dataclass(frozen=True, slots=True)
class AppConfiguration:
    """One app of a worker; `functions` is a JSON array of their configurations."""

    app_name: str
    functions: bytes
    app_version: str | None = None


@dataclass(frozen=True, slots=True)
class SystemAttributes:
    """The machine a worker runs on."""

    cpu_cores: int = 0
    mem_bytes: int = 0
    os: str = ""


@dataclass(frozen=True, slots=True)
class WorkerConnect:
    """WORKER_CONNECT: who the worker is and what it can run.

    `capabilities` is JSON. With `worker_manual_readiness_ack`, the gateway sends no request before
    the worker's WORKER_READY. A `max_worker_concurrency` of None or 0 means no limit.
    """

    connection_id: str
    instance_id: str
    auth_data: AuthData
    apps: tuple[AppConfiguration, ...]
    capabilities: bytes = b"{}"
    worker_manual_readiness_ack: bool = True
    system_attributes: SystemAttributes | None = None
    environment: str | None = None
    framework: str = ""
    platform: str | None = None
    sdk_version: str = ""
    sdk_language: str = ""
    started_at: datetime | None = None
    max_worker_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectionReady:
    """GATEWAY_CONNECTION_READY: the worker is accepted; the intervals are in seconds.

    A `status_interval` of 0 means that no status is wanted.
    """

    heartbeat_interval: float = HEARTBEAT_INTERVAL
    extend_lease_interval: float = EXTEND_LEASE_INTERVAL
    status_interval: float = 0.0


@dataclass(frozen=True, slots=True)
class SyncFailed:
    """SYNC_FAILED: an app of the worker was not accepted; the gateway closes next."""

    code: str
    message: str
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """WORKER_READY: send me requests."""


# Requests, their leases, and replies.


@dataclass(frozen=True, slots=True)
class ExecutorRequest:
    """GATEWAY_EXECUTOR_REQUEST: run this call; the payload is the JSON body of the HTTP call.

    The trace contexts are JSON objects of propagation headers.
    """

    request_id: str
    account_id: str = ""
    env_id: str = ""
    app_id: str = ""
    app_name: str = ""
    function_id: str = ""
    function_slug: str = ""
    step_id: str | None = None
    request_payload: bytes = b""
    system_trace_ctx: bytes = b""
    user_trace_ctx: bytes = b""
    run_id: str = ""
    lease_id: str = ""
    job_id: str = ""


@dataclass(frozen=True, slots=True)
class RequestAck:
    """WORKER_REQUEST_ACK: the request is taken and will be answered."""

    request_id: str
    account_id: str = ""
    env_id: str = ""
    app_id: str = ""
    function_slug: str = ""
    step_id: str | None = None
    system_trace_ctx: bytes = b""
    user_trace_ctx: bytes = b""
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class ExtendLease:
    """WORKER_REQUEST_EXTEND_LEASE: the request still runs; `lease_id` is the lease held now."""

    request_id: str
    account_id: str = ""
    env_id: str = ""
    app_id: str = ""
    function_slug: str = ""
    step_id: str | None = None
    system_trace_ctx: bytes = b""
    user_trace_ctx: bytes = b""
    run_id: str = ""
    lease_id: str = ""


@dataclass(frozen=True, slots=True)
class ExtendLeaseAck:
    """WORKER_REQUEST_EXTEND_LEASE_ACK: the lease to name next time, or None: it is lost."""

    request_id: str
    account_id: str = ""
    env_id: str = ""
    app_id: str = ""
    function_slug: str = ""
    new_lease_id: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """WORKER_REPLY, and the body of a flush: SDKResponse, the answer of a call."""

    request_id: str
    account_id: str = ""
    env_id: str = ""
    app_id: str = ""
    status: ResponseStatus = ResponseStatus.ERROR
    body: bytes = b""
    no_retry: bool = False
    retry_after: str | None = None
    sdk_version: str = ""
    request_version: int = 0
    system_trace_ctx: bytes = b""
    user_trace_ctx: bytes = b""
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class ReplyAck:
    """WORKER_REPLY_ACK: the answer is stored, the worker may forget it."""

    request_id: str


# While connected.


@dataclass(frozen=True, slots=True)
class WorkerHeartbeat:
    """WORKER_HEARTBEAT."""


@dataclass(frozen=True, slots=True)
class GatewayHeartbeat:
    """GATEWAY_HEARTBEAT: the answer to each of the worker's."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """WORKER_STATUS: what the worker works on, and whether it wants to stop."""

    in_flight_request_ids: tuple[str, ...] = ()
    shutdown_requested: bool = False


@dataclass(frozen=True, slots=True)
class WorkerPause:
    """WORKER_PAUSE: send me nothing new; what I have, I finish."""


@dataclass(frozen=True, slots=True)
class GatewayClosing:
    """GATEWAY_CLOSING: the gateway shuts down; find another one."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame of a kind that this version does not know; it is ignored."""

    kind: int


Message: TypeAlias = (
    Hello
    | WorkerConnect
    | ConnectionReady
    | SyncFailed
    | WorkerReady
    | ExecutorRequest
    | RequestAck
    | ExtendLease
    | ExtendLeaseAck
    | Response
    | ReplyAck
    | WorkerHeartbeat
    | GatewayHeartbeat
    | WorkerStatus
    | WorkerPause
    | GatewayClosing
    | Unknown
)
"""What one frame of the socket carries."""


# The HTTP requests beside the socket.


@dataclass(frozen=True, slots=True)
class StartRequest:
    """The body of POST /v0/connect/start: the gateway groups not wanted (connect.md 3)."""

    exclude_gateways: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StartResponse:
    """Where to connect, and what to show there."""

    connection_id: str
    gateway_endpoint: str
    gateway_group: str = ""
    session_token: str = ""
    sync_token: str = ""

    @property
    def auth_data(self) -> AuthData:
        """The tokens as WORKER_CONNECT carries them."""
        return AuthData(self.session_token, self.sync_token)

    def __repr__(self) -> str:
        return f"StartResponse({self.connection_id!r}, {self.gateway_endpoint!r}, ...)"


@dataclass(frozen=True, slots=True)
class FlushResponse:
    """The answer of POST /v0/connect/flush: the reply to this request is stored."""

    request_id: str
