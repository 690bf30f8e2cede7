"""What CEL values are and what operators do with them; knows no syntax and no names of functions.

JSON values are taken as they are: a plain `int` of an event counts as a double, as the server
decodes it, and becomes a `float` when it is read; CEL's own integers are `Int` and `Uint`.
Operators raise ordinary Python errors (`FAULTS`) where CEL has no overload.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from itertools import repeat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FUEL = 500_000
"""Elements and sub-expressions one evaluation may touch: far more than any event needs."""

_TEXT_COST = 10
"""What writing an element takes, in evaluations of a sub-expression."""

LONGEST = 1 << 24
"""Characters or items that adding two values may come to."""

FAULTS = (
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    OSError,
    RecursionError,
)
"""What an operator or function may raise for values it has no answer for."""


class Absent(Enum):
    """Why there is no value: the field does not exist, or the evaluation went wrong."""

    UNKNOWN = "unknown"
    ERROR = "error"


UNKNOWN, ERROR = Absent.UNKNOWN, Absent.ERROR


class Int(int):
    """CEL's int, 64 bits: literals, sizes, conversions. Never the number of an event."""


class Uint(int):
    """CEL's uint, 64 bits."""


@dataclass(frozen=True, slots=True)
class TypeName:
    """What `type(x)` gives, and what the names of types stand for."""

    name: str


class OutOfFuel(Exception):
    """The expression touches too much; the whole evaluation is given up."""


class Scope:
    """The variables, the moment and the remaining fuel of one evaluation; used by one thread."""

    __slots__ = ("_fuel", "now", "variables")

    def __init__(self, variables: dict[str, Any], now: float) -> None:
        self.variables = variables
        self.now = now
        self._fuel = FUEL

    def burn(self, cost: int) -> None:
        """Count work done; raises `OutOfFuel` once it is too much."""
        self._fuel -= cost
        if self._fuel < 0:
            raise OutOfFuel


_KINDS: dict[type, str] = {
    type(None): "null_type",
    bool: "bool",
    int: "double",
    float: "double",
    Int: "int",
    Uint: "uint",
    str: "string",
    bytes: "bytes",
    list: "list",
    dict: "map",
    datetime: "timestamp",
    timedelta: "duration",
    TypeName: "type",
}
TYPES = frozenset(_KINDS.values())
_NUMBERS = frozenset({"double", "int", "uint"})
_ORDERED = frozenset({"bool", "string", "bytes", "timestamp", "duration"})
_ADDED = frozenset({"double", "string", "bytes", "list", "duration"})
_MOMENTS = frozenset({("timestamp", "timestamp"), ("timestamp", "duration")})
_LIMITS: dict[type[int], tuple[int, int]] = {Int: (-(2**63), 2**63 - 1), Uint: (0, 2**64 - 1)}
_ZEROS: dict[str, Any] = {"int": Int(0), "uint": Uint(0), "double": 0.0, "string": ""}


def kind(value: Any) -> str:
    """Return the name of the value's CEL type."""
    return _KINDS.get(value.__class__, "unsupported")


def read(value: Any) -> Any:
    """Return a value of an event as CEL sees it: numbers are doubles."""
    return float(value) if value.__class__ is int else value


def truthy(value: Any) -> bool:
    """Tell whether `&&` and `||` take the value for true, as JavaScript would."""
    if value is None or value.__class__ is Absent:
        return False
    return bool(value) if isinstance(value, bool | int | float | str) else True


def whole(of: type[int], value: int) -> int:
    """Make an `Int` or `Uint`; an `OverflowError` where 64 bits do not hold it."""
    low, high = _LIMITS[of]
    if not low <= value <= high:
        raise OverflowError(value)
    return of(value)


def weigh(scope: Scope, value: Any) -> None:
    """Burn fuel for the size of a value that an operator or function is about to walk over."""
    if value.__class__ is str or value.__class__ is bytes:
        scope.burn(len(value) >> 8)
    elif value.__class__ is list:
        scope.burn(len(value))


def equal(scope: Scope, left: Any, right: Any) -> bool:
    """`==`: numbers compare across types, anything else of another type is different."""
    scope.burn(1)
    sort = kind(left)
    if sort in _NUMBERS:
        return kind(right) in _NUMBERS and bool(left == right)
    if sort != kind(right):
        return False
    if sort == "list":
        return len(left) == len(right) and all(map(equal, repeat(scope), left, right))
    if sort == "map":
        return left.keys() == right.keys() and all(
            map(equal, repeat(scope), left.values(), map(right.__getitem__, left))
        )
    return bool(left == right)


def contained(scope: Scope, item: Any, container: Any) -> bool:
    """`in`: an item of a list or a key of a map."""
    if container.__class__ is dict:
        return item in container
    if container.__class__ is not list:
        raise TypeError(container)
    return any(equal(scope, item, other) for other in container)


def order(left: Any, right: Any) -> int:
    """Return -1, 0 or 1; a `TypeError` for values that have no order between them."""
    sorts = {kind(left), kind(right)}
    if not (sorts <= _NUMBERS or (len(sorts) == 1 and sorts <= _ORDERED)):
        raise TypeError(sorts)
    if left != left or right != right:
        raise ValueError("NaN has no order")
    return int(left > right) - int(left < right)


