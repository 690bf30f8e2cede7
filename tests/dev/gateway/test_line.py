"""The line of those who wait for a worker."""

from __future__ import annotations

from inngest_asgi.dev.gateway.line import Line
from inngest_asgi.dev.records import Job, JobKind


def job(name: str, due: float = 0.0) -> Job:
    return Job(name, "run", JobKind.CALL, None, due)


def test_who_is_due_first_is_called_first() -> None:
    called: list[Job] = []
    line = Line(called.extend)
    late, early, same = job("late", 3), job("early", 1), job("same", 1)
    for one in (late, early, same):
        line.add("pay", one)
    line.call("pay", 2)
    assert called == [early, same]
    line.call("pay", float("inf"))
    assert called == [early, same, late]
    assert line.slugs == []


def test_each_function_has_its_own() -> None:
    called: list[Job] = []
    line = Line(called.extend)
    line.add("pay", job("a"))
    line.add("ship", wanted := job("b"))
    line.call("ship", 5)
    assert called == [wanted]
    assert line.slugs == ["pay"]


def test_what_is_not_to_be_done_any_more_takes_nobodys_turn() -> None:
    called: list[Job] = []
    line = Line(called.extend)
    gone, live = job("a"), job("b")
    gone.gone = True
    line.add("pay", gone)
    line.add("pay", live)
    line.call("pay", 1)
    assert called == [live]
