"""Expressions as the Inngest server decides them; pure: no clock, no I/O, nothing is logged.

CEL, read by cel-python and decided by these rules (server-api.md 9), which together explain all
cases of `tests/vectors/expressions.json`, without exceptions:

1. The variables are `event`, `async` (the second event of a wait or cancellation) and `vars`
   (always empty). Other names, unknown functions and wrong numbers of arguments are refused. An
   event always has name, data, user, id and ts, and v if it was sent.
2. Numbers of events are doubles. Doubles, ints and uints compare by value; arithmetic wants both
   sides of one type, so `event.data.n * 2` is an error and `event.data.n * 2.0` is not.
3. A missing field is unknown. `==` with it is true for null only (two unknowns differ), `!=` the
   opposite; it is less than anything; `+` gives the other side; `size` is 0; every other operator,
   function or method gives false: so does `!has(event.data.missing)`. An error counts the same.
4. A null beside a number or string in `<` and its kind counts as 0 or "".
5. `+` of different types puts them together as text: `event.data.n + 1` is "11".
6. `&&` and `||` give the first side that decides, or the last, by JavaScript's idea of truth.
7. Whatever reads the variable of a macro is strict CEL: rules 3 to 5 do not hold for it.
8. The answer is true only for the boolean true. Errors, too, are "no".

Not done: types are not checked before evaluation (such an expression is accepted and false); a
comma before `]` or `}` is refused, as cel-python's grammar has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.cel.compiler import compile_text
from inngest_asgi.dev.cel.syntax import Refused
from inngest_asgi.dev.cel.values import (
    ERROR,
    FAULTS,
    UNKNOWN,
    OutOfFuel,
    Scope,
    plain,
    text,
)
from inngest_asgi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SHOWN = 200


class ExpressionError(ConfigError):
    """An expression the server would refuse; the message names it and says what is wrong."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression; it may be evaluated from any thread, any number of times.

    Args of all methods:
        event: the event as the server keeps it, with JSON values.
        other: the event called `async` in the expression, where there is one.
        now: the current time in Unix seconds.
    """

    text: str
    _run: Callable[[Scope], Any] = field(repr=False, compare=False)

    def matches(
        self, event: Mapping[str, Any], *, other: Mapping[str, Any] | None = None, now: float
    ) -> bool:
        """Tell whether the expression is true; errors and other values are not. Never raises."""
        return self._decide(_itself, event, other, now) is True

    def value(
        self, event: Mapping[str, Any], *, other: Mapping[str, Any] | None = None, now: float
    ) -> Any:
        """Return the result as plain Python; False for a missing field, None for an error.

        Numbers of the event are floats. Never raises.
        """
        return self._decide(plain, event, other, now)

    def key(
        self, event: Mapping[str, Any], *, other: Mapping[str, Any] | None = None, now: float
    ) -> str | None:
        """Return the result as the text the server uses for keys; None for an error.

        Strings are themselves, others Go's default text: "42", "true", "map[a:1]"; "false" for a
        missing field. Never raises.
        """
        result: str | None = self._decide(text, event, other, now)
        return result

    def _decide(
        self,
        finish: Callable[[Scope, Any], Any],
        event: Mapping[str, Any],
        other: Mapping[str, Any] | None,
        now: float,
    ) -> Any:
        variables = {"event": view(event)}
        if other is not None:
            variables["async"] = view(other)
        scope = Scope(variables, now)
        try:
            result = self._run(scope)
            if result is ERROR:
                return None
            return finish(scope, False if result is UNKNOWN else result)
        except (*FAULTS, OutOfFuel):
            return None


@lru_cache(maxsize=2048)
def compile_expression(text: str) -> Expression:
    """Compile an expression, or find it among those compiled lately.

    Raises:
        ExpressionError: the server would refuse it when a function is registered.
    """
    try:
        return Expression(text, compile_text(text))
    except Refused as error:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        raise ExpressionError(f"The expression {shown!r} cannot be used: {error}.") from None


def _itself(_: Scope, value: Any) -> Any:
    return value


def view(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what expressions see of an event (rule 1)."""
    seen = {
        "name": event.get("name", ""),
        "data": event.get("data") or {},
        "user": event.get("user") or {},
        "id": event.get("id", ""),
        "ts": event.get("ts", 0),
    }
    if version := event.get("v"):
        seen["v"] = version
    return seen
