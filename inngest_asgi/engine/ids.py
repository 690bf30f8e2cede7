"""Step ids of one call: hashing, and telling repeated ids apart (steps.md 1)."""

from __future__ import annotations

import hashlib
from typing import Final

from inngest_asgi.errors import ConfigError

_MOST_HASHES = 16_384


class _Hashes(dict[str, str]):
    """Hashed ids by their texts; a dictionary, because it is asked for each step of each call."""

    def __missing__(self, step_id: str) -> str:
        try:
            text = step_id.encode()
        except UnicodeEncodeError as error:
            raise ConfigError(f"Step id {step_id!r} is not valid Unicode: {error}.") from None
        if len(self) == _MOST_HASHES:
            self.clear()  # ids made at run time would pile up
        self[step_id] = hashed = hashlib.sha1(text, usedforsecurity=False).hexdigest()
        return hashed


_hashes = _Hashes()

hash_id: Final = _hashes.__getitem__
"""Return the id a server knows a step by: SHA-1 of the text, in hex.

Raises:
    ConfigError: it holds half a surrogate pair, which no JSON can carry.
"""


class StepIds:
    """Hands out ids in the order steps start.

    The n-th repeat of "a" is "a:n", unless the user wrote that id himself: then the next free
    number is taken, so that two steps never share an id.

    Attributes:
        taken: the hashed ids taken, but for the `recalled` ones.
        recalled: those that were taken for their first use, which needs no look at others. Replays
            consist of them, so they are only listed here until `claim` asks for all.
    """

    __slots__ = ("_repeats", "recalled", "taken")

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.recalled: list[str] = []
        self._repeats: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.taken) + len(self.recalled)

    def claim(self, step_id: str) -> tuple[str, int]:
        """Return the hashed id of the next use of `step_id`, and its repeat index (0 = first)."""
        self.taken.update(self.recalled)
        self.recalled.clear()
        id, index = hash_id(step_id), 0
        if id in self.taken:
            index = self._repeats.get(step_id, 0) + 1
            while (id := hash_id(f"{step_id}:{index}")) in self.taken:
                index += 1
            self._repeats[step_id] = index
        self.taken.add(id)
        return id, index
