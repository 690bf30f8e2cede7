"""Holds README, docs and the rest to the code: links lead somewhere, Python is right."""

from __future__ import annotations

import ast
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import inngest_asgi as inngest
from tests.house.source import ROOT
from tests.routes.asking import asked, call, called

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
README = ROOT / "README.md"

_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://)([^)#]+)")


def python_in(page: Path) -> list[str]:
    return _PYTHON.findall(page.read_text(encoding="utf-8"))


SNIPPETS = [
    pytest.param(code, id=f"{page.name}-{place}")
    for page in PAGES
    for place, code in enumerate(python_in(page), start=1)
]


@pytest.fixture
def readme_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, ModuleType]]:
    """The files that the README shows, imported."""
    monkeypatch.setenv("INNGEST_DEV", "1")
    monkeypatch.syspath_prepend(tmp_path)
    shown = [code.partition("\n") for code in python_in(README) if code.startswith("# ")]
    names = [Path(title.removeprefix("# ")).stem for title, _, _ in shown]
    for name, (_, _, code) in zip(names, shown, strict=True):
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    yield {name: import_module(name) for name in names}
    for name in names:
        del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_what_is_there(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("code", SNIPPETS)
def test_python_in_the_documents_names_what_is_there(code: str) -> None:
    tree = compile(code, "snippet", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    named = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "inngest"
    ]
    assert [name for name in named if not hasattr(inngest, name)] == []


def test_the_first_function_of_the_readme_runs(readme_files: dict[str, ModuleType]) -> None:
    event = {"name": "shop/signed.up", "data": {"email": "ann@example.com"}}
    document = call() | {"event": event, "events": [event]}
    answer = called(readme_files["shop"].inngest_app, document, fn_id="shop-welcome")
    assert (answer.status, answer.document[0]["data"]) == (206, "told ann@example.com: Welcome!")


def test_the_fastapi_application_of_the_readme_serves_it(
    readme_files: dict[str, ModuleType],
) -> None:
    assert asked(readme_files["main"].app).document["function_count"] == 1
