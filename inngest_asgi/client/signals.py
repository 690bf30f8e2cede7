"""Signals: wake the run that waits for one, by its name (server-api.md 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.errors import ApiError, CodecError
from inngest_asgi.functions import checks
from inngest_asgi.wire.codec import dumps, embed

if TYPE_CHECKING:
    from inngest_asgi.client.api import Api
    from inngest_asgi.wire.codec import Fragment


async def send_signal(api: Api, name: str, data: Any, env: str | None) -> str | None:
    """Send a signal; there is one attempt, as a second might wake the next run that waits.

    Args:
        api: carries it.
        name: the signal's name.
        data: JSON data.
        env: the branch environment, instead of the one configured.

    Returns:
        The id of the run that it woke, or None when none waits for it.

    Raises:
        ApiError: it is not known whether it was received; or the server refused it.
        ConfigError: the name is no name.
        CodecError: the data cannot be JSON.
    """
    checks.text(name, "send_signal: name")
    body = dumps({"signal": name, "data": _dumped(name, data)})
    answer = await api.ask("POST", "/v1/signals", env=env, body=body)
    document = answer.document()
    if answer.status == 404 and isinstance(document, dict):
        return None
    if not answer.ok:
        raise api.refusal(answer, f"Signal {name!r} was not sent")
    return _run_id(name, document)


def _dumped(name: str, data: Any) -> Fragment:
    try:
        return embed(data)
    except CodecError as error:
        raise CodecError(f"Signal {name!r} cannot be sent: {error}") from error


def _run_id(name: str, document: Any) -> str:
    data = document.get("data") if isinstance(document, dict) else None
    run_id = data.get("run_id") if isinstance(data, dict) else None
    if not isinstance(run_id, str) or not run_id:
        raise ApiError(f"Signal {name!r} was sent, but the server did not say which run it woke.")
    return run_id
