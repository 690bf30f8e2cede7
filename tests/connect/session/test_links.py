"""Connections of a worker: opened, lost, replaced, never two where one is meant."""

from __future__ import annotations

import pytest

from inngest_asgi.connect.frames import to_frame
from inngest_asgi.connect.messages import (
    RequestAck,
    StartResponse,
)
from inngest_asgi.connect.protocol.closing import SHUTDOWN, UNRESPONSIVE, Close
from inngest_asgi.connect.protocol.connection import Ended
from inngest_asgi.connect.protocol.transitions import Phase
from inngest_asgi.connect.session.actions import (
    Cancel,
    Disconnect,
    Failure,
    Flush,
    Open,
    Problem,
    Send,
)
from inngest_asgi.connect.session.links import Link
from inngest_asgi.connect.session.states import ConnectionState as C
from tests.connect.pairs import REQUEST, WORKER, response
from tests.connect.session.world import World


def closing(world: World) -> World:
    world.session.close(world.now)
    return world.settle()


def draining(world: World) -> World:
    world.newest.drain(world.now)
    return world.settle()


# Connecting.


def test_a_session_asks_for_a_connection_first() -> None:
    world = World().settle()
    assert world.actions == [Open(1, ())]
    assert world.session.state is C.CONNECTING
    assert world.session.connection_id is None


def test_a_session_asks_for_one_connection_at_a_time() -> None:
    world = World().settle().pass_time(600)
    assert world.all(Open) == [Open(1, ())]


def test_a_session_is_active_after_the_handshake() -> None:
    world = World().connect()
    assert world.states == [C.ACTIVE]
    assert world.newest.routable
    assert world.session.problem is None


def test_a_session_introduces_itself_with_what_the_start_gave() -> None:
    world = World().connect()
    assert world.newest.worker is not None
    assert world.newest.worker.connection_id == world.session.connection_id
    assert world.newest.worker.auth_data.session_token == "session"
    assert world.newest.worker.apps == WORKER.apps


def test_a_first_start_that_fails_leaves_it_connecting() -> None:
    world = World().settle().fail()
    assert (world.session.state, world.session.problem) == (C.CONNECTING, "No.")
    assert [one.sentence for one in world.all(Problem)] == ["No."]
    assert world.all(Problem)[0].retry_in == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("failure", "longest"),
    [(Failure.AWAY, 1.5), (Failure.BUSY, 1.0), (Failure.AUTH, 60.0), (Failure.REJECTED, 1.0)],
)
def test_a_start_is_tried_again(failure: Failure, longest: float) -> None:
    world = World().settle().fail(failure)
    assert world.opening == []
    world.pass_time(longest)
    assert len(world.opening) == 1


def test_a_start_is_tried_again_for_ever() -> None:
    world = World().settle()
    for _ in range(100):
        world.fail().pass_time(1.5)
    assert world.connect().session.state is C.ACTIVE


def test_a_gateway_that_was_named_and_failed_is_avoided() -> None:
    world = World().settle().fail(group="gw-down").pass_time(1.5)
    assert world.opening[0].exclude_gateways == ("gw-down",)


def test_a_handshake_that_hangs_is_given_up_and_tried_elsewhere() -> None:
    world = World().settle()
    world.reachable = False
    world.open().pass_time(6)
    assert world.all(Disconnect)[0].close == Close(4001, "connect_worker_hello_timeout")
    assert world.opening[0].exclude_gateways == ("gw-1",)


def test_a_refusal_of_an_app_is_explained() -> None:
    world = World().settle().open()
    world.newest.receive(to_frame(WORKER), world.now)
    world.newest.sync_failed("invalid_cron", "The cron of shop-pay has six fields")
    for frame in world.newest.data_to_send():
        world.session.receive(1, frame, world.now)
    world.settle()
    assert world.session.problem == (
        "The server did not accept the functions of this worker: "
        "The cron of shop-pay has six fields (invalid_cron)."
    )
    assert world.all(Problem)[0].retry_in == pytest.approx(0.875)


def test_a_refusal_without_a_word_is_explained_as_far_as_can_be() -> None:
    world = World().settle().open()
    world.newest.receive(to_frame(WORKER), world.now)
    world.newest.sync_failed("", "")
    for frame in world.newest.data_to_send():
        world.session.receive(1, frame, world.now)
    assert "no reason was given." in str(world.session.problem)


# Losing a connection.


def test_a_connection_that_is_lost_is_replaced_within_moments() -> None:
    world = World().connect().drop()
    assert world.states[-1] is C.RECONNECTING
    assert world.session.problem == "The connection was closed (1006 no reason)."
    world.pass_time(0.1).connect()
    assert world.states == [C.ACTIVE, C.RECONNECTING, C.ACTIVE]


def test_a_gateway_that_hears_nothing_and_says_nothing_is_left() -> None:
    world = World().connect()
    world.reachable = False
    world.pass_time(30)
    assert world.all(Disconnect) == [Disconnect(1, UNRESPONSIVE)]
    assert world.session.state is C.RECONNECTING


def test_a_connection_is_kept_for_hours() -> None:
    world = World().connect().pass_time(7200)
    assert (world.states, world.newest.phase) == ([C.ACTIVE], Phase.READY)


def test_a_worker_is_active_two_seconds_after_the_gateways_return() -> None:
    world = World().connect().drop()
    for _ in range(50):
        world.pass_time(1.5)
        if world.opening:
            world.fail()
    world.pass_time(1.5).connect()
    assert world.session.state is C.ACTIVE


