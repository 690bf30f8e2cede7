"""Rates as tables: how many pass at once from idle, and when the next one does."""

from __future__ import annotations

import pytest

from inngest_asgi.dev.flow.gcra import Rate, bounded, is_open, opens_at, passed

NOW = 1_000.0


@pytest.mark.parametrize(
    ("rate", "times"),
    [
        (Rate(10, 1), [0, 10, 20, 30]),
        (Rate(10, 2), [0, 0, 10, 20]),
        (Rate(10, 3), [0, 0, 0, 10]),
        (Rate(1 / 3, 1), [0, 1 / 3, 2 / 3, 1]),
    ],
    ids=["one", "two", "three", "thirds"],
)
def test_each_passes_as_soon_as_it_may(rate: Rate, times: list[float]) -> None:
    clear_at, now, found = 0.0, NOW, []
    for _ in times:
        now = max(now, opens_at(rate, clear_at, now))
        assert is_open(rate, clear_at, now)
        clear_at = passed(rate, clear_at, now)
        found.append(now - NOW)
    assert found == pytest.approx(times)


@pytest.mark.parametrize(
    ("clear_at", "count", "is_so"),
    [
        (0.0, 3, True),
        (NOW, 3, True),
        (NOW + 10, 2, True),
        (NOW + 10, 3, False),
        (NOW + 20, 1, True),
        (NOW + 20.5, 1, False),
        (NOW + 30, 1, False),
    ],
    ids=["never", "clear", "one-left", "one-too-many", "last", "half", "none-left"],
)
def test_how_many_may_pass_together(clear_at: float, count: int, *, is_so: bool) -> None:
    assert is_open(Rate(10, 3), clear_at, NOW, count) is is_so


def test_allowance_comes_back_with_time_but_no_more_than_its_capacity() -> None:
    rate = Rate(10, 3)
    clear_at = passed(rate, 0.0, NOW)
    assert is_open(rate, clear_at, NOW + 10_000, 3)
    assert not is_open(rate, clear_at, NOW + 10_000, 4)


def test_what_a_slower_rate_left_counts_as_a_full_stop_at_most() -> None:
    rate = Rate(10, 3)
    clear_at = bounded(rate, NOW + 86_400, NOW)
    assert opens_at(rate, clear_at, NOW) == NOW + 10
    assert bounded(rate, NOW + 5, NOW) == NOW + 5
