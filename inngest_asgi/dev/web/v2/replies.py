"""How REST v2 is asked and answers: fields in either spelling, envelopes, pages, errors."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.moments import parse_moment
from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.replies import is_ulid, json_reply, parsed
from inngest_asgi.dev.web.views import moment
from inngest_asgi.errors import RequestError
from inngest_asgi.wire.codec import Fragment

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})
_LONGEST_NUMBER = 9


class Code(StrEnum):
    """Why a request was refused (server-api.md 5)."""

    INVALID_REQUEST = "invalid_request"
    MISSING_FIELD = "missing_field"
    INVALID_FIELD = "invalid_field_format"
    VALIDATION = "validation_error"
    NOT_FOUND = "not_found"
    IDEMPOTENCY = "idempotency_conflict"
    CANCELLED = "run_already_cancelled"
    ENDED = "run_already_ended"
    RATE_LIMITED = "rate_limited"
    DEBOUNCED = "function_debounced"
    SKIPPED = "function_skipped"
    INTERNAL = "internal_error"
    NOT_IMPLEMENTED = "not_implemented"


def refused(code: Code, message: str, status: int = 400) -> RequestError:
    """Return the error that is answered with a code and a sentence."""
    return RequestError(message, code=code, status=status)


def message(**fields: Any) -> dict[str, Any]:
    """Return an object without its fields that are zero, which protobuf leaves out.

    JSON of users' is passed as a `Fragment`, and so never left out.
    """
    return {name: value for name, value in fields.items() if value or isinstance(value, Fragment)}


def answer(data: Any, now: float, page: dict[str, Any] | None = None) -> Response:
    """Return the reply with `data` in its envelope.

    Args:
        data: what was asked for.
        now: Unix seconds.
        page: of a list: which part it is (see `page_of`).
    """
    body = {"data": data, "metadata": {"fetchedAt": moment(now)}}
    return json_reply(body if page is None else body | {"page": page})


def page_of(cursor: str | None, limit: int) -> dict[str, Any]:
    """Return what tells where a list goes on."""
    page = {"hasMore": cursor is not None, "limit": limit}
    return page if cursor is None else {"cursor": cursor, **page}


def error_reply(code: str, text: str, status: int) -> Response:
    """Return the reply for one error."""
    return json_reply({"errors": [{"code": code, "message": text}]}, status=status)


class Asked:
    """The query of a request, whose names may be spelled like_this or likeThis, lists like_this[].

    Args:
        request: the request.
        allowed: all names it may have, like_this.

    Raises:
        RequestError: it has others.
    """

    def __init__(self, request: Request, *allowed: str) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            known = snake(name.removesuffix("[]"))
            if known not in allowed:
                raise refused(Code.INVALID_REQUEST, f"Unexpected query parameter {name!r}.")
            self._values.setdefault(known, []).append(value)

    def all(self, name: str) -> list[str]:
        """Return all values of a parameter."""
        return [value for value in self._values.get(name, []) if value]

    def text(self, name: str) -> str | None:
        """Return the last value of a parameter; None when it is missing or empty."""
        values = self.all(name)
        return values[-1] if values else None

    def flag(self, name: str) -> bool | None:
        """Return a parameter that is true or false; None when it is missing."""
        value = self.text(name)
        if value is not None and value.lower() not in _TRUE | _FALSE:
            raise refused(Code.INVALID_FIELD, f"{name} must be true or false, not {value!r}.")
        return None if value is None else value.lower() in _TRUE

    def number(self, name: str, default: int, most: int) -> int:
        """Return a whole number from 1 on."""
        value = self.text(name)
        if value is None:
            return default
        whole = value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER
        if not whole or not 1 <= int(value) <= most:
            raise refused(Code.INVALID_FIELD, f"{name} must be a number between 1 and {most}.")
        return int(value)

    def moment(self, name: str) -> float | None:
        """Return a moment in Unix seconds."""
        value = self.text(name)
        if value is None:
            return None
        seconds = parse_moment(value)
        if seconds is None:
            raise refused(
                Code.INVALID_FIELD,
                f"{name} must be a date such as 2026-08-01T10:00:00Z, not {value!r}.",
            )
        return seconds


async def document_of(request: Request, *allowed: str) -> dict[str, Any]:
    """Return the fields of a request's body by their names, like_this; nulls count as missing.

    Raises:
        RequestError: the body is no JSON object, or has other fields.
    """
    body = await body_of(request)
    return fields_of(parsed(body) if body else {}, "The body", *allowed)


def fields_of(document: Any, what: str, *allowed: str) -> dict[str, Any]:
    """Return the fields of an object by their names, like_this; nulls count as missing.

    Raises:
        RequestError: it is no object, or has other fields.
    """
    if not isinstance(document, dict):
        raise refused(Code.INVALID_REQUEST, f"{what} must be a JSON object.")
    fields: dict[str, Any] = {}
    for name, value in document.items():
        if snake(name) not in allowed:
            raise refused(Code.INVALID_REQUEST, f"Unexpected field {name!r}.")
        if value is not None:
            fields[snake(name)] = value
    return fields


def text_in(fields: dict[str, Any], name: str) -> str:
    """Return a field that must be there, and text.

    Raises:
        RequestError: it is missing, or something else.
    """
    value = fields.get(name)
    if value is None or value == "":
        raise refused(Code.MISSING_FIELD, f"{name} is required.")
    if not isinstance(value, str):
        raise refused(Code.INVALID_FIELD, f"{name} must be text.")
    return value


def ulid_in(request: Request, name: str) -> str:
    """Return the ULID in the path of a request.

    Raises:
        RequestError: it is none.
    """
    given: str = request.path_params[name]
    if not is_ulid(given):
        raise refused(Code.INVALID_FIELD, f"{name} must be a ULID, not {given!r}.")
    return given


def snake(name: str) -> str:
    """Return a name likeThis like_this.

    >>> snake("includeOutput")
    'include_output'
    """
    return _CAMEL.sub("_", name).lower()
