"""Which jobs an event, a signal or the end of a run brings forward, and which it does not."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.cel.expressions import ExpressionError, compile_expression
from inngest_asgi.dev.pauses import Pauses, event_match
from inngest_asgi.dev.records import (
    Changes,
    Job,
    JobKind,
    Match,
    MatchKind,
    StoredEvent,
)
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.codec import dumps, loads

SAME_ID = "event.data.id == async.data.id"


def event(name: str = "shop/shipped", **data: Any) -> StoredEvent:
    body = {"name": name, "data": data, "user": {}, "id": "E", "ts": 1}
    return StoredEvent("E", "E", name, 1, 0.0, dumps(body))


class Waiting:
    """Pauses, a clock, and a way to make jobs that wait."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.pauses = Pauses(self.clock, ())
        self.changes = Changes()

    def wait(self, name: str, match: Match, *, kind: JobKind = JobKind.WAIT) -> Job:
        job = Job(name, f"run-{name}", kind, "step", self.clock.time() + 60)
        job.match = match
        self.pauses.add([job])
        return job

    def wait_for(self, name: str, expression: str = "", **own: Any) -> Job:
        return self.wait(name, event_match("shop/shipped", expression, event("shop/paid", **own)))

    def match(self, given: StoredEvent) -> list[str]:
        before = len(self.changes.jobs)
        self.pauses.match_event(given, self.changes)
        return [job.id for job in self.changes.jobs[before:]]


def test_an_event_brings_those_forward_that_wait_for_its_name() -> None:
    here = Waiting()
    job = here.wait_for("a")
    shipped = event(id=1)
    assert here.match(event("shop/other")) == []
    assert here.match(shipped) == ["a"]
    assert (job.due, job.value) == (here.clock.time(), shipped.body)


@pytest.mark.parametrize(
    ("expression", "own", "other", "matches"),
    [
        (SAME_ID, {"id": "x"}, {"id": "x"}, True),
        (SAME_ID, {"id": "x"}, {"id": "y"}, False),
        (SAME_ID, {"id": "x"}, {}, False),
        (SAME_ID, {"id": 7}, {"id": 7}, True),
        (SAME_ID, {"id": 7}, {"id": 7.0}, True),
        (SAME_ID, {"id": 7}, {"id": 8}, False),
        (SAME_ID, {"id": 7}, {"id": "7"}, False),
        (SAME_ID, {"id": True}, {"id": True}, True),
        (SAME_ID, {"id": 1}, {"id": True}, False),
        (SAME_ID, {"id": True}, {"id": 1}, False),
        (SAME_ID, {"id": [1]}, {"id": [1]}, True),
        ("async.data.id == 7", {}, {"id": 7}, True),
        ("async.data.id == 7", {}, {"id": 8}, False),
        ("async.data.id == 7u && true", {}, {"id": 7}, True),
        (SAME_ID, {"id": None}, {}, True),
        (SAME_ID, {}, {}, False),
        (SAME_ID, {}, {"id": None}, True),
        (SAME_ID, {"id": "x"}, {"id": ["x"]}, False),
        ("async.data.id == 'x'", {}, {"id": "x"}, True),
        ("async.data.id == 'x'", {}, {"id": "y"}, False),
        (f"{SAME_ID} && async.data.n > 1.0", {"id": "x"}, {"id": "x", "n": 2}, True),
        (f"{SAME_ID} && async.data.n > 1.0", {"id": "x"}, {"id": "x", "n": 1}, False),
        (f"{SAME_ID} || async.data.n > 1.0", {"id": "x"}, {"id": "y", "n": 2}, True),
        ("async.name == 'shop/shipped'", {}, {}, True),
        ("event.name == 'shop/paid'", {}, {}, True),
        ("event.data.n * 2 == 2", {"n": 1}, {}, False),
    ],
)
def test_what_must_be_true_of_an_event(
    expression: str, own: dict[str, Any], other: dict[str, Any], *, matches: bool
) -> None:
    here = Waiting()
    here.wait_for("a", expression, **own)
    assert here.match(event(**other)) == (["a"] if matches else [])


def test_an_event_is_compared_with_those_only_that_it_may_be_for() -> None:
    here = Waiting()
    for number in range(100):
        here.wait_for(f"own-{number}", SAME_ID, id=f"{number}")
        here.wait_for(f"text-{number}", f"async.data.id == '{number}'")
    before = compile_expression.cache_info()
    assert here.match(event(id="42")) == ["own-42", "text-42"]
    after = compile_expression.cache_info()
    assert (after.hits + after.misses) - (before.hits + before.misses) == 2


