"""A worker across connections: leases, replies, status, and how it stops."""

from __future__ import annotations

from inngest_asgi.connect.frames import from_frame, to_frame
from inngest_asgi.connect.messages import (
    ConnectionReady,
    ExtendLease,
    ExtendLeaseAck,
    Response,
    WorkerStatus,
)
from inngest_asgi.connect.protocol.closing import SHUTDOWN
from inngest_asgi.connect.protocol.transitions import Phase
from inngest_asgi.connect.session.actions import (
    Cancel,
    Disconnect,
    Execute,
    Flush,
    Ignored,
    Open,
    Send,
    Skipped,
    Undelivered,
)
from inngest_asgi.connect.session.states import ConnectionState as C
from tests.connect.pairs import REQUEST, response
from tests.connect.session.world import World


def sent(world: World, kind: type) -> list[object]:
    """Return the messages of a kind that the worker has sent."""
    messages = (from_frame(action.data) for action in world.all(Send))
    return [message for message in messages if isinstance(message, kind)]


def closing(world: World) -> World:
    world.session.close(world.now)
    return world.settle()


def draining(world: World) -> World:
    world.newest.drain(world.now)
    return world.settle()


# Leases.


def test_a_lease_is_extended_as_long_as_the_request_runs() -> None:
    world = World().connect().request().pass_time(3600)
    assert len(sent(world, ExtendLease)) == 120
    assert world.finish().stored == {"request-1": [response()]}


def test_a_lease_is_extended_at_the_gateways_pace() -> None:
    world = World(intervals=ConnectionReady(10.0, 7.0, 0.0)).connect().request().pass_time(70)
    assert len(sent(world, ExtendLease)) == 10


def test_a_lost_lease_cancels_the_code_once() -> None:
    world = World().connect().request()
    world.leases.finish("request-1")
    world.pass_time(90)
    assert world.all(Cancel) == [Cancel("request-1")]
    assert len(world.session.work) == 0


def test_a_request_whose_lease_was_lost_is_not_taken_before_its_code_has_stopped() -> None:
    world = World().connect().request()
    lost = to_frame(ExtendLeaseAck("request-1", new_lease_id=None))
    world.session.tick(world.now + 30)
    world.session.actions()
    world.session.receive(1, lost, world.now + 30)
    world.session.receive(1, to_frame(REQUEST), world.now + 30)
    cancel, skip = world.session.actions()
    assert cancel == Cancel("request-1")
    assert isinstance(skip, Skipped)
    assert skip.why is Ignored.LEASE_LOST


def test_an_answer_for_a_lost_lease_is_sent_all_the_same() -> None:
    world = World().connect().request()
    world.session.tick(world.now + 30)
    world.session.receive(1, to_frame(ExtendLeaseAck("request-1")), world.now + 30)
    world.session.reply(response(), world.now + 30)
    sends = [one for one in world.session.actions() if isinstance(one, Send)]
    assert from_frame(sends[-1].data) == response()


def test_a_lease_survives_a_connection_that_is_lost() -> None:
    world = World().connect().request().drop().pass_time(60)
    assert sent(world, ExtendLease) == []
    world.connect()
    assert len(sent(world, ExtendLease)) == 1
    world.pass_time(600)
    assert (world.all(Cancel), "request-1" in world.leases) == ([], True)


def test_a_lease_survives_the_loss_of_the_answer_to_its_extension() -> None:
    world = World().connect().request().pass_time(20)
    (running,) = world.session.work.running
    assert world.leases.extend("request-1", running.lease_id, world.now) is not None
    world.drop().pass_time(1).connect().pass_time(600)
    assert (world.all(Cancel), "request-1" in world.leases) == ([], True)


def test_leases_are_extended_once_there_is_another_connection() -> None:
    world = World().connect().request().pass_time(10)
    world.drop().pass_time(1).connect()
    assert len(sent(world, ExtendLease)) == 1


# Replies without a connection.


def test_a_reply_without_a_connection_is_flushed() -> None:
    world = World().connect().request().drop().finish()
    assert [one.response for one in world.all(Flush)] == [response()]
    world.flush().pass_time(100)
    assert world.stored == {"request-1": [response()]}


