"""The states of a worker: which may follow which, and which can still come."""

from __future__ import annotations

from itertools import product

import pytest

from inngest_asgi.connect.session.states import ConnectionState
from inngest_asgi.errors import ProtocolError

C = ConnectionState
LEGAL = {
    (C.CONNECTING, C.ACTIVE),
    (C.ACTIVE, C.RECONNECTING),
    (C.RECONNECTING, C.ACTIVE),
    (C.CONNECTING, C.CLOSING),
    (C.ACTIVE, C.CLOSING),
    (C.RECONNECTING, C.CLOSING),
    (C.CLOSING, C.CLOSED),
}


@pytest.mark.parametrize(("one", "other"), sorted(LEGAL))
def test_a_state_is_followed_by(one: ConnectionState, other: ConnectionState) -> None:
    assert one.followed_by(other) is other


@pytest.mark.parametrize(("one", "other"), sorted(set(product(C, C)) - LEGAL))
def test_a_state_is_not_followed_by(one: ConnectionState, other: ConnectionState) -> None:
    with pytest.raises(ProtocolError, match=f"from {one} to {other}"):
        one.followed_by(other)


@pytest.mark.parametrize(
    ("state", "never"),
    [
        (C.CONNECTING, {C.PAUSED}),
        (C.ACTIVE, {C.CONNECTING, C.PAUSED}),
        (C.RECONNECTING, {C.CONNECTING, C.PAUSED}),
        (C.CLOSING, {C.CONNECTING, C.ACTIVE, C.RECONNECTING, C.PAUSED}),
        (C.CLOSED, {C.CONNECTING, C.ACTIVE, C.RECONNECTING, C.PAUSED, C.CLOSING}),
    ],
)
def test_some_states_cannot_come_any_more(
    state: ConnectionState, never: set[ConnectionState]
) -> None:
    assert {other for other in C if not state.may_become(other)} == never


def test_a_state_is_the_word_that_other_sdks_use() -> None:
    assert f"{C.ACTIVE}" == "ACTIVE"
