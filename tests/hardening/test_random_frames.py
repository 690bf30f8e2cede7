"""Any bytes on a connect socket: nothing but an orderly end may come of them, at either end."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inngest_asgi.connect import messages
from inngest_asgi.connect.frames import from_bytes, from_frame, to_frame
from inngest_asgi.connect.messages import Message
from inngest_asgi.connect.pb import connect_pb2 as pb
from inngest_asgi.connect.protocol.connection import Ended
from inngest_asgi.errors import FrameError
from tests.connect.examples import MESSAGES
from tests.connect.pairs import Pair
from tests.connect.session.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.connect.protocol.connection import Connection

readable_frames = st.sampled_from([to_frame(message) for message, _ in MESSAGES])
envelopes = st.builds(
    lambda kind, payload: pb.ConnectMessage(kind=kind, payload=payload).SerializeToString(),
    st.integers(0, 20),
    st.binary(max_size=60),
)


@st.composite
def any_frame(draw: st.DrawFn) -> bytes:
    """Draw bytes, an envelope around bytes, or a message that a bit was flipped in."""
    kind = draw(st.sampled_from(["bytes", "envelope", "message", "flipped"]))
    if kind == "bytes":
        return draw(st.binary(max_size=80))
    if kind == "envelope":
        return bytes(draw(envelopes))
    frame = bytearray(draw(readable_frames))
    if kind == "flipped" and frame:
        frame[draw(st.integers(0, len(frame) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(frame)


ways = {
    "worker, new": lambda: Pair().worker,
    "worker, at work": lambda: Pair().connect().worker,
    "gateway, new": lambda: Pair().gateway,
    "gateway, at work": lambda: Pair().connect().gateway,
}


@given(any_frame())
def test_bytes_are_a_message_or_one_kind_of_error(data: bytes) -> None:
    try:
        message = from_frame(data)
    except FrameError:
        return
    assert isinstance(message, get_args(Message))


@given(st.binary(max_size=80), st.sampled_from([messages.StartResponse, messages.FlushResponse]))
def test_bodies_are_a_record_or_one_kind_of_error(data: bytes, record: type[object]) -> None:
    try:
        body = from_bytes(record, data)
    except FrameError:
        return
    assert isinstance(body, record)


@pytest.mark.parametrize("role", ways.values(), ids=list(ways))
@given(frames=st.lists(any_frame(), max_size=20))
def test_frames_never_raise_and_end_a_connection_once(
    role: Callable[[], Connection], frames: list[bytes]
) -> None:
    connection = role()
    ends = []
    for number, frame in enumerate(frames):
        connection.receive(frame, 1000.0 + number)
        connection.tick(1000.0 + number)
        ends += [event for event in connection.events() if isinstance(event, Ended)]
        connection.data_to_send()
    assert len(ends) == connection.ended
    assert (connection.closing is not None) == connection.ended


@given(frames=st.lists(any_frame(), max_size=20))
def test_frames_never_break_a_session(frames: list[bytes]) -> None:
    world = World().connect().request()
    for frame in frames:
        world.session.receive(max(world.gateways, default=1), frame, world.now)
        world.pass_time(1)
    world.connect().pass_time(10)
    assert len(world.session.debug_state(world.now)["connections"]) == 1
