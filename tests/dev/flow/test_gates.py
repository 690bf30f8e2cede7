"""Gates: who is called when there is room, in which order, and how much room there is."""

from __future__ import annotations

from inngest_asgi.dev.flow.gates import Gate, Place, Slots, Turns
from inngest_asgi.dev.flow.gcra import Rate
from inngest_asgi.dev.flow.rates import Rates
from inngest_asgi.dev.records import Job, JobKind

NOW = 1_000.0


def place(name: str, rank: float = 0.0, number: int = 0) -> Place:
    return (rank, number, Job(name, name, JobKind.CALL, None, rank))


def called(gate: Gate[int] | Gate[Rate], now: float = NOW) -> str | None:
    found = gate.call(now)
    return None if found is None else found[2].id


def test_slots_are_open_as_long_as_there_is_room() -> None:
    gate = Slots()
    for _ in range(2):
        assert gate.is_open(2, NOW)
        gate.enter(2, NOW)
    assert not gate.is_open(2, NOW)
    gate.leave()
    assert gate.is_open(2, NOW)


def test_who_is_called_goes_by_rank_then_by_number() -> None:
    gate = Slots()
    for one in (place("c", 2), place("b", 1, 2), place("a", 1, 1)):
        gate.line_up(9, one, NOW)
    assert [called(gate) for _ in range(4)] == ["a", "b", "c", None]


def test_no_more_are_called_than_there_is_room_for() -> None:
    gate = Slots()
    gate.enter(2, NOW)
    gate.line_up(2, place("a"), NOW)
    gate.line_up(2, place("b", 1), NOW)
    assert [called(gate), called(gate)] == ["a", None]
    gate.answered()
    assert called(gate) == "b"


def test_each_is_held_to_terms_of_its_own() -> None:
    gate = Slots()
    gate.enter(5, NOW)
    gate.line_up(1, place("narrow", 0), NOW)
    gate.line_up(5, place("wide", 1), NOW)
    assert [called(gate), called(gate)] == ["wide", None]


def test_slots_are_idle_when_nobody_is_inside_called_or_waiting() -> None:
    gate = Slots()
    assert gate.is_idle
    gate.line_up(1, place("a"), NOW)
    assert not gate.is_idle
    gate.call(NOW)
    assert not gate.is_idle
    gate.answered()
    gate.enter(1, NOW)
    assert not gate.is_idle
    gate.leave()
    assert gate.is_idle


def test_everybody_can_be_taken_out_of_line() -> None:
    gate = Slots()
    gate.line_up(1, place("a"), NOW)
    gate.line_up(2, place("b"), NOW)
    assert sorted(one[2].id for one in gate.empty()) == ["a", "b"]
    assert called(gate) is None


def test_turns_open_again_with_time() -> None:
    rate, gate = Rate(10, 1), Turns(Rates({}), "t")
    assert gate.opens_at(NOW) is None
    gate.enter(rate, NOW)
    gate.line_up(rate, place("a"), NOW)
    gate.line_up(rate, place("b", 1), NOW)
    assert gate.opens_at(NOW) == NOW + 10
    assert [called(gate, NOW + 9), called(gate, NOW + 10)] == [None, "a"]
    assert gate.opens_at(NOW + 10) == NOW + 20
    assert not gate.is_idle


def test_turns_of_a_slower_rate_do_not_hold_those_who_line_up() -> None:
    slow, fast, rates = Rate(86_400, 1), Rate(10, 1), Rates({})
    gate = Turns(rates, "t")
    gate.enter(slow, NOW)
    gate.line_up(fast, place("a"), NOW)
    assert gate.opens_at(NOW) == NOW + 10


def test_turns_are_idle_when_nobody_waits() -> None:
    gate = Turns(Rates({}), "t")
    gate.enter(Rate(10, 1), NOW)
    assert gate.is_idle
