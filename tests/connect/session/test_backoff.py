"""Delays between attempts: short while the gateway is away, long where it says no."""

from __future__ import annotations

from itertools import islice

import pytest

from inngest_asgi.connect.session.backoff import away_delays, refused_delays


def test_a_gateway_that_is_away_is_asked_again_soon() -> None:
    delays = list(islice(away_delays(lambda: 1.0), 7))
    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.5, 1.5, 1.5])


def test_workers_that_lost_the_same_gateway_do_not_come_back_together() -> None:
    assert next(away_delays(lambda: 0.0)) == 0.0


def test_refusals_are_followed_by_the_ladder() -> None:
    delays = list(islice(refused_delays(lambda: 1.0), 11))
    assert delays == [1, 2, 5, 10, 20, 30, 60, 120, 300, 300, 300]


def test_a_quarter_of_the_ladder_is_left_to_chance() -> None:
    assert list(islice(refused_delays(lambda: 0.0), 10))[-2:] == [225.0, 225.0]
