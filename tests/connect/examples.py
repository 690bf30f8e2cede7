"""One message of each kind, every field of it set, and the number of its kind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from inngest_asgi.connect import messages
from inngest_asgi.connect.messages import ResponseStatus

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import Message

IDS = ("request", "account", "env", "app")
TRACES = (b'{"a":1}', b'{"b":2}')

MESSAGES: list[tuple[Message, int]] = [
    (messages.Hello(), 0),
    (
        messages.WorkerConnect(
            connection_id="connection",
            instance_id="instance",
            auth_data=messages.AuthData("session", "sync"),
            apps=(
                messages.AppConfiguration("one", b"[]"),
                messages.AppConfiguration("two", b"[1]", "v2"),
            ),
            capabilities=b'{"connect":"v1"}',
            worker_manual_readiness_ack=False,
            system_attributes=messages.SystemAttributes(4, 2**40, "linux"),
            environment="branch",
            framework="connect",
            platform="render",
            sdk_version="v1",
            sdk_language="py",
            started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            max_worker_concurrency=7,
        ),
        1,
    ),
    (messages.ConnectionReady(10.0, 30.0, 2.5), 2),
    (
        messages.ExecutorRequest(
            *IDS, "shop", "fn", "shop-fn", "step", b"{}", *TRACES, "run", "lease", "job"
        ),
        3,
    ),
    (messages.WorkerReady(), 4),
    (messages.RequestAck(*IDS, "shop-fn", "step", *TRACES, "run"), 5),
    (
        messages.Response(
            *IDS,
            status=ResponseStatus.DONE,
            body=b"1",
            no_retry=True,
            retry_after="30",
            sdk_version="inngest-asgi:v1",
            request_version=2,
            system_trace_ctx=TRACES[0],
            user_trace_ctx=TRACES[1],
            run_id="run",
        ),
        6,
    ),
    (messages.ReplyAck("request"), 7),
    (messages.WorkerPause(), 8),
    (messages.WorkerHeartbeat(), 9),
    (messages.GatewayHeartbeat(), 10),
    (messages.GatewayClosing(), 11),
    (messages.ExtendLease(*IDS, "shop-fn", None, *TRACES, "run", "lease"), 12),
    (messages.ExtendLeaseAck(*IDS, "shop-fn", "lease-2"), 13),
    (messages.SyncFailed("code", "message", b"data"), 14),
    (messages.WorkerStatus(("a", "b"), shutdown_requested=True), 15),
]