def test_a_reply_that_is_not_acknowledged_is_flushed() -> None:
    world = World().connect().request()
    world.reachable = False
    world.finish().pass_time(4.9)
    assert world.all(Flush) == []
    world.pass_time(0.1)
    assert world.all(Flush) == [Flush(response())]


def test_a_reply_that_was_on_its_way_is_flushed_when_the_connection_is_lost() -> None:
    world = World().connect().request()
    world.reachable = False
    world.finish().drop()
    assert world.all(Flush) == [Flush(response())]


def test_a_flush_that_failed_is_tried_again_when_the_server_is_back() -> None:
    world = World().connect().request().drop().finish().fail_flushes()
    world.pass_time(0.1).connect().flush()
    assert world.stored == {"request-1": [response()]}


def test_a_flush_is_tried_for_as_long_as_the_worker_lives() -> None:
    world = World().connect().request().drop().finish()
    for _ in range(100):
        world.fail_flushes().pass_time(10)
    world.flush()
    assert "request-1" in world.stored


def test_an_acknowledgement_after_a_flush_began_is_enough() -> None:
    world = World().connect().request()
    world.reachable = False
    world.finish().pass_time(5)
    world.reachable = True
    world.newest.stored("request-1")
    world.settle().fail_flushes().pass_time(100)
    assert len(world.all(Flush)) == 1


def test_a_refusal_of_a_reply_that_was_acknowledged_meanwhile_is_nothing() -> None:
    world = World().connect().request()
    world.reachable = False
    world.finish().pass_time(5)
    world.reachable = True
    world.newest.stored("request-1")
    world.settle().fail_flushes(refused="400: twice")
    assert world.all(Undelivered) == []


def test_a_reply_the_server_refuses_is_given_up_loudly() -> None:
    world = World().connect().request().drop().finish()
    world.fail_flushes(refused="400: no such request")
    assert world.all(Undelivered) == [Undelivered(response(), "400: no such request")]
    assert len(world.session.outbox) == 0


# Status.


def test_a_status_tells_what_is_in_progress() -> None:
    world = World(intervals=ConnectionReady(10.0, 30.0, 5.0)).connect().request().pass_time(5)
    assert sent(world, WorkerStatus) == [WorkerStatus(("request-1",), shutdown_requested=False)]
    closing(world).pass_time(5)
    assert sent(world, WorkerStatus)[-1] == WorkerStatus(("request-1",), shutdown_requested=True)


def test_a_status_that_is_due_at_the_end_is_not_sent() -> None:
    world = World(intervals=ConnectionReady(10.0, 30.0, 30.0)).connect()
    world.reachable = False
    world.pass_time(30)
    assert world.session.state is C.RECONNECTING
    assert sent(world, WorkerStatus) == []


# Stopping.


def test_a_session_without_work_stops_at_once() -> None:
    world = closing(World().connect())
    assert world.states == [C.ACTIVE, C.CLOSING, C.CLOSED]
    assert world.all(Disconnect) == [Disconnect(1, SHUTDOWN)]
    assert world.session.next_due is None


def test_a_session_that_never_connected_stops_at_once() -> None:
    world = closing(World().settle())
    assert world.states == [C.CLOSING, C.CLOSED]
    assert world.all(Disconnect) == [Disconnect(1, SHUTDOWN)]
    assert world.pass_time(100).all(Open) == [Open(1, ())]


def test_a_session_that_stops_during_the_handshake_leaves() -> None:
    world = closing(World().settle().open())
    assert world.all(Disconnect) == [Disconnect(1, SHUTDOWN)]
    assert world.states[-1] is C.CLOSED


def test_a_session_that_stops_finishes_what_it_has() -> None:
    world = closing(World().connect().request())
    assert world.newest.phase is Phase.PAUSED
    world.pass_time(600)
    assert world.states == [C.ACTIVE, C.CLOSING]
    world.finish()
    assert world.stored == {"request-1": [response()]}
    assert world.states == [C.ACTIVE, C.CLOSING, C.CLOSED]