def test_what_is_kept_of_the_own_event_is_what_the_expression_reads() -> None:
    own = event("shop/paid", id="x", big="x" * 1000)
    match = event_match("shop/shipped", SAME_ID, own)
    assert loads(match.given) == {"data": {"id": "x"}}


def test_an_expression_that_is_none_is_refused() -> None:
    with pytest.raises(ExpressionError, match="ends too early"):
        event_match("shop/shipped", "event.data.id ==", event())


def test_the_first_event_counts() -> None:
    here = Waiting()
    job = here.wait_for("a")
    first, second = event(n=1), event(n=2)
    assert (here.match(first), here.match(second)) == (["a"], [])
    assert job.value == first.body


def test_all_who_wait_are_brought_forward() -> None:
    here = Waiting()
    for name in ("a", "b", "c"):
        here.wait_for(name)
    assert here.match(event()) == ["a", "b", "c"]


@pytest.mark.parametrize("why", ["gone", "leased", "timed-out", "dropped"])
@pytest.mark.parametrize("expression", ["", "async.data.id == 'x'"], ids=["any", "one"])
def test_a_wait_that_is_over_is_not_matched(why: str, expression: str) -> None:
    here = Waiting()
    job = here.wait_for("a", expression)
    if why == "timed-out":
        here.clock.advance(60)
    elif why == "dropped":
        here.pauses.drop(["a", "a", "unknown"])
    else:
        setattr(job, why, True)
    assert here.match(event(id="x")) == []
    assert job.value is None


def test_jobs_that_wait_for_nothing_are_no_pauses() -> None:
    here = Waiting()
    here.pauses.add([Job("a", "R", JobKind.SLEEP, "step", here.clock.time() + 60)])
    assert here.match(event()) == []


def test_one_drop_leaves_the_others() -> None:
    here = Waiting()
    for name, text in (("a", "x"), ("b", "x"), ("c", "y")):
        here.wait_for(name, f"async.data.id == '{text}'")
    here.wait_for("d", "async.data.other == 'z'")
    here.pauses.drop(["a", "d"])
    assert here.match(event(id="x")) == ["b"]
    assert here.match(event(id="y")) == ["c"]


def test_an_event_tells_a_cancelled_run_why() -> None:
    here = Waiting()
    match = event_match("shop/shipped", "", event())
    job = here.wait("a", match, kind=JobKind.CANCEL)
    here.match(event())
    error = loads(job.value or b"")
    assert error["name"] == "InngestErrFunctionCancelled"
    assert error["message"] == "The run was cancelled by the event 'shop/shipped' (E)."


@pytest.mark.parametrize("kind", [MatchKind.SIGNAL, MatchKind.INVOKE])
def test_signals_and_ended_runs_are_found_by_their_key(kind: MatchKind) -> None:
    here = Waiting()
    job = here.wait("a", Match(kind, "key"))
    assert here.pauses.holder(kind, "key") is job
    assert here.pauses.resolve(kind, "other", b"1", here.changes) is None
    assert here.pauses.resolve(kind, "key", b"1", here.changes) is job
    assert (job.value, job.due, here.changes.jobs) == (b"1", here.clock.time(), [job])
    assert here.pauses.resolve(kind, "key", b"2", here.changes) is None


def test_a_newer_wait_for_a_signal_takes_the_place_of_the_older() -> None:
    here = Waiting()
    older = here.wait("a", Match(MatchKind.SIGNAL, "key"))
    due = older.due
    here.pauses.withdraw(older, here.changes)
    newer = here.wait("b", Match(MatchKind.SIGNAL, "key"))
    assert here.pauses.holder(MatchKind.SIGNAL, "key") is newer
    assert (here.changes.jobs, older.due, older.value) == ([older], due, None)
    here.pauses.add([older])
    here.pauses.drop(["a"])
    assert here.pauses.holder(MatchKind.SIGNAL, "key") is newer


def test_a_wait_that_is_over_leaves_its_signal_to_the_next() -> None:
    here = Waiting()
    here.wait("a", Match(MatchKind.SIGNAL, "key"))
    here.clock.advance(60)
    assert here.pauses.holder(MatchKind.SIGNAL, "key") is None
    newer = here.wait("b", Match(MatchKind.SIGNAL, "key"))
    here.pauses.drop(["a"])
    assert here.pauses.holder(MatchKind.SIGNAL, "key") is newer


def test_what_was_kept_waits_again_unless_it_was_matched() -> None:
    here = Waiting()
    matched, open_one = here.wait_for("a"), here.wait_for("b", "async.data.id == 'x'")
    here.match(event())
    here.pauses = Pauses(here.clock, [matched, open_one])
    assert here.match(event(id="x")) == ["b"]
