"""When a request is sent again, and how long before (http.md 15)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.client.messages import Answer
from inngest_asgi.client.retries import ATTEMPTS, with_retries
from inngest_asgi.errors import ApiError, ConfigError
from tests.client.scripted import SkippingClock

if TYPE_CHECKING:
    from collections.abc import Sequence

GONE = ApiError("no answer")


class Attempts:
    """Gives the told outcomes, one per attempt, and counts them."""

    def __init__(self, outcomes: Sequence[int | Exception]) -> None:
        self.left = list(outcomes)
        self.made = 0

    async def __call__(self) -> Answer:
        self.made += 1
        outcome = self.left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return Answer(outcome, b"")


@pytest.mark.parametrize(
    ("outcomes", "made"),
    [
        pytest.param([200], 1, id="success at once"),
        pytest.param([500, 200], 2, id="success after a failure"),
        pytest.param([GONE, 200], 2, id="success after no answer"),
        pytest.param([503, GONE, 500, GONE, 200], 5, id="success at the last attempt"),
        pytest.param([400], 1, id="a refusal is final"),
        pytest.param([429], 1, id="too many requests is a refusal too"),
        pytest.param([500, 404], 2, id="a refusal after a failure"),
        pytest.param([301], 1, id="a redirect is an answer"),
    ],
)
def test_attempts_end_with_an_answer_below_500(outcomes: list[int | Exception], made: int) -> None:
    attempts = Attempts([*outcomes, 200])
    answer = asyncio.run(with_retries(attempts, SkippingClock()))
    assert (answer.status, attempts.made) == (outcomes[-1], made)


def test_the_last_failing_answer_is_returned() -> None:
    attempts = Attempts([500, 501, 502, 503, 504])
    assert asyncio.run(with_retries(attempts, SkippingClock())).status == 504
    assert attempts.made == ATTEMPTS


def test_no_answer_at_the_last_attempt_is_raised() -> None:
    attempts = Attempts([500, 500, 500, 500, GONE])
    with pytest.raises(ApiError):
        asyncio.run(with_retries(attempts, SkippingClock()))


def test_other_errors_are_not_retried() -> None:
    attempts = Attempts([ConfigError("no key"), 200])
    with pytest.raises(ConfigError):
        asyncio.run(with_retries(attempts, SkippingClock()))
    assert attempts.made == 1


@pytest.mark.parametrize(
    ("random", "slept"),
    [
        pytest.param(0.0, [0.1, 0.2, 0.4, 0.8], id="without jitter"),
        pytest.param(0.5, [0.15, 0.25, 0.45, 0.85], id="with half the jitter"),
    ],
)
def test_waits_double_and_jitter(random: float, slept: list[float]) -> None:
    clock = SkippingClock(random)
    asyncio.run(with_retries(Attempts([500] * ATTEMPTS), clock))
    assert clock.slept == pytest.approx(slept)
