"""Where commands write: plain text that any terminal, pipe or encoding can take."""

from __future__ import annotations

import sys
from io import TextIOWrapper

from rich.console import Console


def open_console() -> Console:
    """Return a console on standard output that shows text as it is, and never fails to.

    What the encoding of the output lacks is written as an escape, such as `\\xe4`.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def can_show(console: Console, text: str) -> bool:
    """Whether the console's encoding has all characters of a text."""
    try:
        text.encode(console.encoding)
    except UnicodeEncodeError:
        return False
    return True
