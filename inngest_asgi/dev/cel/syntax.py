"""Reads CEL text into cel-python's tree and its literals into values; gives it no meaning."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from celpy.celparser import CELParseError, CELParser
from celpy.evaluation import celbytes, celstr

from inngest_asgi.dev.cel.values import Int, Uint, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from lark import Token, Tree

MAX_CHARACTERS = 16_384

# cel-python's patterns for strings take exponential time where a string is not closed (28 escapes:
# 50 s), so that is looked for first. It reads strings and comments as its lexer does.
_CLOSED = re.compile(
    r"""(?:
      [^"'/]++ | /(?!/) | //[^\n]*+
    | \"""(?:[^"\\]|\\(?s:.)|"(?!""))*+\""" | "(?!"")(?:[^"\\\n]|\\[^\n])*+"
    | '''(?:[^'\\]|\\(?s:.)|'(?!''))*+''' | '(?!'')(?:[^'\\\n]|\\[^\n])*+'
    )*+""",
    re.VERBOSE,
)
_ESCAPE = re.compile(
    r"""\\(?:[abfnrtv"'\\]|[0-3][0-7]{2}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"""
)
_WRAPPERS = frozenset(
    {
        "expr",
        "conditionalor",
        "conditionaland",
        "relation",
        "addition",
        "multiplication",
        "unary",
        "member",
        "primary",
        "paren_expr",
    }
)
_parsing = Lock()


class Refused(ValueError):
    """The text is not an expression the server takes; the message says why, as half a sentence."""


@lru_cache(maxsize=16)
def parse(text: str) -> Tree[Token]:
    """Return the tree of an expression, or raise `Refused`. Nobody changes a tree."""
    if len(text) > MAX_CHARACTERS:
        raise Refused(f"it has more than {MAX_CHARACTERS} characters")
    if not _CLOSED.fullmatch(text):
        raise Refused("a string in it is not closed")
    try:
        with _parsing:
            return CELParser().parse(text)
    except CELParseError as error:
        token = getattr(error.__context__, "token", None)
        if token is not None and token.type == "$END":
            raise Refused("it ends too early") from None
        raise Refused(f"it cannot be read at line {error.line}, column {error.column}") from None


def unwrap(tree: Any) -> Any:
    """Skip the tree's levels of precedence that hold nothing but the next level."""
    while tree.data in _WRAPPERS and len(tree.children) == 1:
        tree = tree.children[0]
    return tree


def literal(token: Token) -> Any:
    """Return the value of a literal, or raise `Refused`."""
    try:
        return _LITERALS[token.type](token)
    except (ValueError, OverflowError) as error:
        raise Refused(f"{str(token)[:40]!r} in it is not a valid value") from error


def _number(text: str) -> int:
    return int(text, 16 if "x" in text else 10)


def _double(token: Token) -> float:
    if math.isinf(number := float(token)):
        raise OverflowError(token)
    return number


def _string(token: Token) -> str:
    text = str(celstr(_prepared(token)))
    text.encode()  # a lone surrogate is refused here
    return text


def _bytes(token: Token) -> bytes:
    return bytes(celbytes(_prepared(token)))


def _prepared(token: Token) -> Token:
    """Refuse escapes CEL does not have, and write line breaks as escapes: cel-python drops them."""
    prefix, rest = re.split("[\"']", token, maxsplit=1)
    if "r" in prefix.lower():
        return token
    if "\\" in _ESCAPE.sub("", rest):
        raise ValueError(token)
    return token.update(value=token.replace("\n", "\\n"))


_LITERALS: dict[str, Callable[[Token], Any]] = {
    "INT_LIT": lambda token: whole(Int, _number(token)),
    "UINT_LIT": lambda token: whole(Uint, _number(token[:-1])),
    "FLOAT_LIT": _double,
    "STRING_LIT": _string,
    "MLSTRING_LIT": _string,
    "BYTES_LIT": _bytes,
    "BOOL_LIT": "true".__eq__,
    "NULL_LIT": lambda _: None,
}
