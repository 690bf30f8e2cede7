"""Turns CEL text into Python closures: cel-python reads the text, this file gives it its meaning.

cel-python's own evaluators are not used: they copy the whole event first, cost tens of times more,
and cannot tell a missing field from a failed operation, which the server's rules are about.
Those are listed in `expressions.py`. Nothing here looks at an event before evaluation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from inngest_asgi.dev.cel.calls import MISSING, OPERATORS, calling, false, item, pairs
from inngest_asgi.dev.cel.functions import FUNCTIONS, METHODS, Callee
from inngest_asgi.dev.cel.macros import MACROS, build
from inngest_asgi.dev.cel.syntax import Refused, literal, parse, unwrap
from inngest_asgi.dev.cel.values import (
    ERROR,
    TYPES,
    UNKNOWN,
    Absent,
    Scope,
    TypeName,
    truthy,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inngest_asgi.dev.cel.calls import Node, Operator

MAX_DEPTH = 100
VARIABLES = frozenset({"event", "async", "vars"})


class Term(NamedTuple):
    """A compiled part of an expression."""

    run: Node
    bound: frozenset[str] = frozenset()
    """The macro variables it reads that are bound outside of it."""
    path: bool = False
    """It is a field of a variable by constant names, so that what is missing is unknown."""
    cost: int = 1
    """How many parts it has."""


def compile_text(text: str) -> Node:
    """Compile an expression; what it returns is called with a `Scope`.

    Raises:
        Refused: it cannot be read, or names something unknown, or is too long or too deep.
    """
    try:
        return _Compiler().compile(parse(text)).run
    except RecursionError:
        raise Refused("it is nested too deeply") from None


def _runs(terms: Sequence[Term]) -> list[Node]:
    return [term.run for term in terms]


def _bound(terms: Sequence[Term]) -> frozenset[str]:
    return frozenset().union(*(term.bound for term in terms))


def _cost(terms: Sequence[Term]) -> int:
    return 1 + sum(term.cost for term in terms)


class _Compiler:
    def __init__(self) -> None:
        self._depth = 0
        self._names: list[str] = []

    def compile(self, tree: Any) -> Term:
        tree = unwrap(tree)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused("it is nested too deeply")
        rule = self._RULES.get(tree.data)
        if rule is None:
            raise Refused("it builds a message of a named type, which events cannot be")
        term = rule(self, tree)
        self._depth -= 1
        return term

    def _all(self, trees: Sequence[Any]) -> list[Term]:
        return [self.compile(tree) for tree in trees]

    def _conditional(self, tree: Any) -> Term:
        terms = self._all(tree.children)
        condition, yes, no = _runs(terms)

        def run(scope: Scope) -> Any:
            chosen = condition(scope)
            if chosen is True:
                return yes(scope)
            if chosen is False:
                return no(scope)
            return UNKNOWN if chosen is UNKNOWN else ERROR

        return Term(run, _bound(terms), cost=_cost(terms))

    def _logical(self, tree: Any) -> Term:
        stop, trees, left = tree.data == "conditionalor", [], tree
        while left.data == tree.data and len(left.children) == 2:
            left, right = left.children
            trees.append(right)
        terms = self._all([left, *reversed(trees)])
        runs = _runs(terms)

        def run(scope: Scope) -> Any:
            value: Any = None
            for part in runs:
                value = part(scope)
                if truthy(value) is stop:
                    break
            return value

        return Term(run, _bound(terms), cost=_cost(terms))

    def _binary(self, tree: Any) -> Term:
        operation, right = tree.children
        return self._operation(operation.data, [operation.children[0], right])

    def _unary(self, tree: Any) -> Term:
        operation, operand = tree.children
        return self._operation(operation.data, [operand])

    def _operation(self, name: str, trees: Sequence[Any]) -> Term:
        strict, loose = OPERATORS[name]
        return self._call(name, strict, loose, self._all(trees))

    def _call(self, name: str, strict: Operator, loose: Operator, terms: Sequence[Term]) -> Term:
        bound = _bound(terms)
        missing = None if bound else MISSING.get(name, false)
        run = calling(strict if bound else loose, _runs(terms), missing)
        return Term(run, bound, cost=_cost(terms))

    def _function(self, tree: Any) -> Term:
        name, arguments = str(tree.children[0]), self._arguments(tree, 1)
        if name == "has":
            return self._has(arguments)
        if name not in FUNCTIONS:
            raise Refused(f"there is no function named {name!r}")
        return self._callee(name, FUNCTIONS[name], arguments)

    def _method(self, tree: Any) -> Term:
        name, arguments = str(tree.children[1]), self._arguments(tree, 2)
        if name in MACROS:
            return self._macro(name, tree.children[0], arguments)
        if name not in METHODS:
            raise Refused(f"there is no method named {name!r}")
        return self._callee(name, METHODS[name], [tree.children[0], *arguments])

    def _arguments(self, tree: Any, position: int) -> list[Any]:
        return list(tree.children[position].children) if len(tree.children) > position else []

    def _callee(self, name: str, callee: Callee, trees: Sequence[Any]) -> Term:
        if len(trees) not in callee.counts:
            raise Refused(f"{name!r} does not take that many arguments")
        return self._call(name, callee.call, callee.call, self._all(trees))

    def _has(self, trees: Sequence[Any]) -> Term:
        selection = unwrap(trees[0]) if len(trees) == 1 else None
        if selection is None or selection.data != "member_dot":
            raise Refused("'has' takes one field, as in has(event.data.name)")
        owner, name = self.compile(selection.children[0]), str(selection.children[1])
        otherwise = UNKNOWN if owner.path else False

        def run(scope: Scope) -> Any:
            value = owner.run(scope)
            if value.__class__ is dict:
                return True if name in value else otherwise
            return UNKNOWN if owner.path else ERROR

        return Term(run, owner.bound, cost=owner.cost + 1)

    def _macro(self, name: str, owner: Any, trees: Sequence[Any]) -> Term:
        if len(trees) not in MACROS[name] or (variable := unwrap(trees[0])).data != "ident":
            raise Refused(f"{name!r} takes a variable and an expression, as in list.{name}(x, x)")
        over, bound = self.compile(owner), str(variable.children[0])
        self._names.append(bound)
        bodies = self._all(trees[1:])
        self._names.pop()
        run = build(name, bound, over.run, [body.run for body in bodies], cost=_cost(bodies))
        return Term(run, over.bound | (_bound(bodies) - {bound}), cost=over.cost + _cost(bodies))

    def _select(self, tree: Any) -> Term:
        return self._field(self.compile(tree.children[0]), str(tree.children[1]))

    def _field(self, owner: Term, name: str) -> Term:
        inner, absent = owner.run, UNKNOWN if owner.path else ERROR

        def run(scope: Scope) -> Any:
            value = inner(scope)
            if value.__class__ is dict:
                found = value.get(name, absent)
                return float(found) if found.__class__ is int else found
            return value if value.__class__ is Absent else absent

        return Term(run, owner.bound, owner.path, owner.cost + 1)

    def _index(self, tree: Any) -> Term:
        terms = self._all(tree.children)
        key = unwrap(tree.children[1])
        if key.data == "literal" and key.children[0].type.endswith("STRING_LIT"):
            return self._field(terms[0], literal(key.children[0]))
        return Term(calling(item, _runs(terms)), _bound(terms), cost=_cost(terms))

    def _identifier(self, tree: Any) -> Term:
        name = str(tree.children[0])
        if name in self._names:
            return Term(lambda scope: scope.variables[name], frozenset({name}))
        if name in VARIABLES:
            return Term(lambda scope: scope.variables.get(name, UNKNOWN), path=True)
        if name in TYPES:
            constant = TypeName(name)
            return Term(lambda _: constant)
        raise Refused(f"there is no variable named {name!r}, only event, async and vars")

    def _list(self, tree: Any) -> Term:
        terms = self._all(self._arguments(tree, 0))
        run = calling(lambda _, *items: list(items), _runs(terms))
        return Term(run, _bound(terms), cost=_cost(terms))

    def _map(self, tree: Any) -> Term:
        terms = self._all(self._arguments(tree, 0))
        return Term(calling(pairs, _runs(terms)), _bound(terms), cost=_cost(terms))

    def _literal(self, tree: Any) -> Term:
        value = literal(tree.children[0])
        return Term(lambda _: value)

    _RULES: dict[str, Callable[[_Compiler, Any], Term]] = {  # noqa: RUF012
        "expr": _conditional,
        "conditionalor": _logical,
        "conditionaland": _logical,
        "relation": _binary,
        "addition": _binary,
        "multiplication": _binary,
        "unary": _unary,
        "member_dot": _select,
        "member_dot_arg": _method,
        "member_index": _index,
        "ident_arg": _function,
        "dot_ident_arg": _function,
        "ident": _identifier,
        "dot_ident": _identifier,
        "list_lit": _list,
        "map_lit": _map,
        "literal": _literal,
    }
