"""What a worker counts, as JSON."""

from __future__ import annotations

from inngest_asgi.connect.counters import Counters


def test_counts_are_told_by_name() -> None:
    counters = Counters(requests=2)
    counters.replies += 1
    told = counters.picture()
    assert (told["requests"], told["replies"], told["undelivered"]) == (2, 1, 0)
