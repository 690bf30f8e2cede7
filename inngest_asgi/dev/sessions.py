"""The sessions of an event as a server keeps them (http.md 13): what is over a limit is dropped."""

from __future__ import annotations

import math
from typing import Any

MAX_SESSIONS = 5
_KEY_BYTES, _ID_BYTES = 128, 512
_OWN, _CARRIED = "sessions", "propagated_sessions"


def kept_meta(meta: dict[str, Any]) -> dict[str, Any]:
    """Return an event's meta with its sessions in order.

    Ids that are numbers become text. What the sender says itself wins over what was carried along
    from another event, and null there ends a session. What is no session is dropped.
    """
    own, carried = _mapping(meta.get(_OWN)), _mapping(meta.get(_CARRIED))
    kept = dict(list(_sessions(own).items())[:MAX_SESSIONS])
    room = MAX_SESSIONS - len(kept)
    passed = _sessions({key: carried[key] for key in carried if key not in own})
    changed = {_OWN: kept, _CARRIED: dict(list(passed.items())[:room])}
    others = {key: meta[key] for key in meta if key not in changed}
    return others | {key: value for key, value in changed.items() if value}


def _sessions(given: dict[str, Any]) -> dict[str, str]:
    texts = {key: _text(id) for key, id in given.items() if 0 < _size(key) <= _KEY_BYTES}
    return {key: id for key, id in texts.items() if id is not None and _size(id) <= _ID_BYTES}


def _text(id: Any) -> str | None:
    if isinstance(id, bool):
        return None
    if isinstance(id, float) and math.isfinite(id):
        return str(int(id)) if id.is_integer() else repr(id)
    return str(id) if isinstance(id, int | str) else None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
