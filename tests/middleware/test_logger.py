"""`ctx.logger`: silent while memos replay, in both colours, over any object that logs."""

from __future__ import annotations

import copy
import logging
from typing import Any

import pytest

from inngest_asgi.engine.ops import SCOPE, Op, Scope
from inngest_asgi.engine.run import Machine
from inngest_asgi.middleware.logger import SPEAKING, QuietLogger
from inngest_asgi.wire.names import Opcode
from tests.engine.calls import Request, data


class Loud:
    """A logger that is none of the standard library's."""

    level = 7

    def __init__(self) -> None:
        self.said: list[Any] = []

    def info(self, *args: Any, **kwargs: Any) -> str:
        self.said.append((*args, *kwargs.items()))
        return "said"

    def bind(self, **fields: Any) -> dict[str, Any]:
        return fields


def machine(**memos: Any) -> Machine:
    return Machine(Request(data(**memos)).call())


def test_it_speaks_where_nothing_replays() -> None:
    loud = Loud()
    assert QuietLogger(loud, machine()).info("one %s", 1, extra="x") == "said"
    assert loud.said == [("one %s", 1, ("extra", "x"))]


def test_it_is_silent_until_the_last_memo_came() -> None:
    loud, replayed = Loud(), machine(a=1)
    logger = QuietLogger(loud, replayed)
    assert logger.info("before") is None
    replayed.memos.recall("a", replayed.ids)
    logger.info("after")
    assert loud.said == [("after",)]


def test_it_speaks_in_the_body_of_a_step() -> None:
    loud = Loud()
    token = SCOPE.set(Scope(body_of=Op("b", Opcode.STEP_PLANNED)))
    QuietLogger(loud, machine(a=1)).info("body")
    SCOPE.reset(token)
    assert loud.said == [("body",)]


def test_other_attributes_pass_through() -> None:
    logger = QuietLogger(Loud(), machine(a=1))
    assert logger.level == 7
    assert logger.bind(user=1) == {"user": 1}
    with pytest.raises(AttributeError):
        _ = logger.warning


def test_it_can_be_copied_with_what_holds_it() -> None:
    loud = Loud()
    copied: Any = copy.copy(QuietLogger(loud, machine()))
    copied.info("copied")
    assert loud.said == [("copied",)]


def test_it_shows_whose_it_is() -> None:
    quiet = QuietLogger(logging.getLogger("mine"), machine())
    assert repr(quiet) == "<QuietLogger of <Logger mine (WARNING)>>"


@pytest.mark.parametrize(
    "name", sorted(SPEAKING & set(dir(logging.Logger)) - {"log", "warn"}), ids=str
)
def test_every_method_of_the_standard_library_is_silenced(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    speaking, silent = machine(), machine(a=1)
    logger = logging.getLogger("mine")
    getattr(QuietLogger(logger, silent), name)("silent")
    getattr(QuietLogger(logger, speaking), name)("speaking")
    assert caplog.messages == ["speaking"]


def test_an_adapter_of_the_standard_library_may_stand_around_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    for one in (machine(a=1), machine()):
        quiet: Any = QuietLogger(logging.getLogger("mine"), one)
        logging.LoggerAdapter(quiet, {"user": 1}).info("hello")
    assert caplog.messages == ["hello"]
