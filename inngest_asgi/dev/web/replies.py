"""Requests read and JSON answered, the same way by all routes; nothing is looked up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from inngest_asgi.dev.web.documents import read
from inngest_asgi.errors import CodecError, RequestError
from inngest_asgi.wire.codec import dumps

if TYPE_CHECKING:
    from starlette.requests import Request

CANCELLED_BY_API = "The run was cancelled by the API."
"""Why a run was cancelled that somebody asked a route to cancel."""

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)


def json_reply(document: Any, status: int = 200) -> Response:
    """Return a response that is a JSON document."""
    return Response(dumps(document), status_code=status, media_type="application/json")


def parsed(body: bytes) -> Any:
    """Parse the JSON of a request.

    Raises:
        RequestError: it is none (400).
    """
    try:
        return read(body)
    except CodecError as error:
        raise RequestError(str(error), code="body_invalid", status=400) from None


def is_ulid(text: str) -> bool:
    """Return whether a text is a ULID, as all ids of runs and events are."""
    return _ULID.fullmatch(text) is not None


def id_of(request: Request, what: str) -> str:
    """Return the ULID in the path of a request; `what` it is of is for the error.

    Raises:
        RequestError: it is none (400).
    """
    given: str = request.path_params["id"]
    if not is_ulid(given):
        raise RequestError(f"Invalid {what} ID: {given}", code="", status=400)
    return given
