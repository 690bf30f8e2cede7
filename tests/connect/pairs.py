"""Both roles of a connection joined in memory: what one says, the other hears, in microseconds."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from inngest_asgi.connect.frames import to_frame
from inngest_asgi.connect.messages import (
    AppConfiguration,
    AuthData,
    ConnectionReady,
    ExecutorRequest,
    Response,
    ResponseStatus,
    WorkerConnect,
)
from inngest_asgi.connect.protocol.gateway_role import GatewayRole
from inngest_asgi.connect.protocol.leases import Leases
from inngest_asgi.connect.protocol.worker_role import WorkerRole

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.connect.messages import Message
    from inngest_asgi.connect.protocol.connection import Event

CONNECTION_ID = "01JQDAE4RQF8MBCR55T5AK4KXS"
INTERVALS = ConnectionReady(10.0, 30.0, 0.0)

WORKER = WorkerConnect(
    connection_id=CONNECTION_ID,
    instance_id="web-1",
    auth_data=AuthData("session", "sync"),
    apps=(AppConfiguration("shop", b"[]"),),
)

REQUEST = ExecutorRequest(
    request_id="request-1",
    account_id="account",
    env_id="env",
    app_id="app",
    app_name="shop",
    function_id="function",
    function_slug="shop-pay",
    step_id="step",
    request_payload=b"{}",
    system_trace_ctx=b'{"traceparent":"00-aa-bb-01"}',
    user_trace_ctx=b"{}",
    run_id="run-1",
)


def ulids() -> Callable[[], str]:
    """Return what makes ULIDs, each once."""
    numbers = count(1)
    return lambda: f"01{next(numbers):024d}"


def response(request_id: str = "request-1", body: bytes = b'"done"') -> Response:
    """Return an answer to a request."""
    return Response(
        request_id, status=ResponseStatus.DONE, body=body, system_trace_ctx=b"{}", run_id="run-1"
    )


class Pair:
    """A worker and a gateway, and the time they share.

    Attributes:
        heard: the events of the worker since they were last looked at.
        noted: those of the gateway.
    """

    def __init__(
        self,
        worker: WorkerConnect = WORKER,
        *,
        pausing: bool = False,
        authenticate: Callable[[WorkerConnect], bool] = lambda _: True,
        leases: Leases | None = None,
    ) -> None:
        self.now = 1000.0
        self.leases = Leases(ulids()) if leases is None else leases
        self.worker = WorkerRole(worker, now=self.now, pausing=pausing)
        self.gateway = GatewayRole(self.leases, now=self.now, authenticate=authenticate)
        self.heard: list[Event] = []
        self.noted: list[Event] = []

    def exchange(self) -> None:
        """Carry frames both ways until nobody has anything to say."""
        while True:
            down, up = self.gateway.data_to_send(), self.worker.data_to_send()
            for frame in down:
                self.worker.receive(frame, self.now)
            for frame in up:
                self.gateway.receive(frame, self.now)
            self.heard += self.worker.events()
            self.noted += self.gateway.events()
            if not down and not up:
                break
        if self.worker.closing and not self.gateway.ended:
            self.gateway.lost(self.worker.closing.code, self.worker.closing.reason)
        if self.gateway.closing and not self.worker.ended:
            self.worker.lost(self.gateway.closing.code, self.gateway.closing.reason)
        self.heard += self.worker.events()
        self.noted += self.gateway.events()

    def pass_time(self, seconds: float) -> None:
        """Let time pass for both, then let them talk; as long as they want to be woken."""
        until = self.now + seconds
        while True:
            due = [one for one in (self.worker.next_due, self.gateway.next_due) if one is not None]
            if not due or min(due) > until:
                break
            self.now = max(self.now, min(due))
            self.worker.tick(self.now)
            self.gateway.tick(self.now)
            self.exchange()
        self.now = until

    def connect(self, intervals: ConnectionReady = INTERVALS) -> Pair:
        """Go through the handshake and forget what happened in it."""
        self.exchange()
        self.gateway.ready(intervals, self.now)
        self.exchange()
        self.heard.clear()
        self.noted.clear()
        return self

    def request(self, request: ExecutorRequest = REQUEST) -> ExecutorRequest:
        """Have the gateway send a request, and return it as the worker got it."""
        lease_id = self.gateway.request(request, self.now)
        self.exchange()
        return replace(request, lease_id=lease_id)

    def worker_says(self, *messages: Message) -> None:
        """Have the gateway hear what the worker role itself might never say."""
        for message in messages:
            self.gateway.receive(to_frame(message), self.now)
        self.exchange()

    def gateway_says(self, *messages: Message) -> None:
        """Have the worker hear what the gateway role itself might never say."""
        for message in messages:
            self.worker.receive(to_frame(message), self.now)
        self.exchange()