def order_loosely(left: Any, right: Any) -> int:
    """Like `order`, but a null beside a number or string counts as its zero value."""
    if left is None and right is not None:
        left = _ZEROS[kind(right)]
    elif right is None and left is not None:
        right = _ZEROS[kind(left)]
    return order(left, right)


def add(_scope: Scope, left: Any, right: Any) -> Any:
    """`+` of two values of one type, or of a moment and a duration."""
    sorts = (kind(left), kind(right))
    if sorts in (("timestamp", "duration"), ("duration", "timestamp")):
        return left + right
    if sorts[0] != sorts[1]:
        raise TypeError(sorts)
    if isinstance(left, Int | Uint):
        return whole(type(left), int(left) + int(right))
    if sorts[0] not in _ADDED:
        raise TypeError(sorts)
    if sorts[0] in ("string", "bytes", "list") and len(left) + len(right) > LONGEST:
        raise OverflowError
    return left + right


def add_loosely(scope: Scope, left: Any, right: Any) -> Any:
    """Like `add`, but values of different types are put together as text."""
    try:
        return add(scope, left, right)
    except TypeError:
        if kind(left) == kind(right):
            raise
        return add(scope, text(scope, left), text(scope, right))


def subtract(_scope: Scope, left: Any, right: Any) -> Any:
    """`-` of two numbers of one type, two moments, two durations, or a moment and a duration."""
    sorts = (kind(left), kind(right))
    if sorts in _MOMENTS or sorts == ("duration", "duration"):
        return left - right
    return _subtract_numbers(_scope, left, right)


def negate(_scope: Scope, value: Any) -> Any:
    """Unary `-` of an int or a double."""
    if value.__class__ is Int:
        return whole(Int, -int(value))
    if value.__class__ is not float:
        raise TypeError(value)
    return -value


def invert(_scope: Scope, value: Any) -> bool:
    """Unary `!`."""
    if value.__class__ is not bool:
        raise TypeError(value)
    return not value


def _numeric(on_whole: Callable[..., int], on_double: Callable[..., float]) -> Callable[..., Any]:
    def operator(_scope: Scope, left: Any, right: Any) -> Any:
        if kind(left) != kind(right):
            raise TypeError(left, right)
        if isinstance(left, Int | Uint):
            return whole(type(left), on_whole(int(left), int(right)))
        if not isinstance(left, float):
            raise TypeError(left)
        return on_double(left, right)

    return operator


def _truncate(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _divide(left: float, right: float) -> float:
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _no_double(left: float, right: float) -> float:
    raise TypeError(left, right)


_subtract_numbers = _numeric(lambda a, b: a - b, lambda a, b: a - b)
multiply = _numeric(lambda a, b: a * b, lambda a, b: a * b)
divide = _numeric(_truncate, _divide)
modulo = _numeric(lambda a, b: a - b * _truncate(a, b), _no_double)


def text(scope: Scope, value: Any) -> str:
    """Return the text the server makes of a value in `+` and in keys (Go's `%v`)."""
    return "NULL_VALUE" if value is None else _text(scope, value)


def plain(scope: Scope, value: Any) -> Any:
    """Return the value as ordinary Python: no `Int`, no `TypeName`."""
    scope.burn(1)
    if isinstance(value, Int | Uint):
        return int(value)
    if isinstance(value, TypeName):
        return value.name
    if value.__class__ is list:
        return [plain(scope, item) for item in value]
    if value.__class__ is dict:
        return {plain(scope, key): plain(scope, item) for key, item in value.items()}
    return value


def double_text(value: float) -> str:
    """Write a double with the fewest digits and no exponent, as `string(x)` does."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{value:+}".replace("inf", "Inf")
    return f"{Decimal(repr(value)).normalize():f}"


def _short_double(value: float) -> str:
    if not math.isfinite(value) or -5 < (number := Decimal(repr(value)).normalize()).adjusted() < 6:
        return double_text(value)
    return f"{value:.{len(number.as_tuple().digits) - 1}e}"


def _text(scope: Scope, value: Any) -> str:
    scope.burn(_TEXT_COST)
    sort = kind(value)
    if sort == "list":
        return f"[{' '.join(_text(scope, item) for item in value)}]"
    if sort == "map":
        pairs = sorted((_text(scope, key), _text(scope, item)) for key, item in value.items())
        return f"map[{' '.join(f'{key}:{item}' for key, item in pairs)}]"
    return _TEXTS[sort](value)


_TEXTS: dict[str, Callable[[Any], str]] = {
    "null_type": lambda value: "<nil>",
    "bool": lambda value: "true" if value else "false",
    "double": lambda value: _short_double(float(value)),
    "int": str,
    "uint": str,
    "string": str,
    "bytes": lambda value: f"[{' '.join(map(str, value))}]",
    "timestamp": lambda value: f"{value:%Y-%m-%d %H:%M:%S} +0000 UTC",
    "duration": lambda value: f"{double_text(value.total_seconds())}s",
    "type": lambda value: value.name,
}
