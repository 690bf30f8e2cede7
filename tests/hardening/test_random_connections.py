"""A worker's session among gateways that come, go, drain, freeze and repeat themselves, by chance.

What must hold whatever happens: every request the worker has acknowledged is answered, once it has
ended and the server can be reached; code runs once; states follow each other as they may; a
connection that can be heard on never misses a heartbeat of ours.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from inngest_asgi.connect.messages import ConnectionReady
from inngest_asgi.connect.protocol.closing import Close, CloseCode, Reason
from inngest_asgi.connect.protocol.connection import Ended
from inngest_asgi.connect.session.actions import Cancel, Failure, Undelivered
from inngest_asgi.connect.session.states import ConnectionState
from tests.connect.pairs import WORKER
from tests.connect.session.world import World

MISSED = Close(CloseCode.POLICY, Reason.HEARTBEATS_MISSED)


class Connections(RuleBasedStateMachine):
    """Requests, faults and time, in any order; see `World` for what each does."""

    world: World
    frozen_at: float | None

    @initialize(limit=st.sampled_from([None, 2]), interval=st.sampled_from([5.0, 30.0]))
    def begin(self, limit: int | None, interval: float) -> None:
        worker = replace(WORKER, max_worker_concurrency=limit)
        self.world = World(worker, intervals=ConnectionReady(10.0, interval, 0.0)).settle()
        self.requests = 0
        self.frozen_at = None

    def has_routable(self) -> bool:
        return any(gateway.routable for gateway in self.world.gateways.values())

    def routable(self, data: st.DataObject) -> int:
        links = [link for link, gateway in self.world.gateways.items() if gateway.routable]
        return data.draw(st.sampled_from(links))

    @precondition(lambda self: self.world.opening)
    @rule()
    def a_gateway_opens(self) -> None:
        self.world.open().settle()

    @precondition(lambda self: self.world.opening)
    @rule(failure=st.sampled_from(Failure), group=st.sampled_from(["", "gw-down"]))
    def a_start_fails(self, failure: Failure, group: str) -> None:
        self.world.fail(failure, group)

    @precondition(lambda self: self.has_routable())
    @rule(data=st.data())
    def a_request_comes(self, data: st.DataObject) -> None:
        self.requests += 1
        self.world.request(f"request-{self.requests}", self.routable(data))

    @precondition(lambda self: self.has_routable() and self.world.running)
    @rule(data=st.data())
    def a_request_comes_again(self, data: st.DataObject) -> None:
        request_id = data.draw(st.sampled_from(sorted(self.world.running)))
        self.world.request(request_id, self.routable(data))

    @precondition(lambda self: self.world.running)
    @rule(data=st.data())
    def code_ends(self, data: st.DataObject) -> None:
        self.world.finish(data.draw(st.sampled_from(sorted(self.world.running))))

    @precondition(lambda self: self.world.gateways)
    @rule(data=st.data())
    def a_connection_drops(self, data: st.DataObject) -> None:
        self.world.drop(data.draw(st.sampled_from(sorted(self.world.gateways))))

    @precondition(lambda self: self.world.gateways)
    @rule(data=st.data())
    def a_gateway_drains(self, data: st.DataObject) -> None:
        link = data.draw(st.sampled_from(sorted(self.world.gateways)))
        self.world.gateways[link].drain(self.world.now)
        self.world.settle()

    @rule()
    def flushes_succeed(self) -> None:
        self.world.flush()

    @rule()
    def flushes_fail(self) -> None:
        self.world.fail_flushes()

    @rule(seconds=st.sampled_from([0.1, 1.5, 6.0, 31.0, 130.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule()
    def the_network_freezes_or_thaws(self) -> None:
        self.world.reachable = not self.world.reachable
        self.frozen_at = self.world.now

    @rule()
    def the_worker_stops(self) -> None:
        self.world.session.close(self.world.now)
        self.world.settle()

    @invariant()
    def code_runs_once_for_each_request_in_progress(self) -> None:
        assert set(self.world.running) == set(self.world.session.work.ids)

    @invariant()
    def nothing_is_overdue(self) -> None:
        due = self.world.session.next_due
        assert due is None or due > self.world.now

    @invariant()
    def states_follow_each_other_as_they_may(self) -> None:
        states = [ConnectionState.CONNECTING, *self.world.states]
        for one, other in itertools.pairwise(states):
            assert one.followed_by(other) is other

    @invariant()
    def no_heartbeat_of_ours_is_missed(self) -> None:
        if self.frozen_at is None:
            assert MISSED not in [
                event.close for _, event in self.world.noted if isinstance(event, Ended)
            ]

    @invariant()
    def nothing_is_dropped(self) -> None:
        assert not self.world.all(Undelivered) or self.world.states[-1] in (
            ConnectionState.CLOSING,
            ConnectionState.CLOSED,
        )

    def teardown(self) -> None:
        """Heal everything: all that was taken must be answered, and the worker can stop."""
        world = self.world
        world.reachable = True
        for request_id in sorted(world.running):
            world.finish(request_id)
        for _ in range(40):
            world.connect().flush().pass_time(10)
        cancelled = {one.request_id for one in world.all(Cancel)}
        given_up = {one.response.request_id for one in world.all(Undelivered)}
        taken = {*world.executed, *world.acknowledged}
        assert taken <= {*world.stored, *cancelled, *given_up}
        assert len(world.executed) == len(set(world.executed))
        assert all(len({one.body for one in answers}) == 1 for answers in world.stored.values())
        world.session.close(world.now)
        assert world.settle().states[-1] is ConnectionState.CLOSED


TestConnections = Connections.TestCase
