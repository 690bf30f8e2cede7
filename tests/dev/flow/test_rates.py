"""What passed lately, by name, and that it is forgotten once it limits nothing."""

from __future__ import annotations

from inngest_asgi.dev.flow.gcra import Rate
from inngest_asgi.dev.flow.rates import Rates

NOW = 1_000.0
RATE = Rate(10, 1)


def test_names_count_apart() -> None:
    rates = Rates({})
    rates.take("a", RATE, NOW)
    assert not rates.may_take("a", RATE, NOW)
    assert rates.may_take("b", RATE, NOW)


def test_what_the_store_kept_counts() -> None:
    assert not Rates({"a": NOW + 10}).may_take("a", RATE, NOW)


def test_what_a_slower_rate_left_is_forgotten_when_somebody_is_refused() -> None:
    rates = Rates({"a": NOW + 86_400})
    assert not rates.may_take("a", RATE, NOW)
    assert rates.may_take("a", RATE, NOW + 10)


def test_nothing_is_remembered_of_what_never_passed() -> None:
    rates = Rates({})
    rates.bound("a", RATE, NOW)
    assert len(rates) == 0


def test_many_names_that_limit_nothing_any_more_are_forgotten() -> None:
    rates = Rates({})
    for number in range(10_000):
        rates.take(str(number), RATE, NOW + number)
    assert len(rates) < 2_000
    assert not rates.may_take("9999", RATE, NOW + 9_999)
