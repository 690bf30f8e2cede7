"""Who gets a request: fresh, ready, with room; newer versions rather than older ones."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pytest

from inngest_asgi.connect.frames import to_frame
from inngest_asgi.connect.messages import (
    AppConfiguration,
    AuthData,
    ConnectionReady,
    WorkerConnect,
    WorkerPause,
)
from inngest_asgi.connect.protocol.gateway_role import GatewayRole
from inngest_asgi.connect.protocol.leases import Leases
from inngest_asgi.dev.gateway.links import Group, Link
from inngest_asgi.dev.gateway.roster import Roster

ID = "01JQDAE4RQF8MBCR55T5AK4KXS"


def link(
    instance: str = "a", *slugs: str, created_at: float = 0.0, now: float = 0.0, **more: Any
) -> Link:
    """Return the link of a worker that was let in."""
    role = GatewayRole(Leases(lambda: ID), now=now)
    app = AppConfiguration("shop", b"[]")
    told = WorkerConnect(
        ID, instance, AuthData(), (app,), worker_manual_readiness_ack=False, **more
    )
    role.receive(to_frame(told), now)
    role.ready(ConnectionReady(10.0, 30.0), now)
    made = Link(role, lambda: None, 0.0)
    hash_ = f"version of {created_at}"
    made.groups = (Group("app", "shop", "", hash_, frozenset(slugs or {"pay"}), created_at),)
    return made


def roster(*links: Link, chances: tuple[float, ...] = (0.0,)) -> Roster:
    drawn = cycle(chances)
    made = Roster(lambda: next(drawn), 10.0)
    for one in links:
        made.add(one)
    return made


def test_a_function_goes_to_who_lists_it() -> None:
    pay, ship = link("a", "pay"), link("b", "ship")
    assert roster(pay, ship).pick("ship", 1.0) is ship
    assert roster(pay).pick("ship", 1.0) is None


@pytest.mark.parametrize(("age", "is_fresh"), [(19.9, True), (20.0, False)])
def test_who_was_not_heard_of_lately_gets_nothing(age: float, is_fresh: bool) -> None:  # noqa: FBT001
    assert (roster(link()).pick("pay", age) is not None) is is_fresh


def test_who_paused_gets_nothing() -> None:
    paused = link()
    known = roster(paused)
    paused.role.receive(to_frame(WorkerPause()), 1.0)
    assert known.pick("pay", 1.0) is None
    assert not known.serves("pay")
    assert known.room("pay", 1.0) == 0


def test_who_is_not_wanted_gets_nothing() -> None:
    one, other = link("a"), link("b")
    assert roster(one, other).pick("pay", 1.0, [one]) is other
    assert roster(one).pick("pay", 1.0, [one]) is None


def test_the_newest_version_is_ten_times_as_likely_as_the_oldest() -> None:
    old, middle, new = (link(str(at), created_at=at) for at in (0.0, 50.0, 100.0))
    chances = tuple((at + 0.5) / 1650 for at in range(1650))
    known = roster(old, middle, new, chances=chances)
    picked = [known.pick("pay", 1.0) for _ in chances]
    counts = [picked.count(one) for one in (old, middle, new)]
    assert counts == [100, 550, 1000]


def test_workers_of_one_version_are_equally_likely() -> None:
    one, other = link("a"), link("b")
    known = roster(one, other, chances=(0.1, 0.9, 0.4, 0.6))
    assert [known.pick("pay", 1.0) for _ in range(4)] == [one, other] * 2


def test_a_limit_holds_for_the_instance() -> None:
    known = roster(link("a", max_worker_concurrency=2), link("a", max_worker_concurrency=2))
    assert known.room("pay", 1.0) == 2
    known.occupy("a", "1")
    assert known.room("pay", 1.0) == 1
    known.occupy("a", "2")
    assert known.pick("pay", 1.0) is None
    assert known.serves("pay")
    known.vacate("a", "1")
    known.vacate("a", "1")
    assert known.in_flight("a") == 1
    assert known.pick("pay", 1.0) is not None
    known.vacate("a", "2")
    known.vacate("b", "2")
    assert known.in_flight("a") == 0


@pytest.mark.parametrize("limit", [None, 0, -1], ids=["unset", "zero", "negative"])
def test_no_limit_is_none(limit: int | None) -> None:
    assert roster(link(max_worker_concurrency=limit)).room("pay", 1.0) == float("inf")


def test_the_newest_connection_sets_the_limit() -> None:
    known = roster(link("a", max_worker_concurrency=2))
    known.add(link("a", max_worker_concurrency=5))
    assert known.room("pay", 1.0) == 5


def test_the_latest_connection_of_an_instance_is_the_newest_that_takes_requests() -> None:
    first, second, third = link("a"), link("a"), link("b")
    known = roster(first, second, third)
    assert (known.latest("a"), known.latest("c")) == (second, None)
    second.role.drain(1.0)
    assert known.latest("a") is first


def test_who_is_gone_is_forgotten() -> None:
    one, stranger = link("a"), link("b")
    known = roster(one)
    known.remove(one)
    known.remove(stranger)
    assert list(known) == []
    assert known.pick("pay", 1.0) is None


def test_a_group_is_known_as_long_as_one_of_its_workers_is() -> None:
    one = link(created_at=3.0)
    known = roster(one)
    assert known.group("version of 3.0") is one.groups[0]
    assert known.group("another") is None
