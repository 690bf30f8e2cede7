"""Output that any terminal and any encoding can take."""

from __future__ import annotations

import io
import sys

import pytest

from inngest_asgi.cli.console import can_show, open_console


def ascii_output(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    return written


def test_what_an_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = ascii_output(monkeypatch)
    open_console().print("größe ✓")
    assert written.getvalue() == b"gr\\xf6\\xdfe \\u2713\n"


@pytest.mark.parametrize(
    "text",
    ["[red]a[/red] [/b]", ":warning:", "x" * 200, "1 'a' None"],
    ids=["markup", "emoji", "long line", "values"],
)
def test_text_is_shown_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    open_console().print(text)
    assert capsys.readouterr().out == f"{text}\n"


def test_any_stream_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    open_console().print("ä")
    assert stream.getvalue() == "ä\n"


@pytest.mark.parametrize(("text", "can"), [("+", True), ("✓", False)], ids=["ascii", "beyond"])
def test_what_an_encoding_has(text: str, can: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    ascii_output(monkeypatch)
    assert can_show(open_console(), text) is can
