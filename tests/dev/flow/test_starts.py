"""Which event ids start a function no more."""

from __future__ import annotations

import pytest

from inngest_asgi.dev.flow.starts import DAY, Starts
from inngest_asgi.dev.records import Changes, Start


@pytest.mark.parametrize(
    ("function", "event", "now", "known"),
    [
        ("f", "e", 0.0, True),
        ("f", "e", DAY - 1, True),
        ("f", "e", DAY, False),
        ("g", "e", 0.0, False),
        ("f", "x", 0.0, False),
    ],
    ids=["same", "within-a-day", "after-a-day", "other-function", "other-event"],
)
def test_what_is_known(function: str, event: str, now: float, *, known: bool) -> None:
    starts = Starts([Start("f", "e", "r", 0.0)])
    assert starts.is_known(function, event, now) is known


def test_a_new_start_is_known_and_saved() -> None:
    starts, changes = Starts([]), Changes()
    starts.add("f", "e", "r", 5.0, changes)
    assert starts.is_known("f", "e", 6.0)
    assert changes.starts == [Start("f", "e", "r", 5.0)]
