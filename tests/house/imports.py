"""The rules of who may import what: layers, cycles, owners, adapters. They only read trees."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from tests.house.source import room_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.house.source import Module

LAYERS = (
    ("errors", "clock", "settings", "version"),
    ("wire",),
    ("crypto",),
    ("engine",),
    ("functions",),
    ("middleware",),
    ("ai",),
    ("client",),
    ("runtime",),
    ("realtime",),
    ("connect",),
    ("durable",),
    ("lifespan",),
    ("routes",),
    ("testing",),
    ("cli",),
)
"""The rooms from the ground up; a module imports its own room and those below."""

DEV_MAY_IMPORT = (
    "inngest_asgi.errors",
    "inngest_asgi.clock",
    "inngest_asgi.version",
    "inngest_asgi.wire",
    "inngest_asgi.crypto",
    "inngest_asgi.connect.frames",
    "inngest_asgi.connect.messages",
    "inngest_asgi.connect.protocol",
    "inngest_asgi.dev",
)
"""The embedded server is a stranger to the SDK: it shares the wire with it and nothing else."""

MAY_IMPORT_DEV = ("testing", "cli")

PUBLIC_PACKAGES = (
    "ai", "connect", "dev", "durable", "errors", "lifespan", "middleware", "realtime", "testing",
)  # fmt: skip

OWNERS = {
    "a2wsgi": ("adapters/*",),
    "asgiref": ("adapters/*",),
    "celpy": ("inngest_asgi/dev/*",),
    "click": ("inngest_asgi/cli/*",),
    "cronsim": ("inngest_asgi/dev/*",),
    "django": ("adapters/*",),
    "fastapi": ("adapters/*",),
    "flask": ("adapters/*",),
    "google": ("inngest_asgi/connect/frames.py", "inngest_asgi/connect/pb/*"),
    "httpx": (
        "inngest_asgi/client/transport.py",
        "inngest_asgi/dev/outbound.py",
        "inngest_asgi/ai/fetch.py",
    ),
    "json": ("inngest_asgi/wire/codec.py",),
    "orjson": ("inngest_asgi/wire/codec.py",),
    "pytest": ("inngest_asgi/testing/*",),
    "random": ("inngest_asgi/clock.py",),
    "rfc8785": ("inngest_asgi/wire/codec.py",),
    "rich": ("inngest_asgi/cli/*",),
    "secrets": ("inngest_asgi/clock.py",),
    "signal": ("inngest_asgi/cli/*", "inngest_asgi/connect/stop_signals.py"),
    "sqlite3": ("inngest_asgi/dev/store/*",),
    "starlette": (
        "inngest_asgi/routes/*",
        "inngest_asgi/lifespan/*",
        "inngest_asgi/durable/*",
        "inngest_asgi/dev/*",
        "adapters/*",
    ),
    "time": ("inngest_asgi/clock.py",),
    "tornado": ("adapters/*",),
    "uvicorn": ("inngest_asgi/cli/*", "inngest_asgi/testing/*"),
    "websockets": (
        "inngest_asgi/connect/dialling.py",
        "inngest_asgi/realtime/subscribe.py",
        "inngest_asgi/dev/gateway/listener.py",
    ),
}
"""Which files may import a library; one that is not listed may be imported anywhere."""

OWNED_ATTRIBUTES = {
    ("os", "environ"): "inngest_asgi/settings.py",
    ("os", "getenv"): "inngest_asgi/settings.py",
    ("os", "putenv"): "inngest_asgi/settings.py",
    ("os", "urandom"): "inngest_asgi/clock.py",
    ("datetime", "now"): "inngest_asgi/clock.py",
    ("datetime", "today"): "inngest_asgi/clock.py",
    ("datetime", "utcnow"): "inngest_asgi/clock.py",
    ("date", "today"): "inngest_asgi/clock.py",
}
"""Which file alone may use an attribute of a module or class: the environment, time, chance."""


@dataclass(frozen=True, slots=True)
class Import:
    """One imported thing: the module, and the name taken from it, if one is."""

    module: str
    name: str | None
    line: int

    @property
    def dotted(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module

    def target(self, known: set[str]) -> str:
        """Return the module that is really imported: `from a import b` may mean `a.b`."""
        return self.dotted if self.dotted in known else self.module


def imports_of(module: Module) -> Iterator[Import]:
    """Yield every import of a module, those for type checkers and inside functions included."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, None, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            yield from (Import(base, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and (name := _imported_by_call(node)):
            yield Import(name, None, node.lineno)


