"""Keeps the garbage collector off large documents while they are in use; parses nothing itself."""

from __future__ import annotations

import gc
import threading
from typing import Any

from inngest_asgi.wire.codec import LARGE, loads

_thresholds = threading.RLock()


def loads_to_hold(data: bytes) -> tuple[Any, object]:
    """Parse JSON that is in use for a while, such as a call's state.

    A large document is tens of thousands of objects at once. They would have the garbage collector
    look at them, and at those of other calls, although none can be garbage while it is in use.

    Returns:
        The document; and what makes the collector wait for that many objects more than usual, as
        long as it is held beside the document.

    Raises:
        CodecError: it is not JSON; the message says where.
    """
    if len(data) < LARGE or not gc.isenabled():
        return loads(data), None
    gc.disable()
    try:
        before = gc.get_count()[0]
        document = loads(data)
        return document, _Patience(max(gc.get_count()[0] - before, 0))
    finally:
        gc.enable()


class _Patience:
    """Lets the garbage collector wait, as long as it is held, for some objects more than usual.

    Args:
        objects: how many more.
    """

    __slots__ = ("_objects",)

    def __init__(self, objects: int) -> None:
        self._objects = objects
        _wait_for_more(objects)

    def __del__(self) -> None:
        _wait_for_more(-self._objects)


def _wait_for_more(objects: int) -> None:
    """Move the threshold of the collector, unless a program has switched it off or moved it."""
    with _thresholds:
        first, *others = gc.get_threshold()
        if first > 0 and first + objects > 0:
            gc.set_threshold(first + objects, *others)
