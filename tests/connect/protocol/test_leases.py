"""A gateway's table of leases: granted, acknowledged, extended, expired (connect.md 6)."""

from __future__ import annotations

from inngest_asgi.connect.protocol.leases import Leases, Loss, Lost
from tests.connect.pairs import ulids


def granted(now: float = 0.0) -> Leases:
    leases = Leases(ulids())
    leases.grant("request", "lease-1", now)
    return leases


def test_a_request_that_nobody_acknowledges_is_lost_after_the_lease_and_five_seconds() -> None:
    leases = granted()
    assert leases.tick(124.9) == 125.0
    assert leases.lost() == []
    assert leases.tick(125.0) is None
    assert leases.lost() == [Lost("request", Loss.NOT_ACKNOWLEDGED)]
    assert leases.lost() == []


def test_a_lease_runs_from_its_acknowledgement() -> None:
    leases = granted()
    assert leases.acknowledge("request", 10.0)
    assert leases.tick(10.0) == 130.0


def test_a_second_acknowledgement_extends_nothing() -> None:
    leases = granted()
    leases.acknowledge("request", 10.0)
    leases.acknowledge("request", 50.0)
    assert leases.tick(50.0) == 130.0


def test_an_expired_lease_leaves_five_seconds_for_the_reply() -> None:
    leases = granted()
    leases.acknowledge("request", 0.0)
    assert leases.tick(120.0) == 125.0
    assert leases.finish("request")


def test_an_expired_lease_cannot_be_extended() -> None:
    leases = granted()
    leases.acknowledge("request", 0.0)
    leases.tick(120.0)
    assert leases.extend("request", "lease-1", 121.0) is None


def test_a_worker_that_stops_responding_loses_its_request() -> None:
    leases = granted()
    leases.acknowledge("request", 0.0)
    leases.tick(120.0)
    leases.tick(125.0)
    assert leases.lost() == [Lost("request", Loss.EXPIRED)]
    assert "request" not in leases


def test_an_extension_gives_a_fresh_lease_and_another_two_minutes() -> None:
    leases = granted()
    leases.acknowledge("request", 0.0)
    new = leases.extend("request", "lease-1", 30.0)
    assert new not in (None, "lease-1")
    assert leases.tick(30.0) == 150.0


def test_an_extension_shows_that_the_request_was_taken() -> None:
    leases = granted()
    leases.extend("request", "lease-1", 30.0)
    assert leases.is_acknowledged("request")


def test_a_lease_that_was_replaced_twice_cannot_be_extended() -> None:
    leases = granted()
    second = leases.extend("request", "lease-1", 30.0)
    assert second is not None
    leases.extend("request", second, 31.0)
    assert leases.extend("request", "lease-1", 32.0) is None


def test_an_extension_whose_answer_was_lost_with_its_connection_is_answered_again() -> None:
    leases = granted()
    second = leases.extend("request", "lease-1", 30.0)
    assert leases.extend("request", "lease-1", 40.0) == second
    assert leases.tick(40.0) == 160.0


def test_a_request_nobody_knows_has_no_lease() -> None:
    leases = granted()
    assert leases.extend("other", "lease-1", 1.0) is None
    assert not leases.acknowledge("other", 1.0)
    assert not leases.is_acknowledged("other")


def test_a_request_is_finished_once() -> None:
    leases = granted()
    assert (leases.finish("request"), leases.finish("request")) == (True, False)
    assert (len(leases), leases.tick(1e6)) == (0, None)


def test_a_request_that_is_routed_again_starts_anew() -> None:
    leases = granted()
    leases.acknowledge("request", 0.0)
    leases.finish("request")
    leases.grant("request", "lease-2", 60.0)
    assert not leases.is_acknowledged("request")
    assert leases.extend("request", "lease-1", 61.0) is None
    assert leases.tick(61.0) == 185.0


def test_a_request_that_is_granted_again_is_extended_with_either_lease() -> None:
    leases = granted()
    leases.grant("request", "lease-2", 1.0)
    assert leases.extend("request", "lease-1", 2.0) == "lease-2"
    assert leases.is_acknowledged("request")


def test_what_an_earlier_gateway_sent_is_held_by_who_extends_it_first() -> None:
    leases = Leases(ulids())
    leases.expect("request", 35.0)
    held = leases.extend("request", "of an earlier gateway", 30.0)
    assert held is not None
    assert leases.is_acknowledged("request")
    assert leases.extend("request", "of another worker", 30.0) is None
    assert leases.tick(149.0) == 150.0


def test_what_an_earlier_gateway_sent_is_lost_when_nobody_extends_it() -> None:
    leases = Leases(ulids())
    leases.expect("request", 35.0)
    leases.tick(35.0)
    assert leases.lost() == [Lost("request", Loss.NOT_ACKNOWLEDGED)]
