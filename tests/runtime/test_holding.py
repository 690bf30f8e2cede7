"""Large documents in use, and the garbage collector."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.errors import CodecError
from inngest_asgi.runtime.holding import loads_to_hold
from inngest_asgi.wire.codec import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANY = dumps([{"list": [n]} for n in range(10_000)])


@pytest.fixture
def threshold() -> Iterator[Callable[[], int]]:
    """Give how many new objects the garbage collector waits for; restored afterwards."""
    was = gc.get_threshold()
    yield lambda: gc.get_threshold()[0]
    gc.set_threshold(*was)


def test_the_collector_waits_for_more_as_long_as_a_large_document_is_held(
    threshold: Callable[[], int],
) -> None:
    usual = threshold()
    documents = [loads_to_hold(MANY) for _ in range(2)]
    assert documents[0][0] == loads(MANY)
    assert usual + 39_000 < threshold() < usual + 41_000
    documents.pop()
    assert usual + 19_000 < threshold() < usual + 21_000
    documents.pop()
    assert threshold() == usual


def test_a_large_document_that_is_held_is_not_collected() -> None:
    gc.collect()
    collections = sum(one["collections"] for one in gc.get_stats())
    held = [loads_to_hold(MANY) for _ in range(5)]
    assert sum(one["collections"] for one in gc.get_stats()) == collections
    assert len(held) == 5


def test_the_collector_waits_for_no_more_because_of_a_small_document() -> None:
    assert loads_to_hold(b"[1]") == ([1], None)


@pytest.mark.parametrize("was", [0, 1_000_000], ids=["switched-off", "moved"])
def test_a_threshold_that_a_program_changes_meanwhile_stays_its_own(
    was: int, threshold: Callable[[], int]
) -> None:
    held = loads_to_hold(MANY)
    gc.set_threshold(5)
    del held
    assert threshold() == 5
    gc.set_threshold(was)
    held = loads_to_hold(MANY)
    del held
    assert threshold() == was


def test_nothing_is_done_for_a_program_without_a_collector(threshold: Callable[[], int]) -> None:
    gc.disable()
    try:
        assert loads_to_hold(MANY)[1] is None
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_large_document_that_is_no_json_leaves_the_collector_as_it_was(
    threshold: Callable[[], int],
) -> None:
    usual = threshold()
    with pytest.raises(CodecError):
        loads_to_hold(MANY[:-1])
    assert (gc.isenabled(), threshold()) == (True, usual)
