"""Pins the rules of docs/architecture.md on every file, and proves that each rule can fail."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, TypeAlias

import pytest

import inngest_asgi
from tests.house import docs, imports, shape
from tests.house.source import adapters, everything, module, package

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.house.source import Module

Rule: TypeAlias = "Callable[[Sequence[Module]], list[str]]"
Case: TypeAlias = "tuple[Rule, str, str]"

HEAVY = ("a2wsgi", "google.protobuf", "httpx", "sqlite3", "uvicorn", "websockets")


FORBIDDEN: tuple[Case, ...] = (
    (imports.against_the_layers, "wire.x", "from inngest_asgi.engine import ids"),
    (imports.against_the_layers, "wire.x", "from ..crypto.keys import hmac_key"),
    (imports.against_the_layers, "client.x", "import inngest_asgi"),
    (imports.against_the_layers, "client.x", "from inngest_asgi import Inngest"),
    (imports.against_the_layers, "routes.x", "from inngest_asgi.dev import server"),
    (imports.against_the_layers, "dev.x", "from inngest_asgi.client import send"),
    (imports.against_the_layers, "dev.x", "import inngest_asgi.connect.worker"),
    (imports.against_the_layers, "dev.x", "import inngest_asgi.connect.session.outbox"),
    (imports.against_the_layers, "dev.x", "import inngest_asgi.settings"),
    (imports.against_the_layers, "cli.x", "import inngest_asgi.attic.things"),
    (imports.against_the_layers, "wire.x", "def f():\n import inngest_asgi.cli"),
    (imports.against_the_layers, "wire.x", "import_module('inngest_asgi.cli')"),
    (imports.cycle, "wire.x", "if TYPE_CHECKING:\n from .x import y"),
    (imports.foreign_libraries, "client.x", "import httpx"),
    (imports.foreign_libraries, "dev.x", "from sqlite3 import connect"),
    (imports.foreign_libraries, "engine.x", "from time import monotonic"),
    (imports.foreign_libraries, "connect.x", "import websockets.asyncio.client"),
    (imports.foreign_libraries, "connect.session.x", "from google.protobuf import message"),
    (imports.foreign_libraries, "client.x", "import signal"),
    (imports.foreign_libraries, "runtime.x", "from starlette.types import Scope"),
    (imports.foreign_libraries, "dev.x", "def f():\n import uvicorn"),
    (imports.foreign_attributes, "client.x", "key = os.environ['KEY']"),
    (imports.foreign_attributes, "client.x", "from os import getenv"),
    (imports.foreign_attributes, "dev.x", "at = datetime.datetime.now(UTC)"),
    (imports.waits, "engine.x", "async def f():\n await asyncio.sleep(0.1)"),
    (imports.adapters_imported, "routes.x", "import inngest_adapters.flask"),
    (shape.impurities, "wire.x", "import logging"),
    (shape.impurities, "crypto.x", "async def f(): pass"),
    (shape.impurities, "engine.run", "import asyncio"),
    (shape.impurities, "connect.protocol.x", "def f():\n return open('x')"),
    (shape.impurities, "connect.session.x", "import asyncio"),
    (shape.long_files, "wire.x", "\n" * 400),
    (shape.long_functions, "wire.x", "def f():\n" + " a = 1\n" * 60),
    (shape.long_on_the_whole, "wire.x", "def f():\n" + " a = 1\n" * 8),
    (shape.banned_names, "wire.utils", ""),
    (shape.banned_names, "wire._internal.x", ""),
    (shape.banned_names, "wire.json_lib", ""),
    (shape.banned_names, "connect.manager", ""),
    (shape.banned_names, "connect.x", "class LeaseManager: pass"),
    (shape.banned_names, "wire.x", "def f(helpers): pass"),
    (shape.banned_names, "wire.x", "common = 1"),
    (shape.broad_excepts, "client.x", "try: f()\nexcept Exception: pass"),
    (shape.broad_excepts, "client.x", "try: f()\nexcept: pass"),
    (shape.broad_excepts, "client.x", "try: f()\nexcept (A, BaseException): g()"),
    (shape.broad_excepts, "client.x", "with suppress(Exception): f()"),
    (docs.modules_without_a_sentence, "wire.x", ""),
    (docs.modules_without_a_sentence, "wire.x", "import os"),
    (docs.modules_without_a_sentence, "wire.x", "'''No full stop'''"),
    (docs.undocumented, "wire.x", "class A: pass"),
    (docs.undocumented, "wire.x", "def f(): pass"),
    (docs.undocumented, "wire.x", "class A:\n 'Text.'\n def f(self): pass"),
    (shape.without_future_annotations, "wire.x", "'''Text.'''\ndef f(): pass"),
    (shape.leftovers, "wire.x", "a = 1  # TO" + "DO: later"),
    (shape.tests_without_a_module, "tests.wire.test_nothing", ""),
)

ALLOWED: tuple[Case, ...] = (
    (imports.against_the_layers, "cli.x", "from inngest_asgi.dev import server"),
    (imports.against_the_layers, "dev.x", "import inngest_asgi.connect.protocol.leases"),
    (imports.against_the_layers, "crypto.x", "from ..wire.codec import canonical"),
    (imports.against_the_layers, "dev.x", "from .store import Store"),
    (imports.foreign_libraries, "client.transport", "import httpx"),
    (imports.foreign_libraries, "dev.store.runs", "import sqlite3"),
    (imports.waits, "engine.x", "async def f():\n await asyncio.sleep(0)"),
    (shape.broad_excepts, "dev.executor", "try: f()\nexcept Exception: pass"),
    (shape.broad_excepts, "client.x", "try: f()\nexcept Exception:\n g()\n raise"),
    (shape.banned_names, "lifespan.manager", "class LifespanManager: pass"),
    (shape.impurities, "engine.drive", "import asyncio"),
    (docs.undocumented, "wire.x", "def _f(): pass\nclass _A: pass"),
    (
        docs.undocumented,
        "wire.x",
        "class P(Protocol):\n 'Text.'\n def f(self):\n  'Text.'\n  ...\n"
        "class A:\n 'Text.'\n def f(self): pass",
    ),
)


def cases(table: Sequence[Case]) -> pytest.MarkDecorator:
    named = [pytest.param(*case, id=f"{case[0].__name__}-{n}") for n, case in enumerate(table)]
    return pytest.mark.parametrize(("rule", "name", "text"), named)


def source() -> tuple[Module, ...]:
    return package() + adapters()


def nothing(found: list[str], advice: str) -> None:
    if found:
        pytest.fail("\n  ".join([advice, *found]), pytrace=False)


def test_the_rules_have_files_to_look_at() -> None:
    assert {"inngest_asgi", "inngest_asgi.errors"} <= {one.name for one in package()}
    assert {"inngest_adapters"} <= {one.name for one in adapters()}


def test_imports_go_down_the_layers() -> None:
    nothing(
        imports.against_the_layers(package()),
        "A module imports its own room and lower ones (the order is tests/house/imports.LAYERS):",
    )


def test_no_modules_import_each_other_in_a_ring() -> None:
    nothing(imports.cycle(source()), "Move what both need into a module below them:")


def test_each_library_is_imported_by_its_owner_only() -> None:
    nothing(
        imports.foreign_libraries(source()),
        "Ask the file that owns the library (tests/house/imports.OWNERS) for what is needed:",
    )


def test_environment_time_and_chance_have_one_file_each() -> None:
    nothing(imports.foreign_attributes(source()), "Take a Clock or Settings as an argument:")


def test_only_the_clock_waits() -> None:
    nothing(imports.waits(source()), "Time is an argument; only sleep(0) is free:")


def test_the_package_does_not_import_the_adapters() -> None:
    nothing(imports.adapters_imported(package()), "Adapters stand on the package, never below it:")


def test_adapters_import_public_names_only() -> None:
    public = set(inngest_asgi.__all__)
    nothing(imports.private_names(adapters(), public), "Make the name public, or do without:")


def test_pure_rooms_do_nothing_but_compute() -> None:
    nothing(shape.impurities(package()), "Move the input and output into the shell that calls it:")


def test_files_are_short() -> None:
    nothing(shape.long_files(everything()), "Split the file by what its parts are for:")


def test_functions_are_short() -> None:
    nothing(shape.long_functions(everything()), "Name the parts of the function:")


def test_functions_are_short_on_the_whole() -> None:
    nothing(shape.long_on_the_whole(source()), "Name the parts of the longest functions:")


def test_names_say_something() -> None:
    nothing(shape.banned_names(everything()), "Call it what a user would call it:")


def test_everything_is_caught_only_at_the_edges() -> None:
    nothing(shape.broad_excepts(source()), "Catch the errors that are meant (an edge is listed):")


def test_modules_begin_with_a_sentence() -> None:
    with_text = [one for one in everything() if one.text or one in source()]
    nothing(docs.modules_without_a_sentence(with_text), "Say what the file is for, in a sentence:")


def test_public_names_have_docstrings() -> None:
    nothing(docs.undocumented(source()), "Say what it does, its arguments and what it raises:")


def test_annotations_are_never_evaluated_at_import() -> None:
    nothing(shape.without_future_annotations(everything()), "Add the __future__ import:")


def test_no_comment_puts_work_off() -> None:
    nothing(shape.leftovers(everything()), "Do it, or open an issue:")


def test_the_package_itself_is_a_list_of_names() -> None:
    nothing(shape.more_than_a_list_of_names(package()), "Move it into a room:")


def test_tests_mirror_the_modules() -> None:
    nothing(shape.tests_without_a_module(everything()), "Name the test after what it tests:")


def test_importing_the_package_is_cheap() -> None:
    code = f"import inngest_asgi, sys; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []


@cases(FORBIDDEN)
def test_a_rule_finds_what_it_forbids(rule: Rule, name: str, text: str) -> None:
    dotted = name if name.startswith("tests.") else f"inngest_asgi.{name}"
    assert rule([module(dotted, text)])


@cases(ALLOWED)
def test_a_rule_lets_pass_what_is_allowed(rule: Rule, name: str, text: str) -> None:
    assert rule([module(f"inngest_asgi.{name}", text)]) == []


def test_a_ring_of_two_modules_is_named() -> None:
    ring = [
        module("inngest_asgi.wire.a", "from inngest_asgi.wire import b"),
        module("inngest_asgi.wire.b", "from inngest_asgi.wire.a import A"),
    ]
    assert "inngest_asgi.wire.a" in imports.cycle(ring)[0]


@pytest.mark.parametrize(
    "text",
    ["from inngest_asgi.engine import ids", "from inngest_asgi import _secret"],
    ids=["room", "private name"],
)
def test_adapters_may_not_look_inside(text: str) -> None:
    assert imports.private_names([module("inngest_adapters.flask", text)], {"Inngest"})


def test_adapters_may_use_public_names() -> None:
    text = (
        "import inngest_asgi\nfrom inngest_asgi import Inngest\nfrom inngest_asgi.errors import E"
    )
    assert imports.private_names([module("inngest_adapters.flask", text)], {"Inngest"}) == []


def test_the_root_may_not_define_things() -> None:
    root = module("inngest_asgi", "'''Names.'''\nfrom a import b\nX = 1", is_package=True)
    assert len(shape.more_than_a_list_of_names([root])) == 1
