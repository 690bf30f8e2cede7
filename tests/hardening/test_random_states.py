"""Any state of a run that a server may send, of this program or of an older one: one call of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inngest_asgi.engine.outcomes import Raised, Report, Returned, TargetMissing
from tests.engine.calls import Request, Shell, call_async, call_blocking, new_tools, shown, wire_ops
from tests.hardening.malformed import MEMOS
from tests.hardening.programs import Part, named, parts, program_of, step_ids

if TYPE_CHECKING:
    from collections.abc import Callable

SHELLS = {"async": call_async, "blocking": call_blocking}
GONE = "a step that was removed"

either = pytest.mark.parametrize("shell", SHELLS.values(), ids=list(SHELLS))


@st.composite
def states(draw: Callable[..., Any], *ways: Any) -> tuple[Part, Request]:
    """Draw a program and a call of it: any memos, in any order, any target."""
    part = named(draw(parts(*ways, caught=False)), unique=True)
    ids = [*step_ids(part), GONE]
    memos = draw(st.dictionaries(st.sampled_from(ids), st.sampled_from(MEMOS), max_size=8))
    return part, Request(
        memos=memos,
        target=draw(st.none() | st.sampled_from(ids)),
        plan_only=draw(st.booleans()),
        attempt=draw(st.integers(0, 2)),
        max_attempts=draw(st.none() | st.integers(1, 3)),
        order=draw(st.lists(st.sampled_from(ids), unique=True)),
    )


def check(shell: Shell, part: Part, request: Request) -> None:
    tools = new_tools()
    outcome = shell(program_of(part), request, tools)
    assert isinstance(outcome, Report | Returned | Raised | TargetMissing)
    assert sum(tools.ran.values()) <= 1, "one call runs one body at most"
    if isinstance(outcome, Report):
        _check_report(outcome, request, sum(tools.ran.values()))
    if request.target is not None:
        assert not isinstance(outcome, Returned), "a target that was not reached"
    again = shell(program_of(part), replace(request), new_tools())
    assert shown(again) == shown(outcome)


def _check_report(report: Report, request: Request, ran: int) -> None:
    ops = wire_ops(report)
    done = [op for op in ops if op["op"] in ("StepRun", "StepError", "StepFailed")]
    ids = [op["id"] for op in ops]
    assert len(ids) == len(set(ids)), "a step is reported once"
    assert len(done) == ran
    assert not done or len(ops) == 1, "what ran is reported alone"
    if ran and request.plan_only:
        assert request.target is not None, "only the target may run where all is to be planned"


@either
@given(states("parallel", "race mode", "race"))
def test_any_state_is_answered(shell: Shell, state: tuple[Part, Request]) -> None:
    check(shell, *state)


@given(states("gather", "task group", "race", "first"))
def test_any_state_of_plain_asyncio_is_answered(state: tuple[Part, Request]) -> None:
    check(call_async, *state)
