"""Both shells, for what must hold in either."""

from __future__ import annotations

import pytest

from tests.engine.calls import Shell, Tools, call_async, call_blocking, new_tools

SHELLS: dict[str, Shell] = {"async": call_async, "blocking": call_blocking}


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> Shell:
    """Each of the two shells in turn."""
    return SHELLS[request.param]


@pytest.fixture
def tools() -> Tools:
    """Steps, groups and counting bodies."""
    return new_tools()
