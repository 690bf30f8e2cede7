"""Random durable functions, as data: drawn by hypothesis, run by either shell, or as plain code."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hypothesis import strategies as st

from inngest_asgi.engine.group import ParallelMode
from inngest_asgi.engine.ids import hash_id
from inngest_asgi.errors import NonRetriableError, StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from tests.engine.calls import Program, Tools

Ending: TypeAlias = Literal["ok", "flaky", "exhausted", "final"]
Pausing: TypeAlias = Literal["sleep", "event", "signal", "invoke"]
Siding: TypeAlias = Literal["parallel", "race mode", "gather", "task group", "race", "first"]

ATTEMPTS = 2
"""How often a server tries each step."""

RUNS: dict[Ending, int] = {"ok": 1, "flaky": 2, "exhausted": ATTEMPTS, "final": 1}
"""How often a body runs in a run where no answer is lost, by how it ends."""

ERRORS: dict[Ending, str] = {"exhausted": "ValueError", "final": "NonRetriableError"}


@dataclass(frozen=True)
class Body:
    """A step.run; `name` tells bodies apart, whatever id they run under."""

    id: str
    ending: Ending = "ok"
    blocking: bool = False
    name: str = ""


@dataclass(frozen=True)
class Pause:
    """A step that the server carries out; all of them give None here."""

    id: str
    kind: Pausing


@dataclass(frozen=True)
class Row:
    """One after the other."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Side:
    """Side by side."""

    branches: tuple[Part, ...]
    how: Siding


@dataclass(frozen=True)
class Caught:
    """A part whose StepError is caught; it gives the error's name then."""

    part: Part


Part: TypeAlias = Body | Pause | Row | Side | Caught


def named(part: Part, *, unique: bool) -> Part:
    """Give every body a name of its own, and every step, where that is asked for, its own id."""
    return _named(part, "", unique=unique)


def bodies(part: Part) -> list[Body]:
    """Return all bodies of a program."""
    if isinstance(part, Body):
        return [part]
    return [body for one in _inner(part) for body in bodies(one)]


def step_ids(part: Part) -> list[str]:
    """Return the ids of all steps of a program."""
    if isinstance(part, Body | Pause):
        return [part.id]
    return [id for one in _inner(part) for id in step_ids(one)]


def program_of(part: Part) -> Program:
    """Return the durable function."""

    async def program(tools: Tools) -> Any:
        return await _run(part, tools, "")

    return program


def plain_result(part: Part, given: str = "") -> Any:
    """Return what a program means: its value without steps or servers, or its StepError."""
    if isinstance(part, Body):
        if part.ending in ERRORS:
            raise StepError("no", ERRORS[part.ending])
        return {"args": [part.name, given]}
    if isinstance(part, Pause):
        return None
    if isinstance(part, Caught):
        try:
            return plain_result(part.part, given)
        except StepError as error:
            return {"caught": error.name}
    if isinstance(part, Side):
        return [plain_result(one, given) for one in part.branches]
    values = []
    for one in part.parts:
        values.append(plain_result(one, given))
        given = digest(values[-1])
    return values


def may_give(part: Part, value: Any, given: str = "") -> bool:
    """Whether a program may give a value, whichever of its races are won by whom.

    Each body gives what it was given: the digest of what came before it in its row. So a race that
    was won by one branch in one call and by another one in the next does not go unnoticed.
    """
    if isinstance(part, Body):
        return bool(value == {"args": [part.name, given]})
    if isinstance(part, Pause):
        return value is None
    if isinstance(part, Caught):
        caught = isinstance(value, dict) and value.keys() == {"caught"}
        return caught or may_give(part.part, value, given)
    if isinstance(part, Side) and part.how in ("race", "first"):
        return any(may_give(one, value, given) for one in part.branches)
    inner = _inner(part)
    if not isinstance(value, list) or len(value) != len(inner):
        return False
    before = given
    for one, item in zip(inner, value, strict=True):
        if not may_give(one, item, before):
            return False
        before = digest(item) if isinstance(part, Row) else given
    return True


def digest(value: Any) -> str:
    """Return a short text that stands for a value."""
    return hash_id(repr(value))[:8]


def outcome_of(make: Callable[[], Any]) -> Any:
    """Return a value, or the name of the StepError that came instead, alone or in a group."""
    try:
        return make()
    except StepError as error:
        return {"raised": error.name}
    except ExceptionGroup as group:
        rest = group.split(StepError)[1]
        assert rest is None, rest
        return {"raised": "several"}


