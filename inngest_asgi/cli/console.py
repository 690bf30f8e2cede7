"""Where commands write: plain text that any terminal, pipe or encoding can take."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from io import TextIOWrapper
from typing import TextIO

from rich.console import Console


@dataclass(frozen=True, slots=True)
class Screen:
    """Where a command writes.

    Args:
        results: what it is for: standard output.
        notices: what only people read; standard error where results are for programs.
        json: results are JSON, one document a line.
    """

    results: Console
    notices: Console
    json: bool = False


def open_console(stream: TextIO | None = None) -> Console:
    """Return a console that shows text as it is, and never fails to.

    What the encoding of the output lacks is written as an escape, such as `\\xe4`.

    Args:
        stream: where it writes; standard output by default.
    """
    stream = stream or sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)


def open_screen(*, json: bool = False) -> Screen:
    """Return a screen on standard output; with `json`, notices go to standard error."""
    results = open_console()
    return Screen(results, open_console(sys.stderr) if json else results, json)


def can_show(console: Console, text: str) -> bool:
    """Whether the console's encoding has all characters of a text."""
    try:
        text.encode(console.encoding)
    except UnicodeEncodeError:
        return False
    return True
