"""Finds the ASGI application that `MODULE:APP` names; every slip gets one sentence."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inngest_asgi.client.inngest import Inngest
from inngest_asgi.routes.app import DEFAULT_PATH, InngestApp

if TYPE_CHECKING:
    from types import ModuleType, TracebackType

_EXAMPLE = "shop.main:inngest_app"
_IMPORT_MACHINERY = ("<frozen importlib", importlib.__file__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """An application, the path it serves Inngest at, and what serves it there, as far as known.

    `guessed` when nothing tells the path.
    """

    app: Any
    path: str
    guessed: bool = False
    inngest_app: InngestApp | None = None


def load_app(target: str, path: str | None) -> Loaded:
    """Import an application, the working directory first on the path.

    Args:
        target: such as "shop.main:inngest_app".
        path: where it serves Inngest; by default as it says itself, or as it is attached or
            mounted in a Starlette or FastAPI application, else "/api/inngest".

    Raises:
        click.ClickException: the module or the attribute is not there, or is no application.
            What the module itself raises while it is imported is passed on as it is.
    """
    app = load_object(target)
    _check_app(app, target)
    inngest_app, own = _inngest_part(app)
    told = path or own
    return Loaded(app, told or DEFAULT_PATH, guessed=told is None, inngest_app=inngest_app)


def load_object(target: str) -> Any:
    """Import whatever MODULE:APP names, the working directory first on the path.

    Raises:
        click.ClickException: the module or the attribute is not there.
    """
    module_name, attribute = split_target(target)
    return _attribute_of(_import(module_name), attribute)


def split_target(target: str) -> tuple[str, str]:
    """Return the names of the module and the attribute in MODULE:APP.

    Raises:
        click.ClickException: the text is nothing of the kind.
    """
    module_name, _, attribute = target.partition(":")
    if not (_is_dotted(module_name) and _is_dotted(attribute)) or module_name.endswith(".py"):
        raise click.ClickException(
            f"{target!r} does not name an application; write MODULE:APP, such as "
            f"{_suggestion(module_name, attribute)}."
        )
    return module_name, attribute


def show_error(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print an exception that nobody caught; for `sys.excepthook`.

    When the user's module raised it while it was imported, our frames and those of the import
    machinery say nothing and are left out.
    """
    traceback.print_exception(kind, error, _users_part(trace))


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    part = trace
    while part is not None and part.tb_frame.f_code is not _import.__code__:
        part = part.tb_next
    if part is None:
        return trace
    part = part.tb_next
    while part is not None and part.tb_frame.f_code.co_filename.startswith(_IMPORT_MACHINERY):
        part = part.tb_next
    return part


def _import(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise click.ClickException(
            f"There is no module {error.name!r}, neither in {here} nor installed."
        ) from None


def _attribute_of(module: ModuleType, attribute: str) -> Any:
    found: Any = module
    for name in attribute.split("."):
        if not hasattr(found, name):
            apps = [key for key, one in vars(module).items() if isinstance(one, InngestApp)]
            instead = f" Perhaps {module.__name__}:{apps[0]}?" if apps else ""
            raise click.ClickException(
                f"The module {module.__name__!r} has no {attribute!r}.{instead}"
            )
        found = getattr(found, name)
    return found


def _check_app(app: Any, target: str) -> None:
    if isinstance(app, Inngest):
        raise click.ClickException(
            f"{target!r} is the client; name the application: what inngest.serve(...) returned, "
            "or the application that is attached to."
        )
    if inspect.isfunction(app) and not inspect.signature(app).parameters:
        raise click.ClickException(
            f"{target!r} is a function that takes nothing; name the application it makes, such as "
            f"`app = {app.__name__}()`."
        )
    if not callable(app):
        raise click.ClickException(f"{target!r} is {app!r}, which is no ASGI application.")


def _inngest_part(app: Any) -> tuple[InngestApp | None, str | None]:
    """Return what serves Inngest in an application and at which path, as far as its routes tell."""
    if isinstance(app, InngestApp):
        return app, app.serve_path
    for route in getattr(app, "routes", ()):
        part = getattr(route, "app", None)
        if isinstance(part, InngestApp):
            return part, str(route.path)
    return None, None


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _suggestion(module_name: str, attribute: str) -> str:
    """Return what may have been meant by a path such as "shop/main.py"."""
    dotted = module_name.removesuffix(".py").replace("/", ".").strip(".")
    good = _is_dotted(dotted) and _is_dotted(attribute)
    return f"{dotted}:{attribute}" if good else _EXAMPLE
