"""Options as users build them: keyword-only, strict, refused with a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions.option import Option

if TYPE_CHECKING:
    from collections.abc import Callable


class Sample(Option):
    size: int
    key: str | None = None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        pytest.param({}, "Sample.size is missing; pass Sample(size=...).", id="missing"),
        pytest.param(
            {"size": 1, "sise": 2},
            "Sample has no option 'sise'; it takes size, key.",
            id="unknown",
        ),
        pytest.param(
            {"size": "3"}, "Sample.size should be a valid integer, got '3'.", id="not-coerced"
        ),
        pytest.param(
            {"size": True}, "Sample.size should be a valid integer, got True.", id="bool-for-int"
        ),
        pytest.param(
            {"key": 5},
            "Sample.size is missing; pass Sample(size=...). "
            "Sample.key should be a valid string, got 5.",
            id="two-mistakes",
        ),
    ],
)
def test_a_mistake_is_told_in_a_sentence(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Sample(**fields)
    assert str(raised.value) == sentence


def test_the_sentence_is_not_followed_by_pydantic_s_own() -> None:
    with pytest.raises(ConfigError) as raised:
        Sample(size="3")  # type: ignore[arg-type]
    assert raised.value.__suppress_context__


def test_arguments_are_keyword_only() -> None:
    with pytest.raises(TypeError, match="positional"):
        Sample(3)  # type: ignore[call-arg]


def _set(sample: Sample) -> None:
    sample.size = 4


def _delete(sample: Sample) -> None:
    del sample.size


@pytest.mark.parametrize("change", [_set, _delete], ids=["set", "delete"])
def test_an_option_does_not_change_once_it_is_built(change: Callable[[Sample], None]) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        change(Sample(size=3))