@pytest.mark.parametrize("told", ["opened", "failed", "receive", "lost"])
def test_what_is_told_of_a_connection_that_is_gone_is_nothing(told: str) -> None:
    world = World().connect().drop()
    before = world.session.debug_state(world.now)
    session, now = world.session, world.now
    match told:
        case "opened":
            session.opened(1, StartResponse("id", "ws://gateway"), now)
        case "failed":
            session.failed(1, Failure.AUTH, now, sentence="late")
        case "receive":
            session.receive(1, to_frame(REQUEST), now)
        case "lost":
            session.lost(1, now)
    assert session.debug_state(now) == before
    assert session.actions() == []


def test_a_connection_is_opened_once() -> None:
    world = World().connect()
    before = world.session.connection_id
    world.session.opened(1, StartResponse("other", "ws://gateway"), world.now)
    world.session.failed(1, Failure.AWAY, world.now, sentence="late")
    assert world.session.connection_id == before


# Draining.


def test_a_drain_opens_another_connection_before_the_old_one_goes() -> None:
    world = draining(World().connect())
    assert world.opening == [Open(2, ("gw-1",))]
    assert (world.states, world.all(Disconnect)) == ([C.ACTIVE], [])
    world.connect()
    assert world.all(Disconnect) == [Disconnect(1, SHUTDOWN)]
    assert world.states == [C.ACTIVE]
    assert (1, Ended(Close(1000, "WORKER_SHUTDOWN"), ours=False)) in world.noted


def test_work_goes_over_to_the_new_connection() -> None:
    world = draining(World().connect().request()).connect()
    world.pass_time(300)
    assert {action.link for action in world.all(Send)[-5:]} == {2}
    assert world.all(Cancel) == []
    assert world.finish().stored == {"request-1": [response()]}


def test_work_goes_on_over_the_old_connection_until_then() -> None:
    world = draining(World().connect().request())
    world.pass_time(20).finish()
    assert world.stored == {"request-1": [response()]}
    assert world.all(Flush) == []


def test_an_old_connection_waits_for_what_is_to_be_acknowledged() -> None:
    world = draining(World().connect().request())
    old = world.gateways.pop(1)  # it is slow to hear
    world.finish().connect()
    assert world.all(Disconnect) == []
    for reply in [one for one in world.all(Send) if one.link == 1][-1:]:
        old.receive(reply.data, world.now)
    old.stored("request-1")
    world.session.receive(1, old.data_to_send()[-1], world.now)
    assert world.settle().all(Disconnect) == [Disconnect(1, SHUTDOWN)]
    assert world.all(Flush) == []


def test_an_old_connection_waits_five_seconds_at_most() -> None:
    world = World().connect().request()
    old = world.gateways.pop(1)  # it hears nothing any more
    world.session.reply(response(), world.now)
    old.drain(world.now)
    world.session.receive(1, old.data_to_send()[0], world.now)
    world.connect()
    assert world.all(Disconnect) == []
    world.pass_time(5)
    assert world.all(Disconnect) == [Disconnect(1, SHUTDOWN)]
    assert world.all(Flush) == [Flush(response())]


def test_a_request_that_comes_while_draining_is_taken() -> None:
    world = World().connect()
    world.newest.request(REQUEST, world.now)
    draining(world)
    assert world.executed == ["request-1"]


def test_an_old_connection_that_dies_after_it_was_replaced_is_not_missed() -> None:
    world = draining(World().connect().request())
    world.gateways.pop(1)
    world.finish().connect()
    world.session.lost(1, world.now)
    world.settle()
    assert (world.states, world.all(Problem)) == ([C.ACTIVE], [])
    assert world.all(Flush) == [Flush(response())]


def test_nothing_is_said_on_a_connection_that_is_not_open() -> None:
    link = Link(1)
    link.say(RequestAck("request-1"))
    assert not link.connected


def test_an_old_connection_that_dies_first_makes_it_reconnect() -> None:
    world = draining(World().connect()).drop()
    assert world.states == [C.ACTIVE, C.RECONNECTING]
    assert len(world.all(Open)) == 2
    assert world.all(Problem)[-1].retry_in is None
    assert world.connect().states[-1] is C.ACTIVE


def test_a_replacement_that_fails_is_tried_again_while_the_old_connection_lives() -> None:
    world = draining(World().connect()).fail()
    assert (world.session.state, world.session.problem) == (C.ACTIVE, None)
    world.pass_time(1.5).connect()
    assert (world.states, world.all(Disconnect)) == ([C.ACTIVE], [Disconnect(1, SHUTDOWN)])


def test_a_replacement_that_lands_on_a_draining_gateway_is_tried_elsewhere() -> None:
    world = draining(World().connect()).open()
    world.newest.close()
    world.settle().pass_time(1.5)
    assert world.opening[0].exclude_gateways == ("gw-1", "gw-2")
    assert world.connect().session.state is C.ACTIVE


def test_drains_in_a_row_lose_nothing() -> None:
    world = World().connect()
    for number in range(20):
        draining(world.request(f"request-{number}")).connect()
    assert world.states == [C.ACTIVE]
    for request_id in list(world.running):
        world.finish(request_id)
    assert len(world.stored) == 20


def test_the_old_connection_serves_when_the_new_one_dies_at_once() -> None:
    world = draining(World().connect().request())
    world.reachable = False
    world.finish()  # what is not acknowledged keeps the old connection
    world.reachable = True
    world.connect().drop(2)
    world.now += 6
    world.settle()
    assert world.states == [C.ACTIVE]
    assert world.session.next_due is not None
    assert world.session.next_due > world.now
