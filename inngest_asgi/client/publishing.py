"""Realtime messages: to whoever is subscribed to a topic at that moment (realtime.md 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from inngest_asgi.client.retries import with_retries
from inngest_asgi.errors import CodecError
from inngest_asgi.wire.codec import Fragment, dumps

if TYPE_CHECKING:
    from inngest_asgi.client.api import Api

LARGEST_MESSAGE = 512 * 1024
"""Bytes of JSON; servers cut what is beyond, and tell nobody (realtime.md 2.1)."""


async def publish(api: Api, channel: str, topic: str, data: Any, *, run_id: str = "") -> Fragment:
    """Publish a message, again on failures that may pass; in the worst case it comes twice.

    Args:
        api: carries it.
        channel: the channel.
        topic: the topic's name.
        data: JSON data, or a pydantic model.
        run_id: the run that tells it, if one does.

    Returns:
        The message as it was sent.

    Raises:
        CodecError: it cannot be JSON, or is too large.
        ApiError: the server refused it, or no answer came.
    """
    what = f"A message to topic {topic!r} of channel {channel!r}"
    body = _body(data, what)
    query = {"channel": channel, "topic": topic} | ({"run_id": run_id} if run_id else {})
    path = f"/v1/realtime/publish?{urlencode(query)}"
    answer = await with_retries(lambda: api.ask("POST", path, body=body), api.clock)
    if not answer.ok:
        hint = "; this server seems to have no realtime" if answer.status == 404 else ""
        raise api.refusal(answer, f"{what} was not published{hint}")
    return Fragment(body)


def _body(data: Any, what: str) -> bytes:
    try:
        body = dumps(data.model_dump(mode="json", by_alias=True) if _is_model(data) else data)
    except (CodecError, PydanticSerializationError) as error:
        raise CodecError(f"{what} cannot be published: {error}") from error
    if len(body) > LARGEST_MESSAGE:
        raise CodecError(
            f"{what} cannot be published: it has {len(body)} bytes, servers take "
            f"{LARGEST_MESSAGE}; publish a reference to its contents instead."
        )
    return body


def _is_model(data: Any) -> bool:
    return isinstance(data, BaseModel)
