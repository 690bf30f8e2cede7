"""A session in a world of gateways, all in memory: its shell, the server behind them, and time."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from inngest_asgi.connect.messages import (
    ConnectionReady,
    RequestAck,
    Response,
    StartResponse,
    WorkerConnect,
)
from inngest_asgi.connect.protocol.deadlines import earliest
from inngest_asgi.connect.protocol.gateway_role import GatewayRole
from inngest_asgi.connect.protocol.leases import Leases
from inngest_asgi.connect.session.actions import (
    Action,
    Cancel,
    Disconnect,
    Execute,
    Failure,
    Flush,
    Open,
    Send,
    StateChanged,
)
from inngest_asgi.connect.session.session import WorkerSession
from tests.connect.pairs import REQUEST, WORKER, response, ulids

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import ExecutorRequest
    from inngest_asgi.connect.protocol.connection import Event
    from inngest_asgi.connect.session.states import ConnectionState

A = TypeVar("A", bound=Action)


class World:
    """Everything around one session. Nothing happens but by the calls below.

    Attributes:
        gateways: the gateway's end of each connection, by link.
        actions: all the session asked for, in order.
        flushes: replies the shell was asked to flush and has not flushed yet.
        running: requests whose code runs.
        stored: the answers the server has, by request id, and how often each came.
        acknowledged: ids of requests the worker has taken.
    """

    def __init__(
        self,
        worker: WorkerConnect = WORKER,
        *,
        intervals: ConnectionReady | None = None,
        outbox_limit: int = 1 << 20,
        lasting_leases: float = 120.0,
    ) -> None:
        self.now = 1000.0
        self.new_id = ulids()
        self.leases = Leases(self.new_id, duration=lasting_leases)
        self.session = WorkerSession(
            worker, now=self.now, chance=lambda: 0.5, outbox_limit=outbox_limit
        )
        self.intervals = intervals or ConnectionReady(10.0, 30.0, 0.0)
        self.gateways: dict[int, GatewayRole] = {}
        self.actions: list[Action] = []
        self.opening: list[Open] = []
        self.flushes: list[Response] = []
        self.running: dict[str, ExecutorRequest] = {}
        self.executed: list[str] = []
        self.stored: dict[str, list[Response]] = {}
        self.acknowledged: set[str] = set()
        self.noted: list[tuple[int, Event]] = []
        self.reachable = True
        self.groups = count(1)

    # What was asked for.

    def all(self, kind: type[A]) -> list[A]:
        """Return the actions of a kind, in order."""
        return [action for action in self.actions if isinstance(action, kind)]

    @property
    def states(self) -> list[ConnectionState]:
        """The states the session went through, after the first."""
        return [action.state for action in self.all(StateChanged)]

    @property
    def newest(self) -> GatewayRole:
        """The gateway's end of the newest connection."""
        return self.gateways[max(self.gateways)]

    # The shell and the gateways.

    def settle(self) -> World:
        """Carry out what is asked for until nobody asks for anything, time standing still."""
        self.session.tick(self.now)
        while self._carry_out() or self._converse():
            pass
        return self

    def pass_time(self, seconds: float) -> World:
        """Let time pass, everybody doing what is due."""
        until = self.now + seconds
        self.settle()
        while (due := self._due()) is not None and due <= until:
            self.now = max(self.now, due)
            for gateway in self.gateways.values():
                gateway.tick(self.now)
            self.leases.tick(self.now)
            self.settle()
        self.now = until
        return self.settle()

    def open(self) -> World:
        """Answer the oldest `Open` with a gateway of a group of its own."""
        link = self.opening.pop(0).link
        gateway = GatewayRole(self.leases, now=self.now)
        self.gateways[link] = gateway
        group = f"gw-{next(self.groups)}"
        start = StartResponse(self.new_id(), "ws://gateway", group, "session", "sync")
        self.session.opened(link, start, self.now)
        return self

    def fail(self, failure: Failure = Failure.AWAY, group: str = "") -> World:
        """Answer the oldest `Open` with a failure."""
        link = self.opening.pop(0).link
        self.session.failed(link, failure, self.now, sentence="No.", group=group)
        return self.settle()

    def connect(self) -> World:
        """Open what is to be opened and go through the handshake."""
        self.settle()
        while self.opening:
            self.open().settle()
        return self

    def drop(self, link: int | None = None) -> World:
        """Cut a connection, the newest by default, without a word to either end."""
        number = max(self.gateways) if link is None else link
        self.gateways.pop(number).lost()
        self.session.lost(number, self.now)
        return self.settle()

    # Requests.

    def request(self, request_id: str = "request-1", link: int | None = None) -> World:
        """Have a gateway send a request."""
        gateway = self.newest if link is None else self.gateways[link]
        gateway.request(replace(REQUEST, request_id=request_id), self.now)
        return self.settle()

    def finish(self, request_id: str = "request-1") -> World:
        """Let the code of a request end with an answer."""
        del self.running[request_id]
        self.session.reply(response(request_id), self.now)
        return self.settle()

    def flush(self) -> World:
        """Let every flush that was asked for succeed."""
        for one in self.flushes:
            self._store(one)
            self.session.flushed(one.request_id, self.now)
        self.flushes.clear()
        return self.settle()

    def fail_flushes(self, refused: str | None = None) -> World:
        """Let every flush that was asked for fail."""
        failed, self.flushes = self.flushes, []
        for one in failed:
            self.session.not_flushed(one.request_id, self.now, refused=refused)
        return self.settle()

    def _due(self) -> float | None:
        gateways = (one.next_due for one in self.gateways.values())
        return earliest(self.session.next_due, self.leases.tick(self.now), *gateways)

    def _carry_out(self) -> bool:
        actions = self.session.actions()
        self.actions += actions
        for action in actions:
            match action:
                case Open():
                    self.opening.append(action)
                case Send() if action.link in self.gateways and self.reachable:
                    self.gateways[action.link].receive(action.data, self.now)
                case Disconnect():
                    self._disconnected(action)
                case Execute():
                    self.executed.append(action.request.request_id)
                    self.running[action.request.request_id] = action.request
                case Cancel() if action.request_id in self.session.work:
                    del self.running[action.request_id]
                    self.session.abandon(action.request_id, self.now)
                case Flush():
                    self.flushes.append(action.response)
        return bool(actions)

    def _disconnected(self, action: Disconnect) -> None:
        self.opening = [one for one in self.opening if one.link != action.link]
        gateway = self.gateways.pop(action.link, None)
        if gateway is not None:
            gateway.lost(action.close.code, action.close.reason)
            self.noted += [(action.link, event) for event in gateway.events()]

    def _converse(self) -> bool:
        busy = False
        for link, gateway in list(self.gateways.items()):
            for event in gateway.events():
                busy = True
                self._act(link, gateway, event)
            for frame in gateway.data_to_send():
                busy = True
                if self.reachable:
                    self.session.receive(link, frame, self.now)
            if gateway.closing is not None:
                del self.gateways[link]
                self.session.lost(link, self.now, gateway.closing.code, gateway.closing.reason)
        return busy

    def _act(self, link: int, gateway: GatewayRole, event: Event) -> None:
        self.noted.append((link, event))
        match event:
            case WorkerConnect():
                gateway.ready(self.intervals, self.now)
            case RequestAck():
                self.acknowledged.add(event.request_id)
            case Response():
                self._store(event)
                gateway.stored(event.request_id)

    def _store(self, answer: Response) -> None:
        self.leases.finish(answer.request_id)
        self.stored.setdefault(answer.request_id, []).append(answer)
