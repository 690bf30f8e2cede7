"""What an expression reads of its events, told from its text; it evaluates nothing.

With this an event is compared with few of the expressions that wait for it, and what waits need
not keep the whole event it was started by.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.cel.syntax import literal, parse, unwrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Path = tuple[str, ...]
"""Names of fields, from the event inwards."""

_OWN, _OTHER = "event", "async"


@dataclass(frozen=True, slots=True)
class Equality:
    """An `==` that must hold for the expression to be true.

    Args:
        other: the field of `async`.
        own: the field of `event` it must be equal to; None: it must be equal to `value`.
        value: a string or number from the expression.
    """

    other: Path
    own: Path | None = None
    value: Any = None

    def demand(self, event: Mapping[str, Any]) -> str | float | None:
        """Return what the field must be equal to, as `comparable` gives it."""
        return comparable(self.value if self.own is None else field_of(event, self.own))


@dataclass(frozen=True, slots=True)
class Reads:
    """What an expression reads.

    Args:
        own: the fields of `event`; an empty path is the whole event.
        equality: one that must hold, of a field of `async`, if there is such.
    """

    own: frozenset[Path]
    equality: Equality | None


@lru_cache(maxsize=2048)
def reads(text: str) -> Reads:
    """Return what an expression reads, which `compile_expression` has accepted."""
    tree = unwrap(parse(text))
    equalities = (_equality(part) for part in _conjuncts(tree))
    return Reads(frozenset(_own(tree)), next((one for one in equalities if one), None))


def part_of(event: Mapping[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """Return the event with nothing but the given fields, each where it is in the event."""
    kept: dict[str, Any] = {}
    for path in sorted(paths):
        if not path:
            return dict(event)
        _copy(event, kept, path)
    return kept


def field_of(event: Mapping[str, Any], path: Path) -> Any:
    """Return the value of a field; None when there is none."""
    value: Any = event
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def comparable(value: Any) -> str | float | None:
    """Return a value of an event such that equal ones are equal; None if it is not text or number.

    Numbers of events are doubles, as in evaluation.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _copy(source: Mapping[str, Any], target: dict[str, Any], path: Path) -> None:
    """Copy one field. What was copied whole for a shorter path is left as it is."""
    for name in path[:-1]:
        inner = source.get(name)
        if not isinstance(inner, dict) or target.get(name) is inner:
            path = (name,)
            break
        source, target = inner, target.setdefault(name, {})
    if path[-1] in source:
        target[path[-1]] = source[path[-1]]


def _own(tree: Any) -> Iterator[Path]:
    if isinstance(tree, str):
        return
    tree = unwrap(tree)
    path = _path(tree)
    if path is None:
        for child in tree.children:
            yield from _own(child)
    elif path[0] == _OWN:
        yield path[1:]


def _path(tree: Any) -> Path | None:
    """Return a variable and the constant names of fields behind it; None for anything else."""
    tree = unwrap(tree)
    if tree.data in ("ident", "dot_ident"):
        return (str(tree.children[0]),)
    name = _field_name(tree)
    owner = None if name is None else _path(tree.children[0])
    return None if name is None or owner is None else (*owner, name)


def _field_name(tree: Any) -> str | None:
    if tree.data == "member_dot":
        return str(tree.children[1])
    name = _constant(tree.children[1]) if tree.data == "member_index" else None
    return name if isinstance(name, str) else None


def _constant(tree: Any) -> Any:
    tree = unwrap(tree)
    return literal(tree.children[0]) if tree.data == "literal" else None


def _conjuncts(tree: Any) -> Iterator[Any]:
    """Yield the parts of which each must be true: one that is not ends an `&&` (expressions.py)."""
    tree = unwrap(tree)
    if tree.data != "conditionaland":
        yield tree
        return
    for child in tree.children:
        yield from _conjuncts(child)


def _equality(tree: Any) -> Equality | None:
    if tree.data != "relation" or tree.children[0].data != "relation_eq":
        return None
    left, right = tree.children[0].children[0], tree.children[1]
    return _directed(left, right) or _directed(right, left)


def _directed(one: Any, another: Any) -> Equality | None:
    other = _path(one)
    if other is None or other[0] != _OTHER:
        return None
    value, own = _constant(another), _path(another)
    if comparable(value) is not None:
        return Equality(other[1:], value=value)
    return Equality(other[1:], own[1:]) if own is not None and own[0] == _OWN else None
