"""The macros of CEL that walk over a list or the keys of a map; knows no syntax.

`&&` and `||` between the items are the server's own, as everywhere: see `expressions.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.cel.values import ERROR, Absent, Scope, read, truthy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Node = Callable[[Scope], Any]

MACROS: dict[str, tuple[int, ...]] = {
    "all": (2,),
    "exists": (2,),
    "exists_one": (2,),
    "filter": (2,),
    "map": (2, 3),
}
"""The macros by name, with the numbers of arguments they take."""

_UNSET = object()


def build(name: str, variable: str, over: Node, bodies: Sequence[Node], *, cost: int) -> Node:
    """Make the closure of one macro call.

    Args:
        name: one of `MACROS`.
        variable: the name the items get.
        over: what gives the list or map.
        bodies: the expressions after the variable, as many as `MACROS` says less one.
        cost: fuel to burn per item.
    """
    if name in ("all", "exists"):
        finish = _logical(bodies[0], stop=name == "exists")
    elif name == "exists_one":
        finish = _exists_one(bodies[0])
    elif name == "filter":
        finish = _filter(bodies[0])
    else:
        finish = _map(bodies)

    def run(scope: Scope) -> Any:
        container = over(scope)
        if container.__class__ is Absent:
            return container
        if container.__class__ is not list and container.__class__ is not dict:
            return ERROR
        before = scope.variables.get(variable, _UNSET)
        result = finish(scope, _each(scope, variable, container, cost))
        scope.variables[variable] = before
        if before is _UNSET:
            del scope.variables[variable]
        return result

    return run


def _each(scope: Scope, variable: str, container: Any, cost: int) -> Iterator[Any]:
    for item in container:
        scope.burn(cost)
        scope.variables[variable] = value = read(item)
        yield value


def _logical(body: Node, *, stop: bool) -> Callable[[Scope, Iterator[Any]], Any]:
    def finish(scope: Scope, items: Iterator[Any]) -> Any:
        result: Any = not stop
        for _ in items:
            result = body(scope)
            if truthy(result) is stop:
                break
        return result

    return finish


def _chosen(scope: Scope, condition: Node, items: Iterator[Any]) -> list[Any] | Absent:
    chosen = []
    for item in items:
        verdict = condition(scope)
        if verdict is True:
            chosen.append(item)
        elif verdict is not False:
            return ERROR
    return chosen


def _filter(condition: Node) -> Callable[[Scope, Iterator[Any]], Any]:
    return lambda scope, items: _chosen(scope, condition, items)


def _exists_one(condition: Node) -> Callable[[Scope, Iterator[Any]], Any]:
    def finish(scope: Scope, items: Iterator[Any]) -> Any:
        chosen = _chosen(scope, condition, items)
        return chosen if isinstance(chosen, Absent) else len(chosen) == 1

    return finish


def _map(bodies: Sequence[Node]) -> Callable[[Scope, Iterator[Any]], Any]:
    *conditions, transform = bodies

    def finish(scope: Scope, items: Iterator[Any]) -> Any:
        results = []
        for _ in items:
            verdict = conditions[0](scope) if conditions else True
            if verdict is False:
                continue
            value = transform(scope) if verdict is True else ERROR
            if value.__class__ is Absent:
                return value
            results.append(value)
        return results

    return finish
