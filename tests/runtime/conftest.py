"""What the tests of the runtime are given."""

from __future__ import annotations

import pytest

from tests.runtime.running import COLOURS, Colour


@pytest.fixture(params=COLOURS, ids=lambda one: one.name)
def colour(request: pytest.FixtureRequest) -> Colour:
    """Give both colours of functions in turn."""
    assert isinstance(request.param, Colour)
    return request.param
