"""Every way to name an application, and to name none."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import click
import pytest

from inngest_asgi.cli.loading import load_app, show_error

if TYPE_CHECKING:
    from tests.cli.conftest import Project

APP = """
import inngest_asgi as inngest
client = inngest.Inngest("shop")
app = inngest.serve(client, serve_path="/jobs")
number = 3
def create_app():
    return app
class Space:
    app = app
"""
HOST = """
from fastapi import FastAPI
import inngest_asgi as inngest
inngest_app = inngest.serve(inngest.Inngest("shop"))
attached, mounted, bare = FastAPI(), FastAPI(), FastAPI()
inngest.attach(attached, inngest_app, "/jobs")
mounted.mount("/work", inngest_app)
"""


@pytest.mark.parametrize("target", ["shop:app", "shop:Space.app"], ids=["name", "dotted name"])
def test_an_application_is_found_with_its_path(target: str, project: Project) -> None:
    project.write("shop.py", APP)
    loaded = load_app(target, None)
    assert (repr(loaded.app), loaded.path, loaded.guessed) == (
        "<InngestApp of <Inngest 'shop'>>",
        "/jobs",
        False,
    )


def test_a_module_of_a_package_is_found(project: Project) -> None:
    project.write("company/shop.py", APP)
    assert load_app("company.shop:app", None).path == "/jobs"


@pytest.mark.parametrize(
    ("name", "path", "guessed"),
    [("attached", "/jobs", False), ("mounted", "/work", False), ("bare", "/api/inngest", True)],
)
def test_a_host_shows_where_it_serves_inngest(
    name: str,
    path: str,
    guessed: bool,  # noqa: FBT001
    project: Project,
) -> None:
    project.write("host.py", HOST)
    loaded = load_app(f"host:{name}", None)
    assert (loaded.path, loaded.guessed) == (path, guessed)


def test_a_path_that_is_told_wins(project: Project) -> None:
    project.write("shop.py", APP)
    loaded = load_app("shop:app", "/else")
    assert (loaded.path, loaded.guessed) == ("/else", False)


@pytest.mark.parametrize(
    ("target", "instead"),
    [
        ("shop", "shop.main:inngest_app"),
        ("shop:", "shop.main:inngest_app"),
        (":app", "shop.main:inngest_app"),
        ("shop:a b", "shop.main:inngest_app"),
        ("shop.py:app", "shop:app"),
        ("./company/shop.py:app", "company.shop:app"),
        ("company/shop:app", "company.shop:app"),
    ],
)
def test_what_names_no_application_is_refused_with_what_may_be_meant(
    target: str, instead: str
) -> None:
    with pytest.raises(click.ClickException) as caught:
        load_app(target, None)
    assert caught.value.message == (
        f"{target!r} does not name an application; write MODULE:APP, such as {instead}."
    )


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("shop:nothing", "The module 'shop' has no 'nothing'. Perhaps shop:app?"),
        ("empty:app", "The module 'empty' has no 'app'."),
        ("shop:number", "'shop:number' is 3, which is no ASGI application."),
        (
            "shop:client",
            "'shop:client' is the client; name the application: what inngest.serve(...) returned, "
            "or the application that is attached to.",
        ),
        (
            "shop:create_app",
            "'shop:create_app' is a function that takes nothing; name the application it makes, "
            "such as `app = create_app()`.",
        ),
    ],
    ids=["missing", "missing, nothing else there", "not callable", "client", "factory"],
)
def test_what_is_no_application_is_refused(target: str, message: str, project: Project) -> None:
    project.write("shop.py", APP)
    project.write("empty.py", "")
    with pytest.raises(click.ClickException) as caught:
        load_app(target, None)
    assert caught.value.message == message


@pytest.mark.parametrize("name", ["nowhere", "nowhere.at.all"], ids=["module", "package"])
def test_a_module_that_is_not_there(name: str, project: Project) -> None:
    with pytest.raises(click.ClickException) as caught:
        load_app(f"{name}:app", None)
    assert caught.value.message == (
        f"There is no module 'nowhere', neither in {project.folder} nor installed."
    )


def test_a_module_that_misses_another_one_shows_its_own_error(project: Project) -> None:
    project.write("shop.py", "import no_such_dependency")
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        load_app("shop:app", None)


def test_an_error_at_import_shows_the_users_frames_alone(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("shop.py", "def deep():\n    raise ValueError('boom')\ndeep()\n")
    with pytest.raises(ValueError, match="boom") as caught:
        load_app("shop:app", None)
    show_error(caught.type, caught.value, caught.tb)
    lines = capsys.readouterr().err.splitlines()
    files = [line.split('"')[1] for line in lines if line.startswith("  File")]
    assert files == [str(project.folder / "shop.py")] * 2
    assert lines[-1] == "ValueError: boom"


def test_a_syntax_error_at_import_shows_the_line(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("shop.py", "def x(:\n")
    with pytest.raises(SyntaxError) as caught:
        load_app("shop:app", None)
    show_error(caught.type, caught.value, caught.tb)
    assert capsys.readouterr().err.startswith(f'  File "{project.folder / "shop.py"}", line 1')


def test_other_errors_are_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 // 0
    show_error(caught.type, caught.value, caught.tb)
    assert capsys.readouterr().err == "".join(traceback.format_exception(caught.value))
