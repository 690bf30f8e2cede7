"""Windows: what they hold, when they are due, and what is saved of them."""

from __future__ import annotations

from itertools import count

import pytest

from inngest_asgi.dev.flow.rules import Batch, Debounce
from inngest_asgi.dev.flow.windows import Arrival, Windows
from inngest_asgi.dev.records import Changes, StoredEvent, Window, WindowKind


def windows(*kept: Window) -> Windows:
    numbers = count(1)
    return Windows(lambda: f"w{next(numbers)}", kept)


def arrival(number: int, at: float, *, ts: int = 0, name: str = "f = ") -> Arrival:
    event = StoredEvent(f"e{number}", f"e{number}", "a", ts, at, b"{}")
    return Arrival("f", name, event, at)


@pytest.mark.parametrize(
    ("timeout", "times", "due"),
    [
        (None, [0], 31),
        (None, [0, 20, 40], 71),
        (45, [0, 20], 46),
        (45, [0, 20, 40], 46),
        (500, [0, 20], 51),
    ],
    ids=["one", "several", "time-out-soon", "time-out", "time-out-far"],
)
def test_when_a_debounce_is_due(timeout: float | None, times: list[float], due: float) -> None:
    found, changes, rule = windows(), Changes(), Debounce(30, timeout, "")
    for number, at in enumerate(times):
        window = found.postpone(rule, arrival(number, at), changes)
    assert window is not None
    assert window.due == due
    assert changes.window_events[-1] == ("w1", 0, f"e{len(times) - 1}")


def test_an_older_event_changes_nothing() -> None:
    found, changes, rule = windows(), Changes(), Debounce(30, None, "")
    window = found.postpone(rule, arrival(1, 0.0, ts=5), changes)
    assert found.postpone(rule, arrival(2, 10.0, ts=4), changes) is None
    assert window is not None
    assert window.due == 31
    assert len(changes.window_events) == 1


def test_a_batch_is_due_after_its_time_out_and_at_once_when_full() -> None:
    found, changes, rule = windows(), Changes(), Batch(3, 60, "", "")
    dues = [found.collect(rule, arrival(n, n * 10.0), changes).due for n in range(3)]
    assert dues == [60, 60, 20]
    assert changes.window_events == [("w1", 0, "e0"), ("w1", 1, "e1"), ("w1", 2, "e2")]
    assert found.collect(rule, arrival(3, 30.0), changes).id == "w2"


def test_names_are_collected_apart() -> None:
    found, changes, rule = windows(), Changes(), Batch(3, 60, "", "")
    ids = [found.collect(rule, arrival(n, 0.0, name=f"f = {n % 2}"), changes).id for n in range(3)]
    assert ids == ["w1", "w2", "w1"]


def test_a_window_that_was_kept_goes_on() -> None:
    kept = Window("kept", "f", WindowKind.BATCH, "f = ", 0.0, 60.0, size=2)
    window = windows(kept).collect(Batch(3, 60, "", ""), arrival(1, 10.0), Changes())
    assert window is kept
    assert (window.size, window.due) == (3, 10)


def test_a_window_is_saved_once_each_of_its_events_is() -> None:
    found, changes, rule = windows(), Changes(), Batch(3, 60, "", "")
    window = found.collect(rule, arrival(1, 0.0), changes)
    found.collect(rule, arrival(2, 0.0), changes)
    assert not found.is_saved(window)
    found.saved(window)
    assert not found.is_saved(window)
    found.saved(window)
    assert found.is_saved(window)


def test_a_window_that_was_closed_takes_no_more_events() -> None:
    found, rule = windows(), Debounce(30, None, "")
    first = found.postpone(rule, arrival(1, 0.0), Changes())
    assert first is not None
    found.close(first)
    found.close(first)
    second = found.postpone(rule, arrival(2, 40.0), Changes())
    assert second is not None
    assert second.id == "w2"
