"""Both colours of functions: what the protocol says holds for either."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.conformance.exchanges import app_with

if TYPE_CHECKING:
    from tests.conformance.exchanges import Serve


@pytest.fixture(params=[False, True], ids=["async", "blocking"])
def serve(request: pytest.FixtureRequest) -> Serve:
    """Serve a function of each colour in turn; see `app_with`."""
    return partial(app_with, blocking=request.param)
