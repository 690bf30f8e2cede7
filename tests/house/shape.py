"""The rules of how a module reads: sizes, names, docstrings, `except`. They only read trees."""

from __future__ import annotations

import ast
import io
import re
import statistics
import tokenize
from fnmatch import fnmatch
from typing import TYPE_CHECKING, TypeAlias

from tests.house.docs import is_stub
from tests.house.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.house.source import Module

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

FILE_LINES = 400
FUNCTION_LINES = 60
MEDIAN_LINES = 8
MOST_FUNCTIONS_LINES = 40

BROAD_EXCEPT_EDGES = (
    "inngest_asgi/connect/calls.py",
    "inngest_asgi/connect/opening.py",
    "inngest_asgi/connect/shell.py",
    "inngest_asgi/routes/guard.py",
    "inngest_asgi/engine/drive*.py",
    "inngest_asgi/dev/executor.py",
    "inngest_asgi/middleware/observers.py",
    "adapters/inngest_adapters/bridge.py",
)
"""Where foreign code is run, and any error of it becomes an answer or a log line."""

PURE = (
    "inngest_asgi/wire/*",
    "inngest_asgi/crypto/*",
    "inngest_asgi/engine/*",
    "inngest_asgi/connect/frames.py",
    "inngest_asgi/connect/messages.py",
    "inngest_asgi/connect/protocol/*",
    "inngest_asgi/connect/session/*",
)
"""Bytes and records in, bytes and records out: tested in microseconds."""

SHELLS = (
    "inngest_asgi/engine/context.py",
    "inngest_asgi/engine/drive*.py",
    "inngest_asgi/engine/group.py",
    "inngest_asgi/engine/services.py",
    "inngest_asgi/engine/tools*.py",
)
"""The files of pure rooms that users' code calls or is called by, and that wait for it."""

IMPURE_IMPORTS = frozenset(
    {"asyncio", "concurrent", "logging", "multiprocessing", "socket", "subprocess", "threading"}
)

NOT_MIRRORS = (
    "tests/test_documents.py",
    "tests/test_layout.py",
    "tests/test_packaging.py",
    "tests/test_public_api.py",
    "tests/conformance/*",
    "tests/dev/behaviour/*",
    "tests/engine/behaviour/*",
    "tests/examples/*",
    "tests/hardening/*",
    "tests/live/*",
    "tests/middleware/behaviour/*",
    "tests/typing/*",
    "tests/wire/test_codec_reading.py",
)
"""Tests of the project as a whole, of several modules at once, or of users' code."""

_BANNED = frozenset({"_internal", "common", "helper", "helpers", "models", "util", "utils"})
_LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def long_files(modules: Sequence[Module]) -> list[str]:
    """Find files with 400 lines or more."""
    counts = [(module.path, len(module.text.splitlines())) for module in modules]
    return [f"{path} has {count} lines" for path, count in counts if count >= FILE_LINES]


def long_functions(modules: Sequence[Module]) -> list[str]:
    """Find functions of more than 60 lines, signature and docstring counted."""
    return [
        f"{module.at(node)} {node.name} has {_length(node)} lines"
        for module in modules
        for node in functions_of(module)
        if _length(node) > FUNCTION_LINES
    ]


def long_on_the_whole(modules: Sequence[Module]) -> list[str]:
    """Say when the median or the 95th percentile of function lengths is too high."""
    lengths = sorted(_length(node) for module in modules for node in functions_of(module))
    if not lengths:
        return []
    median = statistics.median(lengths)
    most = lengths[int(len(lengths) * 0.95)]
    found = [f"the median is {median} lines, over {MEDIAN_LINES}"] if median > MEDIAN_LINES else []
    if most > MOST_FUNCTIONS_LINES:
        found.append(f"the 95th percentile is {most} lines, over {MOST_FUNCTIONS_LINES}")
    return found


def banned_names(modules: Sequence[Module]) -> list[str]:
    """Find files, classes, functions, arguments and variables with names that say nothing."""
    found = []
    for module in modules:
        parts = module.name.split(".")
        found += [f"{module.path} is called {part}" for part in parts if _is_banned(module, part)]
        found += [
            f"{module.at(node)} defines {name}"
            for node, name in _definitions(module)
            if _is_banned(module, name)
        ]
    return found