_ids = st.sampled_from(["a", "b", "a:1", "\u00e9", "step"])
_endings: st.SearchStrategy[Ending] = st.sampled_from(
    ["ok", "ok", "ok", "flaky", "exhausted", "final"]
)
_pauses: st.SearchStrategy[Pausing] = st.sampled_from(["sleep", "event", "signal", "invoke"])
_leaves = st.builds(Body, _ids, _endings, st.booleans()) | st.builds(Pause, _ids, _pauses)


def parts(*ways: Siding, caught: bool) -> st.SearchStrategy[Part]:
    """Draw programs.

    Args:
        ways: how branches run side by side.
        caught: whether each branch catches its own errors, so that its siblings do not matter.
    """

    def wider(inner: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
        several = st.lists(inner, min_size=1, max_size=4).map(tuple)
        branches = several.map(lambda some: tuple(map(Caught, some))) if caught else several
        return (
            st.builds(Row, several)
            | st.builds(Side, branches, st.sampled_from(ways))
            | st.builds(Caught, inner)
        )

    return st.recursive(_leaves, wider, max_leaves=9)


async def _run(part: Part, tools: Tools, given: str) -> Any:
    if isinstance(part, Body):
        make = tools.blocking_body if part.blocking else tools.body
        return await tools.step.run(part.id, _ending(part, tools, make), part.name, given)
    if isinstance(part, Pause):
        return await _pause(part, tools)
    if isinstance(part, Row):
        return await _row(part, tools, given)
    if isinstance(part, Side):
        return await _side(part, tools, given)
    try:
        return await _run(part.part, tools, given)
    except StepError as error:
        return {"caught": error.name}


async def _row(part: Row, tools: Tools, given: str) -> Any:
    values = []
    for one in part.parts:
        values.append(await _run(one, tools, given))
        given = digest(values[-1])
    return values


def _ending(part: Body, tools: Tools, make: Callable[..., Callable[..., Any]]) -> Any:
    """Return the body; one that is flaky succeeds when it ran before."""
    if part.ending == "final":
        return make(part.name, NonRetriableError("no"))
    if part.ending == "exhausted" or (part.ending == "flaky" and not tools.ran[part.name]):
        return make(part.name, ValueError("no"))
    return make(part.name)


async def _pause(part: Pause, tools: Tools) -> Any:
    if part.kind == "sleep":
        return await tools.step.sleep(part.id, "1h")
    if part.kind == "event":
        return await tools.step.wait_for_event(part.id, event="x", timeout="1h")
    if part.kind == "signal":
        return await tools.step.wait_for_signal(part.id, signal="x", timeout="1h")
    return await tools.step.invoke_by_id(part.id, function_id="x")


async def _side(part: Side, tools: Tools, given: str) -> Any:
    branches: Sequence[Callable[[], Coroutine[Any, Any, Any]]] = [
        partial(_run, one, tools, given) for one in part.branches
    ]
    if part.how == "gather":
        return await asyncio.gather(*(one() for one in branches))
    if part.how == "task group":
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one()) for one in branches]
        return [task.result() for task in tasks]
    if part.how == "race":
        return await tools.group.race(branches)
    if part.how == "first":
        return await _first(branches)
    mode = ParallelMode.RACE if part.how == "race mode" else ParallelMode.WAIT
    return list(await tools.group.parallel(branches, parallel_mode=mode))


async def _first(branches: Sequence[Callable[[], Coroutine[Any, Any, Any]]]) -> Any:
    """Take what the first in order of those gives that are done, and cancel the rest."""
    tasks = [asyncio.create_task(one()) for one in branches]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for one in rest:
        one.cancel()
    return next(task for task in tasks if task in done).result()


def _inner(part: Part) -> tuple[Part, ...]:
    if isinstance(part, Row):
        return part.parts
    if isinstance(part, Side):
        return part.branches
    return (part.part,) if isinstance(part, Caught) else ()


def _named(part: Part, place: str, *, unique: bool) -> Part:
    if isinstance(part, Body | Pause):
        part = replace(part, id=f"{part.id} {place}") if unique else part
        return replace(part, name=f"{part.id} at {place}") if isinstance(part, Body) else part
    again = partial(_named, unique=unique)
    if isinstance(part, Caught):
        return Caught(again(part.part, place=place))
    inner = tuple(again(one, place=f"{place}.{n}") for n, one in enumerate(_inner(part)))
    return Row(inner) if isinstance(part, Row) else Side(inner, part.how)
