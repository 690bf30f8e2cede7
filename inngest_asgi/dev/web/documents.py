"""Reads JSON that strangers sent, and refuses what could not be written again; keeps nothing."""

from __future__ import annotations

from typing import Any

from inngest_asgi.errors import CodecError
from inngest_asgi.wire.codec import dumps, loads


def read(body: bytes) -> Any:
    """Parse JSON that can be written again as a part of our own documents.

    Reading allows deeper nesting than writing does. What passes here may be stored, told of and
    sent on without a thought for that.

    Raises:
        CodecError: it is not JSON, or nested too deeply.
    """
    document = loads(body)
    try:
        dumps([[[[[[[[document]]]]]]]])
    except CodecError:
        raise CodecError("This JSON is nested too deeply; a server takes 240 levels.") from None
    return document