def broad_excepts(modules: Sequence[Module]) -> list[str]:
    """Find handlers of everything outside the edges; one that ends in a bare `raise` is none."""
    return [
        f"{module.at(node)} catches everything"
        for module in modules
        if not _stands_in(module, BROAD_EXCEPT_EDGES)
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.ExceptHandler) and _swallows_everything(node))
        or (isinstance(node, ast.Call) and _suppresses_everything(node))
    ]


def without_future_annotations(modules: Sequence[Module]) -> list[str]:
    """Find modules that may hold annotations but lack `from __future__ import annotations`."""
    annotated = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.AnnAssign
    return [
        module.path
        for module in modules
        if any(isinstance(node, annotated) for node in module.tree.body)
        and not any(
            isinstance(node, ast.ImportFrom) and node.module == "__future__"
            for node in module.tree.body
        )
    ]


def leftovers(modules: Sequence[Module]) -> list[str]:
    """Find comments that put work off."""
    return [
        f"{module.at(token.start[0])} {token.string}"
        for module in modules
        for token in tokenize.generate_tokens(io.StringIO(module.text).readline)
        if token.type == tokenize.COMMENT and _LEFTOVER.search(token.string)
    ]


def impurities(modules: Sequence[Module]) -> list[str]:
    """Find awaits, input, output, logging and threads in the rooms that must have none."""
    return [
        f"{module.at(node)} {ast.unparse(node).splitlines()[0]}"
        for module in modules
        if _stands_in(module, PURE) and not _stands_in(module, SHELLS)
        for node in ast.walk(module.tree)
        if _is_impure(node)
    ]


def more_than_a_list_of_names(modules: Sequence[Module]) -> list[str]:
    """Find statements in `inngest_asgi/__init__.py` that are not its business."""
    return [
        f"{module.at(node)} {ast.unparse(node).splitlines()[0]}"
        for module in modules
        if module.path == "inngest_asgi/__init__.py"
        for node in module.tree.body
        if not _belongs_into_the_root(node)
    ]


def tests_without_a_module(modules: Sequence[Module]) -> list[str]:
    """Find test files that no file of the package, or of the adapters, corresponds to."""
    return [
        f"{module.path} tests no {mirrored}"
        for module in modules
        if module.path.rpartition("/")[2].startswith("test_")
        and not _stands_in(module, NOT_MIRRORS)
        and not (ROOT / (mirrored := _mirrored(module.path))).exists()
    ]


def functions_of(module: Module) -> Iterator[Function]:
    """Yield every function with a body; stubs of protocols and overloads have none."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_stub(node):
            yield node


def _stands_in(module: Module, places: Sequence[str]) -> bool:
    return any(fnmatch(module.path, place) for place in places)


def _length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _definitions(module: Module) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node, node.name
        elif isinstance(node, ast.arg):
            yield node, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node, node.id


def _is_banned(module: Module, name: str) -> bool:
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)
    last = words[-1].lower() if words else ""
    if last == "manager":
        return module.room != "lifespan"
    is_class = name[:1].isupper()
    return name.lower() in _BANNED or name.endswith("_lib") or (is_class and last in _BANNED)


def _swallows_everything(node: ast.ExceptHandler) -> bool:
    ends_in_raise = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
    return _names_everything(node.type) and not ends_in_raise


def _suppresses_everything(node: ast.Call) -> bool:
    is_suppress = ast.unparse(node.func) in ("suppress", "contextlib.suppress")
    return is_suppress and any(_names_everything(argument) for argument in node.args)


def _names_everything(node: ast.expr | None) -> bool:
    if node is None:
        return True
    names = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(ast.unparse(name) in ("Exception", "BaseException") for name in names)


def _is_impure(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in IMPURE_IMPORTS for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] in IMPURE_IMPORTS
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in ("open", "print", "input")
    return isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)


def _belongs_into_the_root(node: ast.stmt) -> bool:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return all(isinstance(one, ast.Import | ast.ImportFrom) for one in node.body)
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) in ("__all__", "__version__")
    if isinstance(node, ast.FunctionDef):
        return node.name == "__getattr__"
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_docstring or isinstance(node, ast.Import | ast.ImportFrom)


def _mirrored(path: str) -> str:
    inside = path.removeprefix("tests/").replace("test_", "")
    if inside.startswith("adapters/"):
        return inside.replace("adapters/", "adapters/inngest_adapters/")
    return f"inngest_asgi/{inside}"
