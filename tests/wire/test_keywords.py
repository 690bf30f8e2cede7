"""Signatures of models that are built when they are first used."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from inngest_asgi.functions.flow_control import Throttle
from inngest_asgi.wire.events import Event
from inngest_asgi.wire.keywords import Keywords


class Late(BaseModel):
    model_config = ConfigDict(defer_build=True)
    __signature__ = Keywords()

    limit: int
    key: str | None = None
    more: dict[str, int] = Field(default_factory=dict)


def test_fields_are_keywords_before_and_after_the_model_is_built() -> None:
    before = inspect.signature(Late)
    assert str(before) == "(*, limit: int, key: str | None = None, more: dict[str, int] = {})"
    Late(limit=1)
    assert list(inspect.signature(Late).parameters) == ["limit", "key", "more"]


@pytest.mark.parametrize("kind", [Event, Throttle])
def test_what_users_build_tells_its_keywords(kind: Any) -> None:
    assert list(inspect.signature(kind).parameters) == list(kind.model_fields)
