"""Step ids: the hash servers know them by, and repeats told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inngest_asgi.engine.ids import StepIds, _hashes, hash_id
from inngest_asgi.errors import ConfigError
from inngest_asgi.wire.codec import loads

VECTORS: dict[str, Any] = loads(
    (Path(__file__).parents[1] / "vectors" / "step_ids.json").read_bytes()
)


@pytest.mark.parametrize("vector", VECTORS["ids"], ids=lambda vector: vector["id"])
def test_an_id_is_hashed_as_servers_do(vector: dict[str, str]) -> None:
    assert hash_id(vector["id"]) == vector["sha1"]


@pytest.mark.parametrize(
    ("used", "texts", "indexes"),
    [
        pytest.param(["a", "a", "a"], ["a", "a:1", "a:2"], [0, 1, 2], id="repeats"),
        pytest.param(["a", "b", "a"], ["a", "b", "a:1"], [0, 0, 1], id="another-between"),
        pytest.param(["a:1", "a", "a"], ["a:1", "a", "a:2"], [0, 0, 2], id="literal-first"),
        pytest.param(["a", "a:1", "a"], ["a", "a:1", "a:2"], [0, 0, 2], id="literal-between"),
        pytest.param(["a", "a", "a:1"], ["a", "a:1", "a:1:1"], [0, 1, 1], id="literal-last"),
        pytest.param(["a:1", "a:1"], ["a:1", "a:1:1"], [0, 1], id="literal-repeated"),
    ],
)
def test_the_next_free_number_tells_repeats_apart(
    used: list[str], texts: list[str], indexes: list[int]
) -> None:
    ids = StepIds()
    assert [ids.claim(one) for one in used] == list(zip(map(hash_id, texts), indexes, strict=True))


def test_half_a_surrogate_pair_is_refused_as_an_id() -> None:
    with pytest.raises(ConfigError, match=r"Step id 'bad \\ud83d' is not valid Unicode"):
        hash_id("bad \ud83d")


def test_hashes_of_ids_made_at_run_time_do_not_pile_up_in_memory() -> None:
    for n in range(20_000):
        hash_id(f"made-up-{n}")
    assert len(_hashes) < 20_000
