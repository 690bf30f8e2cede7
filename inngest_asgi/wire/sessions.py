"""Sessions that events belong to, such as a chat: checked, and carried along a run. No I/O."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from inngest_asgi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SESSIONS = "sessions"
_PROPAGATED = "propagated_sessions"
_MOST = 5
_KEY_BYTES = 128
_ID_BYTES = 512


def checked_meta(meta: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return an event's meta with the ids of its sessions as strings (http.md 13).

    Raises:
        ConfigError: its sessions are more, or longer, than servers keep: they would drop them.
    """
    if meta is None or meta.get(_SESSIONS) is None:
        return meta
    sessions = meta[_SESSIONS]
    if not isinstance(sessions, dict):
        raise ConfigError(f"meta.sessions is {sessions!r}; pass a dictionary of key to id.")
    if len(sessions) > _MOST:
        raise ConfigError(f"meta.sessions has {len(sessions)} entries; {_MOST} are allowed.")
    return meta | {_SESSIONS: {_key(key): _id(key, id) for key, id in sessions.items()}}


def sessions_of(events: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the sessions that the events of a run belong to; of equal keys the first one counts.

    Args:
        events: as a server sent them; what is not as it should be is passed over.
    """
    found: dict[str, str] = {}
    for event in events:
        meta = _dictionary(event.get("meta"))
        own = _dictionary(meta.get(_PROPAGATED)) | _dictionary(meta.get(_SESSIONS))
        found = {key: id for key, id in own.items() if isinstance(id, str)} | found
    return found


def carried(meta: dict[str, Any] | None, sessions: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the meta of something a run sends, with the sessions of the run.

    What the sender says itself wins: an id of its own, or None, which ends a session here.
    """
    told = meta or {}
    ended_or_own = _dictionary(told.get(_SESSIONS))
    passed_on = {key: id for key, id in sessions.items() if key not in ended_or_own}
    if not passed_on:
        return meta
    return told | {_PROPAGATED: passed_on | _dictionary(told.get(_PROPAGATED))}


def _dictionary(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _key(key: Any) -> str:
    if not isinstance(key, str) or not 0 < _size(key) <= _KEY_BYTES:
        raise ConfigError(
            f"meta.sessions has the key {key!r}; pass a string of 1 to {_KEY_BYTES} bytes."
        )
    return key


def _id(key: str, id: Any) -> str | None:
    text = _text(id)
    if text is None and id is not None:
        raise ConfigError(f"meta.sessions[{key!r}] is {id!r}; pass a string, a number or None.")
    if text is not None and _size(text) > _ID_BYTES:
        raise ConfigError(
            f"meta.sessions[{key!r}] has {_size(text)} bytes; {_ID_BYTES} are allowed."
        )
    return text


def _text(id: Any) -> str | None:
    """Write an id as a string, as servers do with numbers; None for what cannot be an id."""
    if isinstance(id, float) and math.isfinite(id):
        return str(int(id)) if id.is_integer() else repr(id)
    if isinstance(id, int) and not isinstance(id, bool):
        return str(id)
    return id if isinstance(id, str) else None


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
