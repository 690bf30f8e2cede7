"""Sessions as they are kept: numbers as text, the sender's own first, the rest dropped."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.sessions import kept_meta

SIX = {str(n): str(n) for n in range(6)}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, {}),
        ({"other": 1}, {"other": 1}),
        ({"sessions": {"a": "1"}}, {"sessions": {"a": "1"}}),
        (
            {"sessions": {"a": 1, "b": 1.5, "c": 2.0}},
            {"sessions": {"a": "1", "b": "1.5", "c": "2"}},
        ),
        ({"sessions": {"a": True, "b": [1], "c": {}}}, {}),
        ({"sessions": ["a"], "propagated_sessions": 7}, {}),
        ({"sessions": {"": "1", "k" * 129: "1", "k": "x" * 513}}, {}),
        ({"sessions": SIX}, {"sessions": {str(n): str(n) for n in range(5)}}),
        ({"propagated_sessions": {"a": "1"}}, {"propagated_sessions": {"a": "1"}}),
        (
            {"sessions": {"a": "own", "b": None}, "propagated_sessions": {"a": "1", "b": "2"}},
            {"sessions": {"a": "own"}},
        ),
        (
            {"sessions": {"own": "1"}, "propagated_sessions": SIX},
            {
                "sessions": {"own": "1"},
                "propagated_sessions": {str(n): str(n) for n in range(4)},
            },
        ),
    ],
    ids=[
        *("none", "others", "own", "numbers", "no-ids", "no-objects", "sizes", "too-many"),
        *("carried", "own-wins", "together"),
    ],
)
def test_which_sessions_are_kept(given: dict[str, Any], kept: dict[str, Any]) -> None:
    assert kept_meta(given) == kept
