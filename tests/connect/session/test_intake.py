"""Which requests a worker takes, takes again, and leaves to others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inngest_asgi.connect.frames import from_frame, to_frame
from inngest_asgi.connect.messages import (
    RequestAck,
    ResponseStatus,
)
from inngest_asgi.connect.protocol.connection import MAX_FRAME
from inngest_asgi.connect.session.actions import (
    Cancel,
    Flush,
    Ignored,
    Send,
    Skipped,
)
from inngest_asgi.errors import ProtocolError
from tests.connect.pairs import REQUEST, WORKER, response
from tests.connect.session.world import World


def sent(world: World, kind: type) -> list[object]:
    """Return the messages of a kind that the worker has sent."""
    messages = (from_frame(action.data) for action in world.all(Send))
    return [message for message in messages if isinstance(message, kind)]


def skipped(world: World) -> list[Ignored]:
    return [action.why for action in world.all(Skipped)]


def closing(world: World) -> World:
    world.session.close(world.now)
    return world.settle()


# Requests.


def test_a_request_is_acknowledged_and_run() -> None:
    world = World().connect().request()
    assert world.executed == ["request-1"]
    assert world.acknowledged == {"request-1"}


def test_a_reply_is_sent_and_forgotten_once_it_is_stored() -> None:
    world = World().connect().request().finish()
    assert world.stored == {"request-1": [response()]}
    assert (len(world.session.outbox), len(world.session.work)) == (0, 0)
    assert world.all(Flush) == []


def test_a_request_for_an_app_of_others_is_left_to_them() -> None:
    world = World().connect()
    world.session.receive(1, to_frame(replace(REQUEST, app_name="other")), world.now)
    world.settle()
    assert (skipped(world), sent(world, RequestAck)) == ([Ignored.UNKNOWN_APP], [])


def test_a_request_too_many_is_left_to_others() -> None:
    world = World(replace(WORKER, max_worker_concurrency=1)).connect()
    world.request("request-1").request("request-2")
    assert (skipped(world), world.executed) == ([Ignored.AT_CAPACITY], ["request-1"])
    world.finish("request-1").request("request-3")
    assert world.executed == ["request-1", "request-3"]


@pytest.mark.parametrize("limit", [None, 0])
def test_without_a_limit_there_is_none(limit: int | None) -> None:
    world = World(replace(WORKER, max_worker_concurrency=limit)).connect()
    for number in range(100):
        world.request(f"request-{number}")
    assert len(world.executed) == 100


def test_a_full_outbox_takes_no_new_request_and_drops_nothing() -> None:
    world = World(outbox_limit=100).connect().request("request-1").drop()
    world.finish("request-1").pass_time(0.1).connect().request("request-2")
    assert skipped(world) == [Ignored.OUTBOX_FULL]
    world.flush().request("request-3")
    assert world.executed == ["request-1", "request-3"]
    assert "request-1" in world.stored


def test_a_request_that_comes_twice_is_run_once_and_acknowledged_twice() -> None:
    world = World().connect().request().request()
    assert world.executed == ["request-1"]
    assert len(sent(world, RequestAck)) == 2


def test_a_request_that_was_routed_again_keeps_its_new_lease() -> None:
    world = World().connect().request().request().pass_time(300)
    assert world.all(Cancel) == []
    assert "request-1" in world.leases


def test_a_request_that_comes_again_before_its_reply_is_stored_is_answered_again() -> None:
    world = World().connect().request()
    world.reachable = False
    world.finish()
    world.reachable = True
    world.request()
    assert world.executed == ["request-1"]
    assert world.stored == {"request-1": [response()]}


def test_a_request_that_comes_again_just_after_it_was_answered_is_not_run() -> None:
    world = World().connect().request().finish().request()
    assert (skipped(world), world.executed) == ([Ignored.ANSWERED], ["request-1"])


def test_a_request_that_comes_again_later_is_the_servers_wish() -> None:
    world = World().connect().request("old").finish("old").pass_time(5)
    world.request("new").finish("new").request("old")
    assert world.executed == ["old", "new", "old"]


def test_a_request_is_answered_once() -> None:
    world = World().connect().request().finish()
    with pytest.raises(ProtocolError, match="answer it only once"):
        world.session.reply(response(), world.now)


def test_a_reply_too_large_for_a_gateway_becomes_an_error() -> None:
    world = World().connect().request()
    world.session.reply(response(body=bytes(MAX_FRAME)), world.now)
    world.settle()
    (stored,) = world.stored["request-1"]
    assert (stored.status, stored.no_retry) == (ResponseStatus.ERROR, True)


def test_a_session_that_stops_takes_nothing_new() -> None:
    world = closing(World().connect().request())
    world.session.receive(1, to_frame(replace(REQUEST, request_id="request-2")), world.now)
    world.settle()
    assert skipped(world) == [Ignored.CLOSING]