def against_the_layers(modules: Sequence[Module]) -> list[str]:
    """Find imports of a higher layer, of the package's own file, or by and of strangers."""
    known = {module.name for module in modules}
    found = []
    for module in modules:
        for one in imports_of(module):
            target = one.target(known)
            if target.split(".")[0] == "inngest_asgi" and not _may_import(module, target):
                found.append(f"{module.at(one.line)} imports {target}")
    return found


def cycle(modules: Sequence[Module]) -> list[str]:
    """Find one ring of modules that import each other, imports for type checkers included."""
    known = {module.name for module in modules}
    graph = {
        module.name: {one.target(known) for one in imports_of(module)} & known for module in modules
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def foreign_libraries(modules: Sequence[Module]) -> list[str]:
    """Find libraries imported by a file that does not own them."""
    return [
        f"{module.at(one.line)} imports {one.module}"
        for module in modules
        for one in imports_of(module)
        if not _owns(module, one.module.split(".")[0])
    ]


def foreign_attributes(modules: Sequence[Module]) -> list[str]:
    """Find the environment, the clock and chance used outside the one file that owns each."""
    found = []
    for module in modules:
        for node, parent, name in _attributes(module):
            owner = OWNED_ATTRIBUTES.get((parent, name), module.path)
            if owner != module.path:
                found.append(f"{module.at(node)} uses {parent}.{name}; ask {owner}")
    return found


def waits(modules: Sequence[Module]) -> list[str]:
    """Find `asyncio.sleep` with anything but 0 (a turn of the loop) outside the clock."""
    return [
        f"{module.at(node)} waits by itself; take a Clock"
        for module in modules
        if module.path != "inngest_asgi/clock.py"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("asyncio.sleep", "sleep")
        and [ast.unparse(argument) for argument in node.args] != ["0"]
    ]


def private_names(modules: Sequence[Module], public: set[str]) -> list[str]:
    """Find adapters that import anything of `inngest_asgi` but its public names."""
    found = []
    for module in modules:
        for one in imports_of(module):
            parts = one.module.split(".")
            if parts[0] == "inngest_asgi" and not _is_public(parts, one.name, public):
                found.append(f"{module.at(one.line)} imports {one.dotted}")
    return found


def adapters_imported(modules: Sequence[Module]) -> list[str]:
    """Find modules of the package that import an adapter."""
    return [
        f"{module.at(one.line)} imports {one.module}"
        for module in modules
        for one in imports_of(module)
        if one.module.split(".")[0] == "inngest_adapters"
    ]


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def _imported_by_call(node: ast.Call) -> str | None:
    if ast.unparse(node.func) not in ("import_module", "importlib.import_module", "__import__"):
        return None
    first = node.args[0] if node.args else None
    is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return ast.literal_eval(first) if first is not None and is_text else None


def _may_import(module: Module, target: str) -> bool:
    room, other = module.room, room_of(target)
    if not room or room == other:
        return True
    if room == "dev":
        return f"{target}.".startswith(tuple(f"{allowed}." for allowed in DEV_MAY_IMPORT))
    if other == "dev":
        return room in MAY_IMPORT_DEV
    return -1 < _height(other) <= _height(room)


def _height(room: str) -> int:
    return next((height for height, layer in enumerate(LAYERS) if room in layer), -1)


def _owns(module: Module, library: str) -> bool:
    owners = OWNERS.get(library)
    return owners is None or any(fnmatch(module.path, owner) for owner in owners)


def _attributes(module: Module) -> Iterator[tuple[ast.AST, str, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            parent = ast.unparse(node.value).rpartition(".")[2]
            yield node, parent, node.attr
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from ((node, "os", alias.name) for alias in node.names)


def _is_public(parts: list[str], name: str | None, public: set[str]) -> bool:
    if len(parts) == 1:
        return name is None or name in public or name in PUBLIC_PACKAGES
    return len(parts) == 2 and parts[1] in PUBLIC_PACKAGES
