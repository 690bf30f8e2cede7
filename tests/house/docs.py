"""The rules of docstrings: every module and every public name has one. They only read trees."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.house.source import Module


def modules_without_a_sentence(modules: Sequence[Module]) -> list[str]:
    """Find modules whose first statement is not a docstring, its first line a sentence."""
    return [
        module.path
        for module in modules
        if not (ast.get_docstring(module.tree) or "").partition("\n")[0].endswith(".")
    ]


def undocumented(modules: Sequence[Module]) -> list[str]:
    """Find public classes, functions and methods that have no docstring.

    A method needs none where a base class documents it already, or a protocol that the class
    implements, which it does when it has all the protocol's methods.
    """
    classes = {node.name: node for module in modules for node in _classes(module)}
    return [
        f"{module.at(node)} {name}"
        for module in modules
        for node, name in _public_without_docstring(module, classes)
    ]


def is_stub(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether a function is only a signature: a protocol's method, or an overload."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return bool(body) and all(ast.unparse(statement) == "..." for statement in body)


def _public_without_docstring(
    module: Module, classes: dict[str, ast.ClassDef]
) -> Iterator[tuple[ast.AST, str]]:
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                yield node, node.name
            told = _told_by_bases(node, classes) | _told_by_protocols(node, classes)
            for method in _undocumented_functions(node.body):
                if method.name not in told and not _is_protocol(node):
                    yield method, f"{node.name}.{method.name}"
    for function in _undocumented_functions(module.tree.body):
        yield function, function.name


def _undocumented_functions(
    body: Sequence[ast.stmt],
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in body:
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
            and not _says_nothing_new(node)
        ):
            yield node


def _says_nothing_new(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """An overload, or the setter of a property, is documented with its first definition."""
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any(name.endswith(("overload", ".setter", ".deleter")) for name in decorators)


def _classes(module: Module) -> list[ast.ClassDef]:
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]


def _told_by_bases(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> set[str]:
    """Return the methods that the class's bases, those of this project, document."""
    told: set[str] = set()
    for base in _bases(node):
        if base in classes and classes[base] is not node:
            told |= _documented(classes[base]) | _told_by_bases(classes[base], classes)
    return told


def _told_by_protocols(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> set[str]:
    mine = {method.name for method in _methods(node)}
    told: set[str] = set()
    for protocol in filter(_is_protocol, classes.values()):
        if {method.name for method in _methods(protocol)} <= mine:
            told |= _documented(protocol)
    return told


def _documented(node: ast.ClassDef) -> set[str]:
    return {method.name for method in _methods(node) if ast.get_docstring(method)}


def _methods(node: ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [method for method in node.body if isinstance(method, functions)]


def _is_protocol(node: ast.ClassDef) -> bool:
    return "Protocol" in _bases(node)


def _bases(node: ast.ClassDef) -> list[str]:
    return [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases]
