"""Step ids of one call: hashing, and telling repeated ids apart (steps.md 1)."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from inngest_asgi.errors import ConfigError


@lru_cache(maxsize=16_384)
def hash_id(step_id: str) -> str:
    """Return the id a server knows a step by: SHA-1 of the text, in hex.

    Raises:
        ConfigError: it holds half a surrogate pair, which no JSON can carry.
    """
    try:
        text = step_id.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(f"Step id {step_id!r} is not valid Unicode: {error}.") from None
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


class StepIds:
    """Hands out ids in the order steps start.

    The n-th repeat of "a" is "a:n", unless the user wrote that id himself: then the next free
    number is taken, so that two steps never share an id. `taken` are the ids as texts.
    """

    __slots__ = ("_repeats", "taken")

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self._repeats: dict[str, int] = {}

    def claim(self, step_id: str) -> tuple[str, int]:
        """Return the hashed id of the next use of `step_id`, and its repeat index (0 = first)."""
        if step_id not in self.taken:
            self.taken.add(step_id)
            return hash_id(step_id), 0
        index = self._repeats.get(step_id, 0) + 1
        while (text := f"{step_id}:{index}") in self.taken:
            index += 1
        self._repeats[step_id] = index
        self.taken.add(text)
        return hash_id(text), index
