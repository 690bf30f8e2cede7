"""How REST v1 answers: the envelope, and how long it may be kept (server-api.md 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.web.replies import json_reply
from inngest_asgi.dev.web.views import envelope
from inngest_asgi.errors import RequestError

if TYPE_CHECKING:
    from starlette.responses import Response


def enveloped(data: Any, now: float, max_age: int | None = None) -> Response:
    """Return the reply with `data` in its envelope.

    Args:
        data: what was asked for.
        now: Unix seconds.
        max_age: for how many seconds it may be kept; None: not at all.
    """
    response = json_reply(envelope(data, now, max_age))
    if max_age is not None:
        response.headers["cache-control"] = f"private, max-age={max_age}"
    return response


def refused(message: str, status: int = 400) -> RequestError:
    """Return the error that is answered with a sentence."""
    return RequestError(message, code="", status=status)
