"""Finds the ASGI application that `MODULE:APP` names; every slip gets one sentence."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from inngest_asgi.routes.app import DEFAULT_PATH, InngestApp


@dataclass(frozen=True, slots=True)
class Loaded:
    """An application and the path it serves Inngest at."""

    app: Any
    path: str


def load_app(target: str, path: str | None) -> Loaded:
    """Import an application, the working directory first on the path.

    Args:
        target: such as "shop.main:inngest_app".
        path: where it serves Inngest; by default as it says itself, else "/api/inngest".

    Raises:
        click.ClickException: the module or the attribute is not there, or is no application.
            What the module itself raises while it is imported is passed on as it is.
    """
    module_name, colon, attribute = target.partition(":")
    if not (module_name and colon and attribute):
        raise click.ClickException(
            f"{target!r} does not name an application; write MODULE:APP, such as "
            "shop.main:inngest_app."
        )
    app: Any = _import(module_name)
    for name in attribute.split("."):
        if not hasattr(app, name):
            raise click.ClickException(f"The module {module_name!r} has no {attribute!r}.")
        app = getattr(app, name)
    if not callable(app):
        raise click.ClickException(f"{target!r} is {app!r}, which is no ASGI application.")
    own = app.serve_path if isinstance(app, InngestApp) else DEFAULT_PATH
    return Loaded(app, path or own)


def _import(name: str) -> object:
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
