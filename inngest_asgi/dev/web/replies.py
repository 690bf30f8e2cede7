"""Requests read and JSON answered, the same way by all routes; nothing is looked up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Match, Route

from inngest_asgi.dev.web.documents import read
from inngest_asgi.errors import CodecError, RequestError
from inngest_asgi.wire.codec import dumps

if TYPE_CHECKING:
    from starlette.exceptions import HTTPException
    from starlette.requests import Request

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


def not_served(request: Request, error: HTTPException) -> tuple[str, dict[str, str]]:
    """Return why no route took a request, and the headers that go with the answer.

    A path may have several routes, each with methods of its own; the answer names those of all.
    """
    path = request.scope["path"]
    if error.status_code == 404:
        return f"There is nothing at {path}.", {}
    allowed: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is Match.PARTIAL:
            allowed |= route.methods or set()
    return f"{path} does not take {request.method}.", {"allow": ", ".join(sorted(allowed))}
