"""When the next connection is opened, and which gateways are avoided."""

from __future__ import annotations

import pytest

from inngest_asgi.connect.protocol.closing import DRAINED, Close
from inngest_asgi.connect.session.actions import Failure
from inngest_asgi.connect.session.attempts import Attempts

DROPPED = Close(1006, "")
REFUSED = Close(1008, "invalid_cron")


def attempts() -> Attempts:
    return Attempts(100.0, lambda: 1.0)


def test_the_first_attempt_is_made_at_once() -> None:
    assert attempts().due == 100.0


@pytest.mark.parametrize(
    ("failure", "delays"),
    [
        (Failure.AWAY, [0.1, 0.2, 0.4]),
        (Failure.BUSY, [1.0, 2.0, 5.0]),
        (Failure.REJECTED, [1.0, 2.0, 5.0]),
        (Failure.AUTH, [60.0, 60.0, 60.0]),
    ],
    ids=lambda value: value.value if isinstance(value, Failure) else "",
)
def test_the_delay_depends_on_the_failure(failure: Failure, delays: list[float]) -> None:
    one = attempts()
    assert [one.failed(failure, "", 100.0) for _ in delays] == pytest.approx(delays)
    assert one.due == 100.0 + delays[-1]


def test_a_refusal_by_the_gateway_is_followed_by_the_ladder() -> None:
    one = attempts()
    assert [one.ended(REFUSED, "gw", 100.0) for _ in range(3)] == [1.0, 2.0, 5.0]


def test_a_refusal_is_not_the_gateways_fault() -> None:
    one = attempts()
    one.ended(REFUSED, "gw", 100.0)
    assert one.excluded == ()


def test_being_accepted_ends_the_ladder() -> None:
    one = attempts()
    one.ended(REFUSED, "gw", 100.0)
    one.connected("gw", 101.0)
    assert one.ended(REFUSED, "gw", 102.0) == 1.0


def test_a_connection_that_lasted_ends_the_short_delays() -> None:
    one = attempts()
    one.failed(Failure.AWAY, "", 100.0)
    one.connected("gw", 101.0)
    assert one.ended(DROPPED, "gw", 106.0) == pytest.approx(0.1)


def test_a_connection_that_comes_and_goes_is_not_opened_twenty_times_a_second() -> None:
    one = attempts()
    delays = []
    for _ in range(5):
        one.connected("gw", one.due)
        delays.append(one.ended(DROPPED, "gw", one.due))
    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.5])


def test_gateways_that_failed_or_drain_are_avoided_until_they_work() -> None:
    one = attempts()
    one.ended(DROPPED, "lost", 100.0)
    one.drains("draining", 100.0)
    one.failed(Failure.AWAY, "unreachable", 100.0)
    assert list(one.excluded) == ["lost", "draining", "unreachable"]
    one.connected("draining", 101.0)
    assert list(one.excluded) == ["lost", "unreachable"]


def test_a_drain_is_answered_at_once() -> None:
    one = attempts()
    one.failed(Failure.BUSY, "", 100.0)
    one.drains("gw", 100.5)
    assert one.due == 100.5


def test_a_gateway_that_ends_it_to_shut_down_is_avoided() -> None:
    one = attempts()
    one.ended(DRAINED, "gw", 100.0)
    assert one.excluded == ("gw",)


def test_where_no_gateway_is_left_all_are_tried_again() -> None:
    one = attempts()
    one.ended(DROPPED, "only", 100.0)
    one.failed(Failure.AWAY, "", 101.0)
    assert one.excluded == ()


def test_a_gateway_without_a_group_cannot_be_avoided() -> None:
    one = attempts()
    one.ended(DROPPED, "", 100.0)
    assert one.excluded == ()
