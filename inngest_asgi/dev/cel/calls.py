"""How operators and functions are called: as strict CEL does, or as the server loosens it.

The rules are listed in `expressions.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from inngest_asgi.dev.cel import values as values
from inngest_asgi.dev.cel.values import ERROR, FAULTS, UNKNOWN, Absent, Int, Scope

Node = Callable[[Scope], Any]
"""A compiled part of an expression."""
Operator = Callable[..., Any]


def calling(
    call: Operator, runs: Sequence[Node], missing: Callable[[list[Any]], Any] | None = None
) -> Node:
    """Make the closure of one call.

    Args:
        call: what to call with the scope and the arguments; its `FAULTS` become an error.
        runs: what gives the arguments.
        missing: decides when an argument has no value; by default the call has none either.
    """

    def run(scope: Scope) -> Any:
        arguments = [run(scope) for run in runs]
        for argument in arguments:
            if argument.__class__ is Absent:
                return missing(arguments) if missing else argument
        return _apply(scope, call, arguments)

    return run


def _apply(scope: Scope, call: Operator, arguments: Sequence[Any]) -> Any:
    try:
        for argument in arguments:
            values.weigh(scope, argument)
        return call(scope, *arguments)
    except FAULTS:
        return ERROR


def _ordered(test: Callable[[int], bool]) -> tuple[Operator, Operator]:
    return (
        lambda _, left, right: test(values.order(left, right)),
        lambda _, left, right: test(values.order_loosely(left, right)),
    )


def _same(call: Operator) -> tuple[Operator, Operator]:
    return call, call


OPERATORS: dict[str, tuple[Operator, Operator]] = {
    "relation_eq": _same(values.equal),
    "relation_ne": _same(lambda scope, left, right: not values.equal(scope, left, right)),
    "relation_lt": _ordered(lambda sign: sign < 0),
    "relation_le": _ordered(lambda sign: sign <= 0),
    "relation_gt": _ordered(lambda sign: sign > 0),
    "relation_ge": _ordered(lambda sign: sign >= 0),
    "relation_in": _same(values.contained),
    "addition_add": (values.add, values.add_loosely),
    "addition_sub": _same(values.subtract),
    "multiplication_mul": _same(values.multiply),
    "multiplication_div": _same(values.divide),
    "multiplication_mod": _same(values.modulo),
    "unary_neg": _same(values.negate),
    "unary_not": _same(values.invert),
}
"""Each operator as strict CEL has it, and as the server loosens it outside of macros."""


def false(_: list[Any]) -> bool:
    """Answer false, as most calls do when an argument has no value."""
    return False


def _known(arguments: list[Any]) -> Any:
    return next((argument for argument in arguments if argument is not UNKNOWN), False)


MISSING: dict[str, Callable[[list[Any]], Any]] = {
    "relation_eq": lambda arguments: None in arguments,
    "relation_ne": lambda arguments: None not in arguments,
    "relation_lt": lambda arguments: arguments[0].__class__ is Absent,
    "relation_le": lambda arguments: arguments[0].__class__ is Absent,
    "relation_gt": lambda arguments: arguments[0].__class__ is not Absent,
    "relation_ge": lambda arguments: arguments[0].__class__ is not Absent,
    "addition_add": _known,
    "size": lambda _: Int(0),
}
"""What the server answers when an argument has no value; everything else answers `false`."""


def item(_: Scope, container: Any, key: Any) -> Any:
    """`container[key]`; numbers of events may be indices, as long as they are whole."""
    if container.__class__ is dict:
        return values.read(container[key])
    if container.__class__ is not list or values.kind(key) not in ("int", "uint", "double"):
        raise TypeError(key)
    if key < 0 or key != int(key):
        raise LookupError(key)
    return values.read(container[int(key)])


def pairs(_: Scope, *flat: Any) -> dict[Any, Any]:
    """`{key: value}` from keys and values in turn; a key may stand there once."""
    made = dict(zip(flat[::2], flat[1::2], strict=True))
    if len(made) * 2 != len(flat):
        raise ValueError(flat)
    return made
