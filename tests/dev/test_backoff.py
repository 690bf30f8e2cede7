"""The delay after each failed attempt."""

from __future__ import annotations

import pytest

from inngest_asgi.dev.backoff import clamped, retry_delay

TABLE = [15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200, 7200, 7200]


@pytest.mark.parametrize(("attempt", "seconds"), list(enumerate(TABLE)))
def test_the_table(attempt: int, seconds: int) -> None:
    assert retry_delay(attempt, 0.0) == seconds
    assert retry_delay(attempt, 0.5) == seconds + 15


def test_a_fixed_delay_has_no_jitter() -> None:
    assert retry_delay(7, 0.9, fixed=2) == 2


@pytest.mark.parametrize(("asked", "granted"), [(-5, 1), (0.2, 1), (60, 60), (99_999_999, 86_400)])
def test_what_an_app_asks_for_has_limits(asked: float, granted: float) -> None:
    assert clamped(asked) == granted
