"""What is shown of outputs and errors."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from inngest_asgi.cli.outcome import LONGEST, outcome
from tests.cli.records import ended

STACK = (
    'Traceback (most recent call last):\n  File "shop.py", line 3, in pay\nValueError: no [card]'
)


def shown(output: Any, status: str = "Completed", *, plain: bool = False) -> str:
    console = Console(file=io.StringIO(), soft_wrap=True, markup=False)
    for part in outcome(ended(status=status, output=output), plain=plain):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_an_output_is_laid_out() -> None:
    assert shown({"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}\n'


def test_no_output_shows_nothing() -> None:
    assert shown(None) == ""


@pytest.mark.parametrize(
    ("plain", "text"), [(False, '"ä"\n'), (True, '"\\u00e4"\n')], ids=["unicode", "ascii"]
)
def test_an_output_stays_json_in_every_encoding(plain: bool, text: str) -> None:  # noqa: FBT001
    assert shown("ä", plain=plain) == text


def test_a_huge_output_is_cut() -> None:
    text = shown("x" * LONGEST)
    assert text.endswith(f"x... (cut; {LONGEST + 2} characters in all)\n")


def test_an_error_shows_its_traceback_as_it_is() -> None:
    error = {"name": "ValueError", "message": "no [card]", "stack": STACK}
    assert shown(error, "Failed") == f"{STACK}\n"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ({"name": "E", "message": "m", "stack": None}, "E: m\n"),
        ({"message": "m"}, "Error: m\n"),
        ({"name": "E", "message": None}, "E: \n"),
    ],
    ids=["no traceback", "no name", "no message"],
)
def test_an_error_without_a_traceback(error: dict[str, Any], text: str) -> None:
    assert shown(error, "Failed") == text


def test_causes_are_shown_in_turn() -> None:
    cause = {"name": "B", "message": "b", "cause": {"name": "C", "message": "c"}}
    error = {"name": "A", "message": "a", "cause": cause}
    assert shown(error, "Failed") == "A: a\nCaused by: B: b\nCaused by: C: c\n"


def test_a_run_that_was_cancelled_has_no_error() -> None:
    assert shown(None, "Cancelled") == ""
