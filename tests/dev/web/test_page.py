"""The page's files: their types, how long browsers keep them, and what they may load."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.dev import DevServer
from inngest_asgi.dev.web.page import page_files
from tests.dev.fakes import client
from tests.house.source import ROOT

if TYPE_CHECKING:
    import httpx

FOLDER = ROOT / "inngest_asgi/dev/web/page"


def asked(path: str, **headers: str) -> httpx.Response:
    async def main() -> httpx.Response:
        async with client(DevServer().app) as http:
            return await http.get(path, headers=headers)

    return asyncio.run(main())


def asset(name: str) -> str:
    return f"/ui/assets/{page_files().digest}/{name}"


def test_the_document_is_asked_for_again_each_time() -> None:
    reply = asked("/")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["cache-control"] == "no-cache"


def test_a_document_that_is_the_same_is_not_sent_again() -> None:
    reply = asked("/", **{"if-none-match": asked("/").headers["etag"]})
    assert (reply.status_code, reply.content) == (304, b"")


def test_the_document_names_files_that_exist() -> None:
    names = re.findall(r'(?:src|href)="(ui/assets/[^"]+)"', asked("/").text)
    assert len(names) > 5
    assert {asked(f"/{name}").status_code for name in names} == {200}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("main.js", "text/javascript; charset=utf-8"),
        ("base.css", "text/css; charset=utf-8"),
        ("mark.svg", "image/svg+xml"),
    ],
)
def test_files_have_their_type(name: str, kind: str) -> None:
    assert asked(asset(name)).headers["content-type"] == kind


def test_files_are_kept_for_good() -> None:
    assert "immutable" in asked(asset("main.js")).headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/ui/assets/0000000000000000/main.js",
        asset("missing.js"),
        asset("..%2Fpage.py"),
    ],
    ids=["another version", "no such file", "outside"],
)
def test_nothing_else_is_served(path: str) -> None:
    assert asked(path).status_code == 404


@pytest.mark.parametrize("path", ["/", asset("main.js")], ids=["document", "module"])
def test_scripts_come_from_the_server_only(path: str) -> None:
    policy = asked(path).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_the_document_has_no_script_or_style_in_it() -> None:
    text = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", text)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.js")), ids=lambda file: file.name)
def test_what_was_sent_is_never_read_as_html(file: object) -> None:
    text = (FOLDER / str(file)).read_text(encoding="utf-8")
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function"
    assert not re.search(forbidden, text)


@pytest.mark.parametrize(
    "file", sorted(FOLDER.glob("*.*")), ids=lambda file: getattr(file, "name", "")
)
def test_nothing_is_loaded_from_elsewhere(file: object) -> None:
    text = (FOLDER / str(file)).read_text(encoding="utf-8")
    found = re.findall(r"https?://(?!www\.w3\.org/2000/svg|localhost)[\w.]+", text)
    assert found == []


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.js")), ids=lambda file: file.name)
def test_modules_say_what_they_are_for_and_are_short(file: object) -> None:
    lines = (FOLDER / str(file)).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("// ")
    assert len(lines) < 400
