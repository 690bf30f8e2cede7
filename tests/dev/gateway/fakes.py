"""A worker at the other end of an embedded gateway's link: both roles joined in memory."""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from inngest_asgi.connect.messages import (
    AppConfiguration,
    AuthData,
    ExecutorRequest,
    ExtendLease,
    ExtendLeaseAck,
    ReplyAck,
    RequestAck,
    Response,
    ResponseStatus,
    WorkerConnect,
)
from inngest_asgi.connect.protocol.closing import SHUTDOWN
from inngest_asgi.connect.protocol.connection import Ended
from inngest_asgi.connect.protocol.worker_role import WorkerRole
from inngest_asgi.dev.schedule import new_ulid
from tests.dev.fakes import Call, FakeApp, World

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import Message
    from inngest_asgi.connect.protocol.closing import Close
    from inngest_asgi.dev.gateway.links import Link
    from tests.dev.fakes import Reply


def configuration(app: FakeApp, version: str | None = None) -> AppConfiguration:
    """Return an app as a worker tells of it."""
    functions = []
    for slug, config in app.functions.items():
        runtime = {"type": "ws", "url": f"ws://connect?fnId={quote(slug)}&stepId=step"}
        step = config["steps"]["step"] | {"runtime": runtime}
        functions.append(config | {"steps": {"step": step}})
    return AppConfiguration(app.name, json.dumps(functions).encode(), version)


def introduction(here: World, *apps: AppConfiguration, **more: Any) -> WorkerConnect:
    """Return who a worker is, with a token that is good now."""
    connection_id = new_ulid(here.clock)
    token = here.server.gateway.tokens.make(connection_id)
    plain: dict[str, Any] = {
        "connection_id": connection_id,
        "instance_id": "worker-1",
        "auth_data": AuthData(token),
        "apps": apps,
        "sdk_language": "py",
        "sdk_version": "v1.0.0",
        "framework": "connect",
    }
    return WorkerConnect(**(plain | more))


class FakeWorker:
    """Answers requests as the functions of fake apps do, or only when told.

    Args:
        here: the server's world.
        apps: what it serves.
        acknowledges: whether it acknowledges requests.
        answers: whether it answers them, after that.
        version: of all its apps.
        more: of its introduction.

    Attributes:
        requests: those it got, in order.
        stored: the ids of the replies that were acknowledged.
        heard: all that its role told.
        closed: how the connection ended.
    """

    def __init__(
        self,
        here: World,
        *apps: FakeApp,
        acknowledges: bool = True,
        answers: bool = True,
        version: str | None = None,
        **more: Any,
    ) -> None:
        self.here = here
        self.apps = {app.name: app for app in apps or (here.app,)}
        self.acknowledges = acknowledges
        self.answers = answers
        self.requests: list[ExecutorRequest] = []
        self.stored: list[str] = []
        self.refused: list[str] = []
        self.heard: list[Message] = []
        self.closed: Close | None = None
        told = [configuration(app, version) for app in self.apps.values()]
        self.introduction = introduction(here, *told, **more)
        self.role = WorkerRole(self.introduction, now=here.clock.time())
        self._tasks: set[asyncio.Task[None]] = set()
        self.link: Link = here.server.gateway.accept(self._wake)
        self._beating = asyncio.ensure_future(self._beat())

    async def ready(self) -> FakeWorker:
        """Wait until the gateway has said what it makes of this worker."""
        await self.here.server.settle()
        return self

    async def work(self, request: ExecutorRequest) -> None:
        """Run what was asked for, and answer."""
        self.say(response(request, await self._run(request)))

    def say(self, message: RequestAck | ExtendLease | Response) -> None:
        """Say something of a request."""
        self.role.send(message)
        self._exchange()

    def extend(self, request: ExecutorRequest) -> None:
        """Ask for a longer lease."""
        self.say(ExtendLease(**_echo(request), lease_id=request.lease_id))

    def die(self) -> None:
        """Be gone without a word."""
        self.role.lost()
        self.here.server.gateway.lost(self.link, None, "")

    def leave(self) -> None:
        """Be gone in order."""
        self.role.close()
        self.here.server.gateway.lost(self.link, *astuple(SHUTDOWN))

    def pause(self) -> None:
        """Want nothing new."""
        self.role.pause()
        self._exchange()

    async def _beat(self) -> None:
        """Do what is due, such as heartbeats."""
        while not self.role.ended:
            now = self.here.clock.time()
            await self.here.clock.sleep((self.role.next_due or now + 1) - now)
            self.role.tick(self.here.clock.time())
            self._exchange()

    def _wake(self) -> None:
        asyncio.get_running_loop().call_soon(self._exchange)

    def _exchange(self) -> None:
        now, gateway = self.here.clock.time(), self.here.server.gateway
        for frame in self.link.take():
            self.role.receive(frame, now)
        for event in self.role.events():
            if isinstance(event, Ended):
                self.closed = event.close
            else:
                self.heard.append(event)  # type: ignore[arg-type]
                self._happened(event)
        for frame in self.role.data_to_send():
            gateway.received(self.link, frame)
        closing = self.link.closing
        if closing is not None and not self.role.ended:
            self.role.lost(closing.code, closing.reason)
            self._exchange()

    def _happened(self, event: Any) -> None:
        if isinstance(event, ExecutorRequest):
            self.requests.append(event)
            if self.acknowledges:
                self.role.send(RequestAck(**_echo(event)))
            if self.answers:
                task = asyncio.ensure_future(self.work(event))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        elif isinstance(event, ReplyAck):
            self.stored.append(event.request_id)
        elif isinstance(event, ExtendLeaseAck):
            self._extended(event)

    def _extended(self, event: ExtendLeaseAck) -> None:
        if event.new_lease_id is None:
            self.refused.append(event.request_id)
        self.requests = [
            replace(one, lease_id=event.new_lease_id or "")
            if one.request_id == event.request_id
            else one
            for one in self.requests
        ]

    async def _run(self, request: ExecutorRequest) -> Reply:
        body, app = json.loads(request.request_payload), self.apps[request.app_name]
        call = Call(request.function_slug, request.step_id or "", body, {})
        app.calls.append(call)
        reply = app.handlers[request.function_slug](call)
        return await reply if inspect.isawaitable(reply) else reply


def response(request: ExecutorRequest, reply: Reply) -> Response:
    """Return what a worker answers."""
    return Response(
        request_id=request.request_id,
        status=ResponseStatus.of(reply.status),
        body=json.dumps(reply.body).encode(),
        no_retry=reply.headers.get("x-inngest-no-retry") == "true",
        retry_after=reply.headers.get("retry-after"),
        request_version=2,
        system_trace_ctx=request.system_trace_ctx,
        user_trace_ctx=request.user_trace_ctx,
    )


def _echo(request: ExecutorRequest) -> dict[str, Any]:
    names = (
        *("request_id", "account_id", "env_id", "app_id", "function_slug", "step_id"),
        *("system_trace_ctx", "user_trace_ctx", "run_id"),
    )
    return {name: getattr(request, name) for name in names}
