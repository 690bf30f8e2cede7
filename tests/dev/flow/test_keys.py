"""Keys of events as text, and numbers of expressions."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.flow.keys import key_of, seconds_of

EVENT: dict[str, Any] = {
    "name": "shop/paid",
    "data": {
        "user": "ann",
        "n": 42,
        "f": 1.5,
        "yes": True,
        "no": False,
        "map": {"a": 1},
        "z": None,
    },
}


@pytest.mark.parametrize(
    ("expression", "key"),
    [
        ("", ""),
        ("event.data.user", "ann"),
        ("event.data.n", "42"),
        ("event.data.f", "1.5"),
        ("event.data.yes", "true"),
        ("event.data.no", "false"),
        ("event.data.missing", "false"),
        ("event.data.map", "map[a:1]"),
        ("event.data.n / 0", "false"),
        ("event.data.user + '/' + event.name", "ann/shop/paid"),
        ("'all'", "all"),
    ],
    ids=[
        *("none", "text", "int", "double", "true", "false", "missing", "map", "error"),
        *("concatenated", "constant"),
    ],
)
def test_keys(expression: str, key: str) -> None:
    assert key_of(expression, EVENT, 0.0) == key


def test_a_long_key_is_its_digest_and_others_differ() -> None:
    first, second = (key_of("event.id", {"id": "x" * 300 + end}, 0.0) for end in "ab")
    assert first != second
    assert first.startswith("sha256:")
    assert len(first) < 100


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("event.data.n", 42.0),
        ("-60", -60.0),
        ("event.data.user == 'ann' ? 120 : 0", 120.0),
        ("event.data.user", 0.0),
        ("event.data.yes", 0.0),
        ("event.data.missing", 0.0),
        ("event.data.n / 0", 0.0),
    ],
    ids=["double", "negative", "choice", "text", "bool", "missing", "error"],
)
def test_seconds(expression: str, seconds: Any) -> None:
    assert seconds_of(expression, EVENT, 0.0) == seconds
