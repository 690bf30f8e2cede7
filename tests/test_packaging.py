"""Builds the wheel as an installer does, and looks at what users would get."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from itertools import chain
from typing import TYPE_CHECKING

import hatchling.build
import pytest
from packaging.requirements import Requirement

from inngest_asgi.version import VERSION
from tests.house.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path

pytestmark = pytest.mark.live  # a build and processes

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("dist")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        yield folder / hatchling.build.build_wheel(str(folder))


@pytest.fixture(scope="module")
def files(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"inngest_asgi-{VERSION}.dist-info/METADATA").decode()
    return Parser().parsestr(text)


def test_the_wheel_is_for_every_platform(wheel: Path) -> None:
    assert wheel.name == f"inngest_asgi-{VERSION}-py3-none-any.whl"


def test_the_wheel_holds_the_two_packages_and_nothing_else(files: list[str]) -> None:
    roots = {name.split("/")[0] for name in files}
    assert roots == {"inngest_asgi", "inngest_adapters", f"inngest_asgi-{VERSION}.dist-info"}


@pytest.mark.parametrize("folder", ["inngest_asgi", "adapters/inngest_adapters"])
def test_the_wheel_holds_every_module(folder: str, files: list[str]) -> None:
    package = ROOT / folder
    modules = {file.relative_to(package.parent).as_posix() for file in package.rglob("*.py")}
    assert modules <= set(files)


def test_the_wheel_holds_the_page(files: list[str]) -> None:
    folder = "inngest_asgi/dev/web/page"
    assert {f"{folder}/{file.name}" for file in (ROOT / folder).iterdir()} <= set(files)


@pytest.mark.parametrize("package", ["inngest_asgi", "inngest_adapters"])
def test_both_packages_say_that_they_are_typed(package: str, files: list[str]) -> None:
    assert f"{package}/py.typed" in files


def test_the_wheel_holds_the_license(files: list[str]) -> None:
    assert f"inngest_asgi-{VERSION}.dist-info/licenses/LICENSE" in files


def test_the_version_is_the_one_of_the_code(metadata: Message) -> None:
    assert metadata["Version"] == VERSION


def test_the_extras_are_those_of_the_project(metadata: Message) -> None:
    assert set(metadata.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])


def test_the_core_needs_few_libraries(metadata: Message) -> None:
    needed = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    assert {one.name for one in needed if one.marker is None} == {
        "httpx",
        "orjson",
        "pydantic",
        "python-ulid",
        "rfc8785",
        "sniffio",
        "starlette",
        "typing-extensions",
    }


@pytest.mark.parametrize(
    "line",
    [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())],
)
def test_a_library_has_a_lower_bound_only(line: str) -> None:
    needed = Requirement(line)
    operators = [one.operator for one in needed.specifier]
    assert operators == ([] if needed.name == PROJECT["name"] else [">="])


def test_the_wheel_can_be_imported_as_it_is(wheel: Path, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(wheel)!r}); import inngest_asgi, inngest_adapters; "
        "print(inngest_asgi.__file__); print(inngest_adapters.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert all(line.startswith(str(wheel)) for line in done.stdout.splitlines())
