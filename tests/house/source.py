"""Reads Python files into modules that the layout rules look at; it judges nothing itself."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ("inngest_asgi/connect/pb/",)


@dataclass(frozen=True)
class Module:
    """One Python file: its dotted name, its path inside the project and its text."""

    name: str
    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree, which rules that look at the text only do without."""
        return ast.parse(self.text, filename=self.path)

    @property
    def package(self) -> str:
        """The package that relative imports of this module start from."""
        return self.name if self.path.endswith("__init__.py") else self.name.rpartition(".")[0]

    @property
    def room(self) -> str:
        """The part of `inngest_asgi` the module belongs to; empty for the package's own file."""
        return room_of(self.name)

    def at(self, node: ast.AST | int) -> str:
        """Name a place of this module, as an editor wants it."""
        line = node if isinstance(node, int) else getattr(node, "lineno", 1)
        return f"{self.path}:{line}"


def room_of(name: str) -> str:
    """Return the second part of a dotted name: the room of `inngest_asgi` it stands in."""
    return [*name.split("."), ""][1]


def module(name: str, text: str, *, is_package: bool = False) -> Module:
    """Build a module from text, as if it stood where its name says."""
    folders = "adapters/" if name.startswith("inngest_adapters") else ""
    tail = "/__init__.py" if is_package else ".py"
    path = folders + name.replace(".", "/") + tail
    return Module(name=name, path=path, text=text)


@cache
def package() -> tuple[Module, ...]:
    """Return the modules of `inngest_asgi`, generated code left out."""
    return _modules("inngest_asgi")


@cache
def adapters() -> tuple[Module, ...]:
    """Return the modules of `inngest_adapters`."""
    return _modules("adapters")


@cache
def everything() -> tuple[Module, ...]:
    """Return every module of the project: tests, examples and benchmarks, too."""
    others = (_modules(folder) for folder in ("examples", "tests", "benchmarks"))
    return package() + adapters() + tuple(chain.from_iterable(others))


def _modules(folder: str) -> tuple[Module, ...]:
    files = sorted((ROOT / folder).rglob("*.py"))
    paths = [(file, file.relative_to(ROOT).as_posix()) for file in files]
    return tuple(_read(file, path) for file, path in paths if not path.startswith(GENERATED))


def _read(file: Path, path: str) -> Module:
    dotted = path.removeprefix("adapters/").removesuffix(".py").removesuffix("/__init__")
    text = file.read_text(encoding="utf-8")
    return Module(name=dotted.replace("/", "."), path=path, text=text)
