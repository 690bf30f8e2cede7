"""Deadlines: one moment a key, earliest first, and no memory of what was moved or cancelled."""

from __future__ import annotations

import pytest

from inngest_asgi.connect.protocol.deadlines import Deadlines, earliest


def test_nothing_is_due_when_nothing_is_set() -> None:
    deadlines: Deadlines[str] = Deadlines()
    assert deadlines.next is None
    assert list(deadlines.take(1e9)) == []


def test_what_is_due_comes_earliest_first_and_once() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for key, moment in (("late", 3.0), ("early", 1.0), ("later", 3.0), ("never", 9.0)):
        deadlines.set(key, moment)
    assert list(deadlines.take(3.0)) == ["early", "late", "later"]
    assert list(deadlines.take(3.0)) == []
    assert deadlines.next == 9.0


def test_a_key_that_is_set_again_moves() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("key", 1.0)
    deadlines.set("key", 5.0)
    assert list(deadlines.take(4.0)) == []
    assert deadlines.next == 5.0


def test_a_key_can_be_cancelled_and_cancelled_again() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("key", 1.0)
    deadlines.cancel("key")
    deadlines.cancel("key")
    assert ("key" in deadlines, deadlines.next) == (False, None)


def test_all_keys_can_be_forgotten() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("key", 1.0)
    deadlines.clear()
    assert list(deadlines.take(2.0)) == []


def test_what_is_set_while_taking_is_taken_too() -> None:
    deadlines: Deadlines[int] = Deadlines()
    deadlines.set(0, 0.0)
    taken = []
    for key in deadlines.take(3.0):
        taken.append(key)
        deadlines.set(key + 1, key + 1.0)
    assert taken == [0, 1, 2, 3]


def test_a_key_that_moves_for_ever_takes_no_more_room() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("other", 2.0)
    for moment in range(10_000):
        deadlines.set("key", float(moment))
    assert len(deadlines._heap) < 100
    assert list(deadlines.take(10_000.0)) == ["other", "key"]


@pytest.mark.parametrize(
    ("moments", "expected"),
    [((), None), ((None, None), None), ((None, 2.0, 1.0), 1.0)],
    ids=["none", "never", "some"],
)
def test_the_earliest_of_some_moments(
    moments: tuple[float | None, ...], expected: float | None
) -> None:
    assert earliest(*moments) == expected