def test_a_session_that_stops_reconnects_for_its_work_and_stays_paused() -> None:
    world = closing(World().connect().request()).drop().pass_time(0.1).connect()
    assert world.newest.phase is Phase.PAUSED
    assert world.states == [C.ACTIVE, C.CLOSING]
    world.pass_time(300)
    assert world.finish().session.state is C.CLOSED
    assert "request-1" in world.stored


def test_a_session_that_stops_goes_over_when_its_gateway_drains() -> None:
    world = draining(closing(World().connect().request())).connect()
    assert (world.newest.phase, world.states[-1]) == (Phase.PAUSED, C.CLOSING)


def test_a_session_that_stops_waits_for_the_last_acknowledgement() -> None:
    world = closing(World().connect().request())
    world.reachable = False
    world.finish().pass_time(4.9)
    assert world.all(Disconnect) == []
    world.pass_time(0.1)
    assert world.all(Disconnect) == [Disconnect(1, SHUTDOWN)]
    assert world.states[-1] is C.CLOSING
    assert world.flush().states[-1] is C.CLOSED


def test_a_session_that_stops_without_a_connection_flushes_and_ends() -> None:
    world = closing(World().connect().request().drop()).finish()
    assert world.states[-1] is C.CLOSING
    assert world.flush().states[-1] is C.CLOSED


def test_a_session_gives_up_a_reply_after_five_rounds_when_nothing_else_keeps_it() -> None:
    world = World().connect().request("slow").request("fast").drop().finish("fast")
    closing(world)
    for _ in range(10):
        world.fail_flushes().pass_time(10)
    world.finish("slow")
    for _ in range(5):
        assert world.all(Undelivered) == []
        world.fail_flushes().pass_time(10)
    assert {one.response.request_id for one in world.all(Undelivered)} == {"fast", "slow"}
    assert world.session.state is C.CLOSED


def test_a_session_stops_once() -> None:
    world = closing(closing(World().connect()))
    assert world.states == [C.ACTIVE, C.CLOSING, C.CLOSED]


def test_a_session_can_stop_at_once() -> None:
    world = World().connect().request("running").request("done")
    world.reachable = False
    world.finish("done")
    world.session.abort(world.now)
    actions = world.session.actions()
    assert Cancel("running") in actions
    assert Undelivered(response("done"), "the worker was stopped at once") in actions
    assert world.session.state is C.CLOSED


def test_what_ends_after_that_is_nothing() -> None:
    world = World().connect().request()
    world.session.abort(world.now)
    world.session.actions()
    world.session.reply(response(), world.now)
    world.session.abandon("request-1", world.now)
    world.session.flushed("request-1", world.now)
    world.session.abort(world.now)
    assert (world.session.actions(), world.session.tick(world.now)) == ([], None)


# What people see.


def test_a_picture_of_everything() -> None:
    world = World().connect().request("running").request("done")
    world.pass_time(13)
    world.reachable = False
    world.finish("done")
    state = world.session.debug_state(world.now)
    assert state["state"] == "ACTIVE"
    assert state["problem"] is None
    assert [one["request_id"] for one in state["in_flight"]] == ["running"]
    assert state["outbox"]["replies"] == 1
    assert state["connections"] == [
        {
            "connection_id": world.session.connection_id,
            "gateway_group": "gw-1",
            "phase": "READY",
            "seconds_since_heartbeat": 3.0,
        }
    ]


def test_a_picture_of_a_connection_that_is_being_opened() -> None:
    world = World().settle().fail(group="gw-down").pass_time(1)
    state = world.session.debug_state(world.now)
    assert [one["phase"] for one in state["connections"]] == ["OPENING"]
    assert state["excluded_gateways"] == ["gw-down"]


def test_requests_carry_their_answer_whichever_way_it_goes() -> None:
    world = World().connect().request("socket").finish("socket")
    world.request("flush").drop().finish("flush").flush()
    answers: dict[str, list[Response]] = world.stored
    assert {name: len(found) for name, found in answers.items()} == {"socket": 1, "flush": 1}


def test_actions_are_given_once() -> None:
    world = World().connect()
    world.newest.request(REQUEST, world.now)
    world.session.receive(1, world.newest.data_to_send()[0], world.now)
    assert Execute in {type(action) for action in world.session.actions()}
    assert world.session.actions() == []
