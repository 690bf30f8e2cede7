"""Admission alone; `tests/dev/behaviour` has what it does for each option."""

from __future__ import annotations

import pytest

from inngest_asgi.dev.flow.admission import Reason


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_a_caller_is_told_of_what_never_runs_and_not_of_what_may_still(reason: Reason) -> None:
    nobody_asked = (Reason.DEBOUNCE, Reason.BATCH, Reason.OWN_END)
    assert bool(reason.sentence) == (reason not in nobody_asked)
